"""What a pull request's build came to: what both reports are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from podbt.ci.changes import Changes
from podbt.contract.exits import ExitCode
from podbt.contract.kinds import NodeStatus
from podbt.contract.record import NodeRecord
from podbt.contract.runs import Run

NOT_PRINTED: Final = dict.fromkeys([*range(9), 11, 12, *range(14, 32)])
"""For str.translate: control characters, which a database's message may hold, and XML 1.0 cannot."""


class Verdict(StrEnum):
    """How it ended."""

    PASSED = "passed"
    """Everything that the pull request touches was built, and its tests passed."""
    NOTHING = "nothing to build"
    """It changes nothing that dbt builds."""
    LISTED = "only listed"
    """Nothing was to be built: a dry run."""
    CHECK_FAILED = "failed without rows"
    """The build without rows failed, so the one with rows was not begun."""
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(kw_only=True)
class Review:
    """One pull request's build, as far as it has come.

    Attributes:
        pull_request: Its number.
        schema: The first of its schemas.
        target: dbt's target.
        state: What it was compared with.
        changes: What it changed.
        selected: What is built and tested, sorted; all of it for a full build.
        whole: Whether that is the whole project, for want of a state.
        cloned: Incremental models that began with a copy of the state's table, with its rows.
        check: The build without rows.
        build: The build with rows.
        before: The build that made the state, where it is known.
        usual: How long each node takes there, in seconds, by unique_id.
        project_size: How many nodes the whole project would build and test.
        dropped: The schemas that were dropped.
        kept: Whether the schemas were to stay.
        seconds: How long each phase took, by its name.
        verdict: How it ended.
        error: Why, in one line.
        exit_code: The process's: that of the build that failed.
    """

    pull_request: str
    schema: str
    target: str
    state: str
    changes: Changes = field(default_factory=Changes)
    selected: list[str] = field(default_factory=list)
    whole: bool = False
    cloned: dict[str, int] = field(default_factory=dict)
    check: Run | None = None
    build: Run | None = None
    before: Run | None = None
    usual: Mapping[str, float] = field(default_factory=dict)
    project_size: int = 0
    dropped: list[str] = field(default_factory=list)
    kept: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    verdict: Verdict = Verdict.CANCELLED
    error: str | None = None
    exit_code: int = ExitCode.INTERRUPTED

    @property
    def nodes(self) -> list[NodeRecord]:
        """Each node once: as the build with rows has it, else as the one without."""
        found = {node.unique_id: node for run in (self.check, self.build) if run for node in run.nodes}
        return list(found.values())

    @property
    def failed(self) -> list[NodeRecord]:
        return [node for node in self.nodes if node.failed]

    @property
    def skipped(self) -> list[NodeRecord]:
        return [node for node in self.nodes if node.status in {NodeStatus.SKIPPED, NodeStatus.INTERRUPTED}]

    @property
    def done(self) -> list[NodeRecord]:
        left = {node.unique_id for node in [*self.failed, *self.skipped]}
        return [node for node in self.nodes if node.unique_id not in left]

    @property
    def node_seconds(self) -> float:
        """What the database worked for this pull request."""
        return sum(node.seconds for run in (self.check, self.build) if run for node in run.nodes)

    @property
    def usual_seconds(self) -> float | None:
        """What the same nodes take where the state was built; None where that is not known."""
        return sum(self.usual.get(key, 0.0) for key in self.selected) if self.usual else None
