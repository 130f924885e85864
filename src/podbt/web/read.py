"""Figures of a run that is read from the store alone, without the index."""

from collections.abc import Callable

from podbt.contract.kinds import Command
from podbt.contract.record import RunStart
from podbt.contract.runs import Run
from podbt.errors import ConfigError
from podbt.store.failures import refused, store_errors
from podbt.store.store import Store
from podbt.web.figures import Figures
from podbt.web.graph import Graph, read_graph


def figures_of(store: Store, run: Run) -> Figures:
    """The figures of a published run; without those that need the project where its manifest cannot be read."""
    graph = graph_of(store, run, lambda _: None)
    return Figures(
        nodes=run.nodes, graph=graph or Graph(), building=is_build(run.record), started=run.record.started_at
    )


def is_build(start: RunStart) -> bool:
    """Whether a failing test stops what reads the tested node."""
    return " ".join(start.command[:1]) == Command.BUILD


def graph_of(store: Store, run: Run, tell: Callable[[str], None]) -> Graph | None:
    """The project of a run; None where the store does not have it, of which a line is told."""
    manifest = run.record.manifest
    if manifest is None or not store.contains(manifest):
        return None
    try:
        return read_graph(store.read(manifest), source=manifest)
    except ConfigError as error:
        why = str(error)
    except store_errors() as error:
        why = str(refused("read", manifest, error))
    tell(f"The report has no critical path: {why}")
    return None
