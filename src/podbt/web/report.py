"""One run as one HTML file that needs no network and nothing beside it."""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from markupsafe import Markup

from podbt import constants
from podbt.contract.record import NodeRecord
from podbt.contract.runs import Run
from podbt.store.failures import store_errors
from podbt.store.runs import Listed, list_runs, read_run
from podbt.store.store import Store
from podbt.web.index.runs import Row, Trend
from podbt.web.read import graph_of
from podbt.web.render import Renderer, static
from podbt.web.views.run import RunView

_SQL_FILES = 50
"""The compiled SQL of so many failing nodes is put into the file."""
_BEFORE = 20


def report(store: Store, name: str, *, airflow: str | None = None, tell: Callable[[str], None]) -> str:
    """The page of a run as a file.

    Args:
        store: The artifact store.
        name: The run's folder, or "latest".
        airflow: Where people open Airflow, with a slash at the end; None: no links there.
        tell: Given a line about what the page lacks.

    Raises:
        ArtifactError: The store cannot be read.
        ConfigError: There is no such run, or its files are not what podbt writes.
    """
    view = view_of(store, read_run(store, name), airflow=airflow, tell=tell)
    return render(view)


def view_of(store: Store, run: Run, *, airflow: str | None = None, tell: Callable[[str], None]) -> RunView:
    """What the page of a published run shows, read from the store alone."""
    same = [one for one in list_runs(store, dag=run.record.identity.dag_id) if _same_task(one, run)]
    earlier = [one for one in same if one.record.finished_at <= run.record.started_at and _other_run(one, run)]
    with_target = next((one for one in earlier if one.record.target == run.record.target), None)
    last = [one for one in same if one.record.started_at <= run.record.started_at][:_BEFORE][::-1]
    tries = [one for one in same if one.record.identity.run_id == run.record.identity.run_id]
    return RunView(
        path=run.path,
        start=run.record,
        record=run.record,
        nodes=run.nodes,
        now=datetime.now(UTC),
        graph=graph_of(store, run, tell),
        before=read_run(store, with_target.path) if with_target else None,
        tries=[Row(path=one.path, record=one.record) for one in reversed(tries)],
        trend=Trend(
            seconds=[one.record.seconds for one in last],
            statuses=[str(one.record.status) for one in last],
            paths=[one.path for one in last],
        ),
        sql={node.unique_id: text for node in _failing(run) if (text := _compiled(store, run.path, node)) is not None},
        airflow=airflow,
    )


def render(view: RunView) -> str:
    """The file's text."""
    style, script = static("page.css"), static("page.js")
    return Renderer().page(
        "report.html",
        view=view,
        style=Markup(style),  # noqa: S704 - podbt's own
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def compiled_path(run: str, node: NodeRecord) -> str | None:
    """Where the compiled SQL of a node lies in the store; None where the record names no such place."""
    name = node.compiled
    inside = name is not None and name.startswith(f"{constants.COMPILED_FOLDER}/") and ".." not in name.split("/")
    return f"{run}/{name}" if inside else None


def _compiled(store: Store, run: str, node: NodeRecord) -> str | None:
    path = compiled_path(run, node)
    if path is None or not store.contains(path):
        return None
    try:
        return store.read(path).decode(errors="replace")
    except store_errors():
        return None


def _failing(run: Run) -> list[NodeRecord]:
    return [node for node in run.nodes if node.failed][:_SQL_FILES]


def _same_task(one: Listed, run: Run) -> bool:
    a, b = one.record.identity, run.record.identity
    return (a.task_id, a.map_index, a.part) == (b.task_id, b.map_index, b.part)


def _other_run(one: Listed, run: Run) -> bool:
    return one.record.identity.run_id != run.record.identity.run_id


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
