"""What is missing of a target's microbatch models: each run that is published says what it built and what it left."""

import json
from collections.abc import Iterable

from podbt.contract import layout
from podbt.contract.batches import Gaps
from podbt.contract.record import NodeRecord, RunRecord, to_json
from podbt.errors import ConfigError
from podbt.store.store import Store


def read_gaps(store: Store, target: str) -> Gaps:
    """What is missing on a target.

    Raises:
        Exception: The store's own, see `podbt.store.failures`.
    """
    try:
        return _parsed(store.read(layout.target_pointer(target, layout.BATCHES)))
    except FileNotFoundError:
        return Gaps()


def keep_gaps(store: Store, record: RunRecord, nodes: Iterable[NodeRecord], *, run: str) -> None:
    """Takes in what a published run did.

    Args:
        store: The artifact store.
        record: Its record.
        nodes: Its nodes.
        run: Its folder, relative to the store's root.

    Raises:
        Exception: The store's own, see `podbt.store.failures`.
    """
    batches = {node.unique_id: node.batches for node in nodes if node.batches is not None and node.from_try is None}
    if record.target is None or not batches:
        return

    def decide(current: bytes | None) -> bytes | None:
        before = _parsed(current or b"")
        after = before.after(batches, run=run, database=record.database)
        return json.dumps(to_json(after), indent=1).encode() + b"\n" if after != before else None

    store.exchange(layout.target_pointer(record.target, layout.BATCHES), decide)


def _parsed(content: bytes) -> Gaps:
    """Nothing where the file is damaged: what it said is in the runs' records, too."""
    try:
        return Gaps.parse_json(content, source=layout.BATCHES) if content else Gaps()
    except ConfigError:
        return Gaps()
