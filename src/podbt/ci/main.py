"""`podbt ci`'s three works: build a pull request, drop its schemas, reap what killed runs left."""

import json
import shutil
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from podbt import constants
from podbt.ci import before, profile
from podbt.ci.flow import Flow
from podbt.ci.junit import junit
from podbt.ci.markdown import markdown
from podbt.ci.outcome import Review, Verdict
from podbt.ci.request import Request
from podbt.errors import ConfigError
from podbt.runner.database.review import ReviewSchemas
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.dbt.invoke import Dbt
from podbt.runner.dbt.project_vars import project_vars
from podbt.runner.process.environment import Environment
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import RedactedStream, Redactor


def say(line: str) -> None:
    print(f"podbt ci: {line}", flush=True)


def build(request: Request, *, report: Path | None, junit_file: Path | None) -> int:
    """Builds a pull request and writes its reports.

    Args:
        request: What is asked.
        report: Where the Markdown goes; None: nowhere.
        junit_file: Where JUnit's XML goes; None: nowhere.

    Returns:
        The process's exit code.

    Raises:
        PodbtError: It could not begin.
    """
    interrupts = Interrupts()
    interrupts.install()
    environment, redactor = _begin()
    for file in (report, junit_file):
        if file is not None and not file.parent.is_dir():
            raise ConfigError(f"'{file.parent}' is no folder, so '{file.name}' cannot be written there.")
    schemas = _connect(environment, request.target)
    try:
        review = Flow(
            request=request, environment=environment, interrupts=interrupts, redactor=redactor, say=say, schemas=schemas
        ).run()
    finally:
        schemas.close()
    _write(report, review, markdown, redactor)
    _write(junit_file, review, junit, redactor)
    told = f"{len(review.done)} done, {len(review.failed)} failed, {len(review.skipped)} skipped of {len(review.nodes)}"
    for change in [*review.changes.modified, *review.changes.by_variable]:
        say(f"changed: {change.unique_id} ({change.why})")
    if review.verdict is Verdict.LISTED:
        for key in review.selected:
            say(f"would build: {key}")
        told = f"{len(review.selected)} of {review.project_size} nodes"
    for note in review.changes.notes:
        say(f"note: {note}")
    say(f"{review.verdict}" + ("" if review.verdict is Verdict.NOTHING else f": {told}"))
    if review.error:
        print(f"podbt ci: {redactor.text(review.error)}", file=sys.stderr, flush=True)
    return review.exit_code


def drop(request: Request) -> int:
    """Drops a pull request's schemas: when it is closed, or where they were kept."""
    environment, _ = _begin()
    schemas = _connect(environment, request.target)
    try:
        schemas.take(request.schema, wait_seconds=request.wait_seconds)
        gone = [name for base in (request.check_schema, request.schema) for name in schemas.drop(base)]
    finally:
        schemas.close()
    say(f"dropped {', '.join(gone)}" if gone else f"nothing to drop: no schema is marked as {request.schema}'s")
    return 0


def reap(target: str | None, older_than: timedelta) -> int:
    """Drops what killed runs left in a target's database."""
    environment, _ = _begin()
    schemas = _connect(environment, target)
    try:
        gone, busy = schemas.reap(older_than)
    finally:
        schemas.close()
    say(f"dropped {', '.join(gone)}" if gone else "nothing to drop")
    for name in busy:
        say(f"{name} stays: a run is at work on it")
    return 0


def export_state(target: str, output: Path) -> int:
    """Writes the state that this image stands for: its manifest on a target, and its variables' digests.

    Raises:
        ConfigError: The project cannot be parsed; the message is dbt's.
    """
    environment, redactor = _begin()
    arguments = Arguments.parse(["ls", "--output", "json", "--output-keys", "unique_id", "--target", target])
    nodes = Dbt(workspace=environment.workspace).list_nodes(arguments.plus("--select", "*"))
    try:
        output.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(environment.workspace.target / constants.MANIFEST_FILE, output / constants.MANIFEST_FILE)
        redactor.file(output / constants.MANIFEST_FILE)
        digests = project_vars(environment.workspace.project, Arguments(()))
        (output / before.VARS_FILE).write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"The state cannot be written to '{output}' ({error.strerror}).") from None
    print(f"podbt: wrote the state of {len(nodes)} nodes on target {target} to {output}", flush=True)
    return 0


def _begin() -> tuple[Environment, Redactor]:
    environment = Environment.read()
    redactor = Redactor.collect(environment.workspace.profiles / constants.PROFILES_FILE)
    sys.stdout, sys.stderr = RedactedStream(sys.stdout, redactor), RedactedStream(sys.stderr, redactor)
    return environment, redactor


def _connect(environment: Environment, target: str | None) -> ReviewSchemas:
    place = environment.workspace
    folder = place.scratch.parent / "podbt-ci" / "profile"
    try:  # by way of a derived one, so that both say the same of a wrong profile
        profile.derive(place.project, place.profiles, target, "podbt_ci", folder)
        return ReviewSchemas.connect(place.project, folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(file: Path | None, review: Review, as_text: Callable[[Review], str], redactor: Redactor) -> None:
    if file is None:
        return
    try:
        file.write_text(redactor.text(as_text(review)), encoding="utf-8")
    except OSError as error:
        print(f"podbt ci: '{file}' cannot be written ({error.strerror}).", file=sys.stderr, flush=True)
