"""A published run, read back. Reading is `podbt.store.runs`."""

from dataclasses import dataclass

from podbt.contract.record import NodeRecord, RunRecord


@dataclass(frozen=True)
class Run:
    """A published run: its folder in the store, its record, its nodes in the order they ended."""

    path: str
    record: RunRecord
    nodes: list[NodeRecord]
