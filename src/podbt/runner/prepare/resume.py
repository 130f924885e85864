"""A try goes on where an earlier one of the same task instance stopped."""

from dataclasses import dataclass
from typing import Final

from podbt.contract.kinds import DONE_STATUSES, RESUMABLE_COMMANDS, ResourceType, RunStatus
from podbt.contract.record import NodeRecord, RunStart
from podbt.store.tries import Attempt

# What must be the same, and how to call it.
_SAME: Final = {
    "command": "its command line",
    "target": "its target",
    "database": "the database that it wrote to",
    "variables": "the hash of --vars and of what env_var() reads",
    "image": "its image",
    "revision": "its project's revision",
    "plan_hash": "its plan",
    "dbt_version": "its dbt",
}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a try does about the ones before it.

    Attributes:
        line: What to tell people; None where there is no earlier try.
        done: Nodes that are not run again.
        resumed_from: The folder of the earlier try, where this one goes on from it.
    """

    line: str | None = None
    done: tuple[NodeRecord, ...] = ()
    resumed_from: str | None = None


def decide(earlier: Attempt | None, current: RunStart, *, command: str | None, wanted: bool) -> Decision:
    """Decides whether to go on from an earlier try.

    Args:
        earlier: The newest try before this one.
        current: This try.
        command: The dbt command.
        wanted: Whether resuming is switched on.
    """
    if earlier is None or command not in RESUMABLE_COMMANDS:
        return Decision()
    name = earlier.path.rsplit("/", 1)[-1]
    if not wanted:
        return Decision(line=f"{name} ended with {earlier.reason}; resuming is switched off, so everything runs.")
    if earlier.reason.status != RunStatus.FAILED:
        return Decision(line=f"{name} ended with {earlier.reason}, so everything runs again.")
    for field, what in _SAME.items():
        if (before := getattr(earlier.start, field)) != (now := getattr(current, field)):
            return Decision(line=f"{name} cannot be resumed, so everything runs: {what} was {before}, now it is {now}.")
    done = tuple(
        node if node.from_try is not None else node.model_copy(update={"from_try": earlier.start.identity.try_number})
        for node in earlier.nodes
        if node.status in DONE_STATUSES and node.resource_type != ResourceType.OPERATION  # hooks belong to each run
    )
    if not done:
        return Decision(line=f"{name} ended with {earlier.reason} before any node was done, so everything runs.")
    return Decision(
        line=f"{name} ended with {earlier.reason}; going on from there: {len(done)} nodes are done already.",
        done=done,
        resumed_from=earlier.path,
    )
