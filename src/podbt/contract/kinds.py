"""The choices of podbt, dbt and Kubernetes that more than one module asks for: each member explained once.

A member is equal to its text, so it stands wherever that does: in JSON, an environment variable or a set of plain
texts. What dbt may add to in a release (types and statuses of nodes) is text in records, and compared with these.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ResourceType(StrEnum):
    """dbt's types of nodes, as far as a run tells of them. A unique_id begins with one, see `type_of`."""

    MODEL = "model"
    SEED = "seed"
    SNAPSHOT = "snapshot"
    FUNCTION = "function"
    """A function of the database, since dbt 1.11. dbt keeps it in manifest.functions, beside manifest.nodes."""
    TEST = "test"
    """A data test, generic or of its own."""
    UNIT_TEST = "unit_test"
    """dbt keeps it in manifest.unit_tests, and runs it before its model."""
    OPERATION = "operation"
    """A hook: on-run-start or on-run-end."""
    SOURCE = "source"
    """A table that somebody else writes; `dbt source freshness` looks at it."""


TABLES: Final = frozenset({ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT})
"""What holds rows once it is built, as a table or a view: what can be an asset."""
BUILT: Final = TABLES | {ResourceType.FUNCTION}
"""What dbt makes in the database: what two runs must not make at the same time."""
CHECKS: Final = frozenset({ResourceType.TEST, ResourceType.UNIT_TEST})
RUNNABLE: Final = BUILT | CHECKS
"""What `dbt build` runs of a selection."""
PLANNED: Final = RUNNABLE | {ResourceType.OPERATION}
"""What a plan may hold."""

EPHEMERAL: Final = "ephemeral"
"""The materialization of a model that lives in the SQL of its readers: nothing is built, and dbt reports nothing."""


def type_of(unique_id: str) -> str:
    """The type of a node by its unique_id: "model" of "model.dental.dim_patients"."""
    return unique_id.partition(".")[0]


class NodeStatus(StrEnum):
    """How a node stands: dbt's words, and one of podbt's own."""

    STARTED = "started"
    """It has begun. All others mean that it ended."""
    SUCCESS = "success"
    """It was built; of a hook, it ran."""
    PASS = "pass"  # noqa: S105 - a test's status
    """A test found nothing, or a source is fresh."""
    WARN = "warn"
    """A test found something, or a source is old, and its project says that this is worth a warning alone."""
    NO_OP = "no-op"
    """There was nothing to run: an exposure or a saved query."""
    SKIPPED = "skipped"
    """It did not run, since something that it reads failed."""
    FAIL = "fail"
    """A test found what it looks for."""
    ERROR = "error"
    """It could not be run, or a source is too old."""
    PARTIAL_SUCCESS = "partial success"
    """Of a model in batches, some were built and some were not. dbt counts it among the failures, and so do we."""
    RUNTIME_ERROR = "runtime error"
    """A source could not be asked. A record says "error" instead."""
    INTERRUPTED = "interrupted"
    """podbt's own word: it was running when its run was stopped or lost."""


DONE_STATUSES: Final = frozenset({NodeStatus.SUCCESS, NodeStatus.PASS, NodeStatus.WARN, NodeStatus.NO_OP})
"""The node did what it should."""
FAILED_STATUSES: Final = frozenset(
    {NodeStatus.FAIL, NodeStatus.ERROR, NodeStatus.PARTIAL_SUCCESS, NodeStatus.RUNTIME_ERROR}
)
"""The node did not do what it should."""
ANSWERED_STATUSES: Final = frozenset({NodeStatus.SUCCESS, NodeStatus.PASS, NodeStatus.WARN, NodeStatus.FAIL})
"""The database answered for the node, so the login worked."""
FRESHNESS_STATUSES: Final = frozenset({NodeStatus.PASS, NodeStatus.WARN, NodeStatus.ERROR, NodeStatus.RUNTIME_ERROR})
"""What sources.json says of a source."""


class RunStatus(StrEnum):
    """How a run ended in one word; the states of an Airflow task have the same names."""

    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    """There was nothing to do, and that was allowed."""


