"""Runs dbt in this process."""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from podbt import constants
from podbt.contract.record import shorten
from podbt.errors import ConfigError
from podbt.runner.dbt import engine
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.dbt.seams import Seam, Seams, patched
from podbt.runner.dbt.template import fitting
from podbt.runner.process.environment import Environment


@dataclass(frozen=True)
class Outcome:
    """What came back from dbt."""

    success: bool
    exception: BaseException | None
    results: list[Any]


@dataclass(frozen=True)
class Connection:
    """What dbt makes of the profile.

    Attributes:
        target: The target's name.
        fingerprint: Tells whether two runs write to the same place; holds no credential.
    """

    target: str
    fingerprint: str


def invoke(
    arguments: Arguments,
    environment: Environment,
    *,
    callbacks: Sequence[Callable[[Any], None]] = (),
    seams: Sequence[Seams] = (),
    on_connection: Callable[[Connection], None] | None = None,
    on_parsed: Callable[[Any, Any], None] = lambda _manifest, _config: None,
) -> Outcome:
    """Runs one dbt command.

    Args:
        arguments: dbt's own.
        environment: Where dbt finds things.
        callbacks: Get dbt's events. Without any, dbt prints as it always does.
        seams: Who else takes part in dbt's work.
        on_connection: Called once dbt has read the profile, before it parses the project.
        on_parsed: Called with dbt's manifest and configuration, before it selects nodes; only with on_connection.

    Raises:
        KeyboardInterrupt: A signal came before dbt itself was running.
    """
    _prepare(environment)
    if callbacks and not environment.dbts_output:
        # The console's level would be the file's as well, if that had none of its own.
        engine.point(LOG_LEVEL="none", LOG_LEVEL_FILE="debug")
    # Not at the top of the module: importing dbt takes about two seconds, and a signal must find its handler by then.
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    told = _told(on_connection, on_parsed) if on_connection is not None else {}
    with (
        patched(fitting(environment.baked), {} if arguments.command == "deps" else _INSTALLED, *seams, told),
        _manifest_once(environment.target_path / constants.MANIFEST_FILE),
    ):
        response = dbtRunner(callbacks=list(callbacks)).invoke(arguments.words)
    results = getattr(response.result, "results", None)
    return Outcome(response.success, response.exception, list(results) if isinstance(results, list | tuple) else [])


def list_nodes(arguments: Arguments, environment: Environment, *, seams: Sequence[Seams] = ()) -> set[str]:
    """The unique_ids that `dbt ls` finds; it prints nothing.

    Args:
        arguments: An ls command with JSON output that has the key unique_id.
        environment: Where dbt finds things.
        seams: Who else takes part in dbt's work.

    Raises:
        ConfigError: dbt refuses the arguments or the project; the message is dbt's.
    """
    _prepare(environment)
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    with patched(fitting(environment.baked), _INSTALLED, *seams):
        response = dbtRunner().invoke(["--log-level", "none", *arguments.words])
    if not response.success or not isinstance(response.result, list):
        raise ConfigError(f"dbt ls failed: {shorten(str(response.exception or 'see dbt.log'), 700)}")
    return {str(json.loads(line)["unique_id"]) for line in response.result}


def _lenient(render: Callable[..., Any]) -> Callable[..., Any]:
    def render_packages(renderer: Any, packages: Any, *arguments: Any) -> Any:
        from dbt_common.exceptions import DbtBaseException  # noqa: PLC0415 - slow to import

        try:
            return render(renderer, packages, *arguments)
        except DbtBaseException:
            return packages

    return render_packages


_INSTALLED: Final[Seams] = {Seam.PACKAGES: _lenient}
"""The packages are there already: a token for their host is nothing that a pod needs."""


def _told(on_connection: Callable[[Connection], None], on_parsed: Callable[[Any, Any], None]) -> Seams:
    """Calls functions before and after dbt parses: by then it has selected nothing yet."""

    def parsing(load: Callable[..., Any]) -> Callable[..., Any]:
        def get_full_manifest(config: Any, **keywords: Any) -> Any:
            facts = sorted((str(key), str(value)) for key, value in config.credentials.connection_info())
            fingerprint = hashlib.sha256(json.dumps([config.credentials.type, *facts]).encode()).hexdigest()[:16]
            on_connection(Connection(config.target_name, fingerprint))
            manifest = load(config, **keywords)
            on_parsed(manifest, config)
            return manifest

        return get_full_manifest

    return {Seam.PARSE: parsing}


@contextlib.contextmanager
def _manifest_once(file: Path) -> Iterator[None]:
    """Lets dbt write manifest.json at the end alone.

    It writes it before the first node, too, which all nodes wait for. Where a command or an end leaves out the second
    time, it is written here.
    """
    waiting: list[Callable[[], None]] = []

    def writing(write: Callable[..., None]) -> Callable[..., None]:
        def later(manifest: Any, *arguments: Any, **keywords: Any) -> None:
            # What writing leaves behind, and dbt reads while nodes run.
            manifest.build_parent_and_child_maps()
            manifest.build_group_map()
            known = _written_at(file)
            waiting.append(lambda: write(manifest, *arguments, **keywords) if _written_at(file) == known else None)

        return later

    try:
        with patched({Seam.WRITE_MANIFEST: writing}):
            yield
    finally:
        for act in waiting[-1:]:
            with contextlib.suppress(Exception):  # a full disk, say; what becomes of the run is told elsewhere
                act()


def _written_at(file: Path) -> int | None:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


def _prepare(environment: Environment) -> None:
    """Points dbt at the scratch folder."""
    environment.target_path.mkdir(parents=True, exist_ok=True)
    environment.log_path.mkdir(parents=True, exist_ok=True)
    engine.point(
        PROJECT_DIR=str(environment.project),
        PROFILES_DIR=str(environment.profiles),
        TARGET_PATH=str(environment.target_path),
        LOG_PATH=str(environment.log_path),
        SEND_ANONYMOUS_USAGE_STATS="false",
        VERSION_CHECK="false",
        WRITE_JSON="true",  # whatever dbt_project.yml says: a run without artifacts could not be published
    )
    if not sys.stdout.isatty():
        os.environ.setdefault(engine.variable("USE_COLORS"), "false")
