"""What happens between the arguments that were given and the ones that dbt gets: skew, state, freshness."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from podbt import constants
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import SELECTING_COMMANDS, Command
from podbt.contract.record import RunStart
from podbt.errors import PodbtError
from podbt.runner.database.sessions import Sessions
from podbt.runner.dbt.arguments import EXCLUDE, SELECT, SELECTOR, Arguments
from podbt.runner.dbt.causes import Causes
from podbt.runner.dbt.classify import classify, of_way, reason_of
from podbt.runner.dbt.invoke import Dbt
from podbt.runner.dbt.manifest import read_manifest
from podbt.runner.prepare.freshness import Verdict, freshness_arguments, judge, list_arguments
from podbt.runner.prepare.skew import baked_plan, check_plan
from podbt.runner.prepare.sources import Sources, complete_sources, earlier_step, last_on_target
from podbt.runner.prepare.state import Resolved, resolve_state
from podbt.runner.process.environment import Environment
from podbt.runner.process.redact import Redactor
from podbt.store.owner import claim

_SELECTING: Final = SELECTING_COMMANDS | {Command.CLONE, "list", "ls", "show"}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A run that is ready to start, or refused.

    Attributes:
        verdict: The arguments for dbt and what stale sources did to them.
        sources: Path in the store of the sources.json that was the newest before the run; None where none is known.
        measured: Whether this run measured its sources itself.
    """

    verdict: Verdict
    sources: str | None = None
    measured: bool = False


@dataclass(kw_only=True)
class Known:
    """What is known of a run so far. The main thread adds to it; whoever ends the run in its place reads it, too."""

    start: RunStart
    prepared: Prepared

    def current(self) -> RunStart:
        return self.start

    def learn(self, **facts: Any) -> None:
        """Adds to what the run is said to be, by the names of `RunStart`."""
        self.start = self.start.model_copy(update=facts)

    def refuse(self, error: PodbtError) -> None:
        """Nothing may run, and this is why."""
        verdict = Verdict(arguments=self.prepared.verdict.arguments, refusal=(reason_of(error), str(error)))
        self.prepared = Prepared(verdict=verdict)


def check_and_resolve(arguments: Arguments, environment: Environment, redactor: Redactor) -> Resolved:
    """Checks that image and DAG belong together and finds the state that the arguments name.

    Args:
        arguments: The step's.
        environment: What the runner was told.
        redactor: Puts back what it has taken out of the state's files.

    Raises:
        SkewError: They do not.
        ConfigError: There is no such state, or the artifact store is another installation's.
    """
    place = environment.workspace
    if environment.artifacts is not None and environment.instance:
        claim(environment.artifacts, environment.instance)
    check_plan(environment.expect_plan, place.baked, image=environment.image, revision=environment.revision)
    return resolve_state(
        arguments,
        environment.artifacts,
        place.scratch,
        place.project,
        on_missing=environment.on_missing_state,
        selector_asks=_asks(arguments, Dbt(workspace=place)),
        restored=redactor.restored,
    )


def _asks(arguments: Arguments, dbt: Dbt) -> list[str]:
    """How the selector in use asks a state, by the image's plan."""
    plan = baked_plan(dbt.workspace.baked)
    if plan is None or arguments.command not in _SELECTING:
        return []
    plan = plan.on(dbt.target_of(arguments))
    default = None if arguments.has(SELECT | EXCLUDE) else plan.default_selector
    selector = plan.selectors.get(arguments.value(SELECTOR) or default or "")
    return selector.asks if selector else []


def look_at_sources(
    resolved: Resolved, environment: Environment, dbt: Dbt, sessions: Sessions, target: str | None
) -> Prepared:
    """Brings the freshness of sources to where dbt looks for it, and judges it where the step asks for that.

    The result of an earlier step of the same DAG run is used where it is recent; otherwise the sources are measured
    now.

    Args:
        resolved: The step's arguments.
        environment: Whose run it is, and what it does about sources.
        dbt: Measures them.
        sessions: Keeps book of the database sessions, so that a stopped run ends these queries, too.
        target: dbt's target.

    Raises:
        ConfigError: The project cannot be parsed, or files in the store are not what podbt writes.
    """
    store, arguments = environment.artifacts, resolved.arguments
    current = dbt.workspace.target / constants.SOURCES_FILE
    current.unlink(missing_ok=True)  # a person's scratch folder may be an older run's, too
    before = last_on_target(store, target) if store else None
    unchanged = Verdict(arguments=arguments)
    if environment.freshness is None and not resolved.fresher:
        return Prepared(verdict=unchanged, sources=before)
    found = earlier_step(store, environment.identity, target) if store else None
    if found and store:
        current.parent.mkdir(parents=True, exist_ok=True)
        current.write_bytes(store.read(found))
    elif refusal := _measure(arguments, dbt, sessions):
        return Prepared(verdict=Verdict(arguments=arguments, refusal=refusal), sources=before)
    if not current.exists():  # a project without sources that have a freshness
        return Prepared(verdict=unchanged, sources=before)
    verdict = unchanged
    if environment.freshness is not None:
        sources = Sources.parse(current.read_bytes(), source=str(current))
        verdict = judge(
            arguments,
            sources,
            mode=environment.freshness,
            manifest=lambda: _manifest(arguments, dbt),
            selected=lambda: dbt.list_nodes(list_arguments(arguments), seams=resolved.seams),
        )
    return Prepared(verdict=verdict, sources=found or before, measured=not found)


def _manifest(arguments: Arguments, dbt: Dbt) -> Mapping[str, Any]:
    """The manifest for this run's target; with the result of an earlier step dbt has not parsed here yet."""
    if not (dbt.workspace.target / constants.MANIFEST_FILE).exists():
        dbt.list_nodes(list_arguments(arguments))
    return read_manifest(dbt.workspace.target)


def _measure(arguments: Arguments, dbt: Dbt, sessions: Sessions) -> tuple[ExitReason, str | None] | None:
    """Runs source freshness. Returns why nothing is known of the sources, where that is so."""
    causes = Causes()
    outcome = dbt.invoke(freshness_arguments(arguments), seams=[causes.seams, sessions.seams])
    if outcome.exception is not None:
        return classify(
            command=None, success=False, exception=outcome.exception, nodes=[], interrupted=False, allow_empty=True
        )
    complete_sources(dbt.workspace.target / constants.SOURCES_FILE, outcome.results)
    told = [of_way(causes.of(str(result.node.unique_id))) for result in outcome.results]
    return told[0] if told and all(told) else None