class Command(StrEnum):
    """dbt's commands that leave a record."""

    BUILD = "build"
    """Functions, seeds, snapshots, models and tests, in the order of the graph."""
    RUN = "run"
    """Models alone."""
    TEST = "test"
    SEED = "seed"
    SNAPSHOT = "snapshot"
    SOURCE_FRESHNESS = "source freshness"
    """How old the newest row of each source is."""
    CLONE = "clone"
    """Tables of a state, copied into this target's schemas."""
    RETRY = "retry"
    """What failed in the command before it."""
    COMPILE = "compile"
    DOCS_GENERATE = "docs generate"
    RUN_OPERATION = "run-operation"
    """One macro."""

    @property
    def runs(self) -> frozenset[ResourceType] | None:
        """What it runs of the nodes that its selection matches; None for all."""
        return _RUNS.get(self)


_RUNS: Final[Mapping[str, frozenset[ResourceType]]] = {
    Command.RUN: frozenset({ResourceType.MODEL}),
    Command.TEST: CHECKS,
    Command.SEED: frozenset({ResourceType.SEED}),
    Command.SNAPSHOT: frozenset({ResourceType.SNAPSHOT}),
}
NODE_COMMANDS: Final = frozenset(Command) - {Command.COMPILE, Command.DOCS_GENERATE, Command.RUN_OPERATION}
"""Their work is nodes: with nothing selected they did nothing."""
BUILDING_COMMANDS: Final = NODE_COMMANDS - {Command.SOURCE_FRESHNESS}
"""Their success says something about the tables of a target."""
WRITING_COMMANDS: Final = BUILDING_COMMANDS - {Command.TEST}
"""They write the nodes that they select; compile and docs select the same ones and write none."""
RESUMABLE_COMMANDS: Final = BUILDING_COMMANDS - {Command.CLONE, Command.RETRY}
"""Their nodes stay done once they are done, so that a later try goes on from there. Freshness asks anew."""
STEP_COMMANDS: Final = frozenset(Command) - {Command.CLONE, Command.RETRY}
"""What a step may run. clone and retry go by what an earlier dbt left beside them, and a pod begins with nothing."""
SELECTING_COMMANDS: Final = STEP_COMMANDS - {Command.RUN_OPERATION}
"""Steps that select nodes, and so can compare with a state and defer to it."""
REFRESHING_COMMANDS: Final = frozenset({Command.BUILD, Command.RUN, Command.SEED})
"""They take --full-refresh."""


class FreshnessMode(StrEnum):
    """What a step does where a source is too old, or cannot be asked."""

    GATE = "gate"
    """Nothing runs where one of the selected nodes builds on it."""
    EXCLUDE = "exclude"
    """What descends from it is left out."""


class OnMissingState(StrEnum):
    """What a step does where there is no state yet to compare with."""

    FAIL = "fail"
    FULL = "full"
    """Everything runs that the selection could match."""


class Output(StrEnum):
    """Who prints what happens."""

    PODBT = "podbt"
    """One line a node, warnings, failures with what they need, totals."""
    DBT = "dbt"
    """dbt itself, as it always does."""


class Runtime(StrEnum):
    """Where steps run."""

    KUBERNETES = "kubernetes"
    """Each in a pod."""
    DOCKER = "docker"
    """Each in a container of a Docker host."""
    LOCAL = "local"
    """Each in a process beside the Airflow worker."""


class PullPolicy(StrEnum):
    """Kubernetes' imagePullPolicy; on a Docker host podbt does the same."""

    IF_NOT_PRESENT = "IfNotPresent"
    ALWAYS = "Always"
    NEVER = "Never"


class TolerationOperator(StrEnum):
    """Kubernetes' operator of a toleration."""

    EXISTS = "Exists"
    """Any value of the taint."""
    EQUAL = "Equal"
    """The taint's value is the toleration's."""


class TaintEffect(StrEnum):
    """Kubernetes' effect of a taint on pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    """None is put there."""
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    """None is put there while another node has room."""
    NO_EXECUTE = "NoExecute"
    """None is put there, and those that are there have to go."""
