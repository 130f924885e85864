"""A try goes on where an earlier one of the same task instance stopped."""

from dataclasses import dataclass
from typing import Any, Final

from podbt.contract.kinds import DONE_STATUSES, RESUMABLE_COMMANDS, ResourceType, RunStatus
from podbt.contract.record import NodeRecord, RunStart
from podbt.runner.dbt.microbatch import invocation_started_at
from podbt.runner.dbt.parsing import Connection
from podbt.runner.dbt.selection import Selection
from podbt.runner.prepare.prepared import Known
from podbt.runner.prepare.variables import fingerprint
from podbt.runner.report.report import Report
from podbt.store.alive import Heartbeat
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


class Resumption:
    """Decides, once dbt has parsed the project, whether this try goes on from an earlier one, and sees to it."""

    def __init__(
        self, known: Known, earlier: Attempt | None, *, command: str | None, wanted: bool, selection: Selection,
        report: Report, heartbeat: Heartbeat,
    ) -> None:  # fmt: skip
        """Decides nothing, yet.

        Args:
            known: This try.
            earlier: The newest try before this one.
            command: The dbt command.
            wanted: Whether resuming is switched on.
            selection: Leaves out what is done.
            report: Tells of it.
            heartbeat: Tells the store what is known of this try.
        """
        self._known = known
        self._earlier = earlier
        self._command = command
        self._wanted = wanted
        self._selection = selection
        self._report = report
        self._heartbeat = heartbeat
        self._database: str | None = None
        self._decided = False

    def connected(self, connection: Connection) -> None:
        """See `podbt.runner.dbt.parsing.Listener`."""
        self._known.learn(target=connection.target)
        self._database = connection.fingerprint

    def parsed(self, manifest: Any, config: Any) -> None:
        """See `podbt.runner.dbt.parsing.Listener`."""
        variables = fingerprint(manifest, config, self._known.start.identity)
        # Both only now: a try with them is one that got as far as this decision.
        self._known.learn(database=self._database, variables=variables, invocation_started_at=invocation_started_at())
        if self._decided:
            return
        self._decided = True
        decision = decide(self._earlier, self._known.start, command=self._command, wanted=self._wanted)
        if decision.line:
            self._report.say(decision.line)
        self._known.learn(resumed_from=decision.resumed_from)
        if decision.done:
            nodes = list(decision.done)
            self._selection.leave_out(nodes)
            self._report.carry(nodes)
        self._heartbeat.update(self._known.start)
