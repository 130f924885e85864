"""The trace that Airflow has of a task, and the times before its pod."""

from datetime import UTC, datetime
from typing import Any, Final

from opentelemetry import trace

from podbt import constants
from podbt.contract.born import born_at

_SAMPLED: Final = 1


def environment(task_instance: Any) -> dict[str, str]:
    """What a run is told, in W3C's variable and in podbt's own.

    Airflow has a span around each trigger and each task on a worker. Where it sends no traces, it still numbers them:
    the tasks of a DAG run have one trace, whose spans are those of their runs alone.
    """
    found = {constants.ENV_SUBMITTED_AT: datetime.now(UTC).isoformat()}
    known = getattr(task_instance, "id", None)
    if known is not None and (born := born_at(known)) is not None:
        found[constants.ENV_QUEUED_AT] = born.isoformat()
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        off = not hasattr(trace.get_tracer_provider(), "sampler")  # nobody has decided whether this one is to be sent
        flags = span.trace_flags | _SAMPLED if off else span.trace_flags
        found["TRACEPARENT"] = f"00-{span.trace_id:032x}-{span.span_id:016x}-{flags:02x}"
    return found
