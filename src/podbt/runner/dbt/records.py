"""What dbt tells of a node, as a record: by an event while it runs (a protobuf message), by a result at the end."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from podbt.contract.kinds import CHECKS, EPHEMERAL, FAILED_STATUSES, NodeStatus, ResourceType
from podbt.contract.record import NodeRecord, shorten
from podbt.runner.dbt.causes import Causes
from podbt.runner.process.redact import Redactor

_MESSAGE_CHARS = 4000
_CUT_OFF = "Cancelled, since another node failed and --fail-fast is on."
# What freshness calls a source that could not be asked.
_STATUSES: Final[Mapping[str, str]] = {NodeStatus.RUNTIME_ERROR: NodeStatus.ERROR}


def record_of(event: Any, redactor: Redactor, causes: Causes) -> NodeRecord | None:
    """What an event says of a node.

    Args:
        event: dbt's.
        redactor: Keeps secrets out of the message.
        causes: What is known of errors beside dbt's text.

    Returns:
        The node, as `NodeStatus.STARTED` where it begins; None of events about other things, and of ephemeral models,
        which live in the SQL of others.
    """
    name = event.info.name
    if name not in {"NodeStart", "NodeFinished", "LogHookEndLine"} or event.data.node_info.materialized == EPHEMERAL:
        return None
    if name == "NodeStart":
        return _started(event.data.node_info)
    return (_hook if name == "LogHookEndLine" else _finished)(event.data, redactor, causes)


def cut_off(node: NodeRecord) -> NodeRecord:
    """A node that --fail-fast cancelled: dbt calls it skipped, as what it did not begin."""
    return node.model_copy(update={"status": NodeStatus.SKIPPED, "message": _CUT_OFF})


def complete(nodes: list[NodeRecord], results: list[Any], causes: Causes) -> list[NodeRecord]:
    """Adds what dbt's result knows beyond its events: how stale a source is, and nodes whose end no event told.

    Such is a node whose runner itself broke, which dbt tells of as an error in its result alone, and an operation.
    """
    by_id = {unique_id: result for result in results if (unique_id := _id_of(result)) is not None}
    completed = []
    for told in nodes:
        result = by_id.pop(told.unique_id, None)
        node = _ended(told, result, causes)
        message = _age(result) if result is not None and not node.message else None
        completed.append(node.model_copy(update={"message": message}) if message else node)
    return [*completed, *(_of_result(result, causes) for result in by_id.values())]


def compiled_of(results: list[Any]) -> dict[str, str]:
    """The compiled SQL of nodes, by unique_id."""
    nodes = (getattr(result, "node", None) for result in results)
    found = {str(node.unique_id): getattr(node, "compiled_code", None) for node in nodes if node is not None}
    return {unique_id: code for unique_id, code in found.items() if code}


def _ended(told: NodeRecord, result: Any, causes: Causes) -> NodeRecord:
    """An error that only the result knows of; what was cut off stays as the events told it."""
    if result is None or told.status != NodeStatus.STARTED:
        return told
    if causes.cancelling and _status(result) == NodeStatus.SKIPPED:
        return cut_off(told)
    known = _of_result(result, causes)
    return known.model_copy(update={"started_at": told.started_at}) if known.failed else told


def _id_of(result: Any) -> str | None:
    """A result has its node; that of an operation, which is as run_results.json has it, the macro's unique_id."""
    found = getattr(getattr(result, "node", None), "unique_id", None) or getattr(result, "unique_id", None)
    return str(found) if found else None


def _of_result(result: Any, causes: Causes) -> NodeRecord:
    unique_id, node = _id_of(result) or "", getattr(result, "node", None)
    return NodeRecord(
        unique_id=unique_id,
        name=str(node.name) if node else unique_id.rpartition(".")[2],
        resource_type=str(node.resource_type) if node else ResourceType.OPERATION,
        status=_status(result),
        seconds=round(float(result.execution_time), 3),
        message=result.message or causes.words(unique_id),
    )


def _status(result: Any) -> str:
    return str(getattr(result.status, "value", result.status))


def _age(result: Any) -> str | None:
    """Says how old a source is, which dbt's freshness result holds in pieces; None of any other result."""
    age, newest = getattr(result, "age", None), getattr(result, "max_loaded_at", None)
    if age is None or newest is None:
        return None
    status = _status(result)
    limit = getattr(getattr(result.node, "freshness", None), f"{status}_after", None)
    asked = f", {status} after {limit.count} {limit.period.value}" if limit and limit.count and limit.period else ""
    return f"newest row is from {newest:%Y-%m-%d %H:%M:%S}, {age / 3600:.1f} hours old{asked}"


def _started(info: Any) -> NodeRecord:
    return NodeRecord(
        unique_id=info.unique_id,
        name=info.node_name,
        resource_type=info.resource_type,
        status=NodeStatus.STARTED,
        seconds=0.0,
        started_at=_time(info.node_started_at),
    )


def _hook(data: Any, redactor: Redactor, causes: Causes) -> NodeRecord:
    """An on-run-start or on-run-end hook, for which dbt fires no event of a node."""
    info, status = data.node_info, str(data.status)
    said = causes.words(info.unique_id) if status in FAILED_STATUSES else None
    return NodeRecord(
        unique_id=info.unique_id,
        name=info.node_name,
        resource_type=info.resource_type or ResourceType.OPERATION,
        status=status,
        seconds=round(float(data.execution_time), 3),
        started_at=_time(info.node_started_at),
        finished_at=_time(info.node_finished_at),
        message=redactor.text(said or str(data.statement)) or None,
    )


def _finished(data: Any, redactor: Redactor, causes: Causes) -> NodeRecord:
    info, result = data.node_info, data.run_result
    response = dict(result.adapter_response)
    rows = response.get("rows_affected")
    # Of a batch that is skipped the event says that it has begun, and the result what became of it.
    began = info.node_status in {"", NodeStatus.STARTED}
    status = str(result.status if began else info.node_status)
    hook = causes.hook(info.unique_id) if status in FAILED_STATUSES else None
    message = f"{hook}: {result.message}" if hook else result.message
    return NodeRecord(
        unique_id=info.unique_id,
        name=info.node_name,
        resource_type=info.resource_type,
        status=_STATUSES.get(status, status),
        seconds=round(float(result.execution_time), 3),
        started_at=_time(info.node_started_at),
        finished_at=_time(info.node_finished_at),
        thread=result.thread or None,
        rows=int(rows) if isinstance(rows, int | float) and rows >= 0 else None,
        failures=int(result.num_failures) if info.resource_type in CHECKS else None,
        message=redactor.text(shorten(message, _MESSAGE_CHARS)) or None,
        relation=info.node_relation.relation_name or None,
        path=info.node_path or None,
    )


def _time(text: str) -> datetime | None:
    """Dbt writes UTC without saying so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
