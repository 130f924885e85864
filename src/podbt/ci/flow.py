"""A pull request's build from its beginning to its end: compare, check without rows, build, drop."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from podbt.ci import before, changes, profile
from podbt.ci.child import Ended, run_dbt
from podbt.ci.manifest import Manifest
from podbt.ci.outcome import Review, Verdict
from podbt.ci.request import Request
from podbt.contract.exits import ExitCode
from podbt.contract.kinds import CHECKS, RUNNABLE, ResourceType, type_of
from podbt.errors import ConfigError, PodbtError
from podbt.runner.database.review import ReviewSchemas
from podbt.runner.dbt.arguments import EXCLUDE, Arguments
from podbt.runner.dbt.invoke import Dbt
from podbt.runner.dbt.project_vars import project_vars
from podbt.runner.process.environment import Environment
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import Redactor

_MODIFIED: Final = "state:modified"
_INCREMENTAL: Final = "incremental"
_PARSING: Final = frozenset({"--vars"})


@dataclass(kw_only=True)
class Flow:
    """One build. `run` tells it; the attributes are what its steps share.

    Attributes:
        request: What is asked.
        environment: Where the project, its profile and the artifact store are.
        interrupts: A signal ends the build, and the schemas are dropped all the same.
        redactor: Keeps secrets out of what is said, and puts them back into a state.
        say: Takes lines for the log.
        schemas: The pull request's.
    """

    request: Request
    environment: Environment
    interrupts: Interrupts
    redactor: Redactor
    say: Callable[[str], None]
    schemas: ReviewSchemas
    _manifest: Manifest = field(init=False)
    _before: Manifest | None = field(init=False, default=None)

    def run(self) -> Review:
        """Builds what the pull request changed.

        Returns:
            What came of it, also where it failed or was cancelled.

        Raises:
            PodbtError: It could not begin: no state, no profile, a schema that is somebody else's, dbt's refusal.
        """
        request, place = self.request, self.environment.workspace
        target = profile.derive(place.project, place.profiles, request.target, request.schema, self._folder("profiles"))
        self.schemas.take(request.schema, wait_seconds=request.wait_seconds, stopped=self.interrupts.is_requested)
        for schema in (request.schema, request.check_schema):
            if gone := self.schemas.drop(schema):
                self.say(f"dropped what an earlier run left: {', '.join(gone)}")
        state = before.find(
            request.state,
            self.environment.artifacts,
            scratch=self._folder("state"),
            project=place.project,
            full_if_missing=request.full_if_missing,
            restored=self.redactor.restored,
        )
        review = Review(
            pull_request=request.pull_request,
            schema=request.schema,
            target=target,
            state=state.label,
            whole=state.folder is None,
            before=state.run,
            usual=state.seconds,
            kept=request.keep,
        )
        try:
            selection = self._compare(review, state)
            if not review.selected:
                review.verdict, review.exit_code = Verdict.NOTHING, ExitCode.OK
            elif request.dry_run:
                review.verdict, review.exit_code = Verdict.LISTED, ExitCode.OK
            else:
                self._build(review, state, selection)
        except KeyboardInterrupt:
            review.verdict, review.error = Verdict.CANCELLED, "The run was told to stop."
        finally:
            self.interrupts.hold()
            self._drop(review)
        return review

    def _compare(self, review: Review, state: before.Before) -> list[str]:
        """Says what changed and what is to be built. Returns what selects it."""
        place = self.environment.workspace
        dbt = Dbt(workspace=replace(place, profiles=self._folder("profiles"), scratch=self._folder("compare")))
        parsing = ["--target", review.target, *self.request.more.only(_PARSING).words]

        def ls(*words: str) -> set[str]:
            return dbt.list_nodes(
                Arguments.parse(["ls", "--output", "json", "--output-keys", "unique_id", *parsing, *words])
            )

        with self._timed(review, "compare"):
            self.interrupts.allow()
            everything = ls("--select", "*" if state.folder is None else "fqn:*")
            self._manifest = Manifest.read(dbt.workspace.target)
            review.project_size = sum(type_of(key) in RUNNABLE for key in everything)
            excluding = self.request.more.only(EXCLUDE).words
            selection: list[str] = []
            if state.folder is None:
                found = ls(*excluding) if excluding else everything
            else:
                stated = ["--state", str(state.folder)]
                # Else the tests of what is modified would be modified, too.
                modified = ls("--select", _MODIFIED, "--indirect-selection", "empty", *stated)
                self._before = Manifest.read(state.folder)
                review.changes = changes.compare(
                    self._before,
                    self._manifest,
                    modified,
                    state.variables,
                    project_vars(place.project, self.request.more),
                )
                more = [f"{self._manifest.selector_of(one.unique_id)}+" for one in review.changes.by_variable]
                selection = ["--select", f"{_MODIFIED}+", *more]
                found = ls(*selection, *excluding, *stated)
            self.interrupts.hold()
        review.selected = sorted(key for key in found if type_of(key) in RUNNABLE)
        self._check_schemas(review)
        return selection

    def _check_schemas(self, review: Review) -> None:
        """Refuses a project that would write outside of the pull request's schemas, before it does."""
        self._schemas = {review.schema}
        for key in review.selected:
            node = self._manifest.nodes.get(key, {})
            schema = str(node.get("schema") or "")
            writes = type_of(key) not in CHECKS and node.get("config", {}).get("materialized") != "ephemeral"
            if writes and not _within(schema, review.schema):
                raise ConfigError(
                    f"{key} would be written to schema '{schema}', which is not one of this pull request's "
                    f"({review.schema}, {review.schema}_…). The project's generate_schema_name has to begin with "
                    f"target.schema on target '{review.target}', as dbt's own does; or give another --target."
                )
            if writes and str(node.get("database")) != self.schemas.database:
                raise ConfigError(
                    f"{key} would be written to database '{node.get('database')}', and target '{review.target}' "
                    f"connects to '{self.schemas.database}': podbt ci could not drop it again."
                )
            if schema and _within(schema, review.schema):
                self._schemas.add(schema)

    def _build(self, review: Review, state: before.Before, selection: list[str]) -> None:
        """The build without rows, then the one with them."""
        request = self.request
        deferring = ["--defer", "--state", str(state.folder)] if state.folder else []
        words = ["build", "--target", review.target, *request.more.words, *selection, *deferring]
        without: list[str] = []
        if request.check:
            # In schemas of their own: an incremental model must not find an empty table and take it for its own.
            schemas = sorted(_moved(schema, request.schema, request.check_schema) for schema in self._schemas)
            self.schemas.mark(request.check_schema, schemas)
            self.say(f"building without rows in {request.check_schema}")
            with self._timed(review, "check"):
                checking = [*words, "--empty", "--exclude-resource-type", "test"]
                ended = self._dbt("check", checking, schema=request.check_schema)
            self._note_drop(review, request.check_schema)
            review.check = ended.run
            if not self._judge(review, ended, Verdict.CHECK_FAILED):
                return
            without = ["--exclude-resource-type", "unit_test"]  # they need no rows, and have passed
        self.schemas.mark(request.schema, sorted(self._schemas))
        with self._timed(review, "clone"):
            self._clone(review)
        self.say(f"building in {request.schema}")
        with self._timed(review, "build"):
            ended = self._dbt("build", [*words, *without], schema=request.schema)
        review.build = ended.run
        if self._judge(review, ended, Verdict.FAILED):
            review.verdict, review.exit_code = Verdict.PASSED, ExitCode.OK

    def _judge(self, review: Review, ended: Ended, failed: Verdict) -> bool:
        """Whether the build goes on; else says why it does not."""
        nothing = ended.code == ExitCode.EMPTY  # all that was selected is of the types left out
        if ended.code == ExitCode.OK or nothing:
            return True
        if self.interrupts.requested:
            raise KeyboardInterrupt
        review.verdict = failed
        review.exit_code = ended.code if ended.code > 0 else ExitCode.NODE_FAILED  # below: a signal killed it
        review.error = (ended.run.record.error if ended.run else None) or f"dbt ended with code {ended.code}."
        return False

    def _clone(self, review: Review) -> None:
        """Gives incremental models what production has, so that they do what they will do there: add to it."""
        if self._before is None or not self.request.clone or self._full_refresh:
            return
        old, new = self._before, self._manifest
        for key in review.selected:
            config = new.nodes.get(key, {}).get("config", {})
            if (
                type_of(key) != ResourceType.MODEL
                or config.get("materialized") != _INCREMENTAL
                or config.get("full_refresh")
                or key not in old.tables
            ):
                continue
            node = new.nodes[key]
            rows = self.schemas.copy_table(old.tables[key]["relation_name"], node["schema"], node["alias"])
            if rows is not None:
                review.cloned[key] = rows
                self.say(f"{key} begins with the {rows:,} rows of {old.tables[key]['relation_name']}")

    @property
    def _full_refresh(self) -> bool:
        return self.request.more.has(frozenset({"--full-refresh", "-f"}))

    def _dbt(self, name: str, words: list[str], *, schema: str) -> Ended:
        place = self.environment.workspace
        profiles = self._folder(f"profiles-{name}")
        profile.derive(place.project, place.profiles, self.request.target, schema, profiles)
        if self.interrupts.requested:
            raise KeyboardInterrupt
        return run_dbt(
            words,
            project=place.project,
            profiles=profiles,
            baked=place.baked,
            folder=self._folder(name),
            interrupts=self.interrupts,
        )

    def _drop(self, review: Review) -> None:
        """Drops the schemas, whatever happened. Where that fails the reaper finds them, and this says so."""
        if review.verdict not in {Verdict.NOTHING, Verdict.LISTED}:
            self._note_drop(review, self.request.check_schema)
            if not self.request.keep:
                self._note_drop(review, self.request.schema)
        if review.dropped:
            self.say(f"dropped {', '.join(review.dropped)}")

    def _note_drop(self, review: Review, base: str) -> None:
        try:
            review.dropped += self.schemas.drop(base)
        except PodbtError as error:
            self.say(f"{base} could not be dropped ({error}); `podbt ci --reap` will find it.")

    def _folder(self, name: str) -> Path:
        return self.request.scratch / "podbt-ci" / self.request.schema / name

    @contextmanager
    def _timed(self, review: Review, phase: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            review.seconds[phase] = round(time.monotonic() - began, 3)


def _within(schema: str, base: str) -> bool:
    return schema == base or schema.startswith(f"{base}_")


def _moved(schema: str, base: str, to: str) -> str:
    """What the schema is called where the first one is called otherwise."""
    return f"{to}{schema.removeprefix(base)}"
