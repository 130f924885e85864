"""Runs dbt in this process."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from podbt import constants
from podbt.contract.record import shorten
from podbt.errors import ConfigError
from podbt.runner.dbt import engine
from podbt.runner.dbt.arguments import TARGET, Arguments
from podbt.runner.dbt.seams import Seam, Seams, patched
from podbt.runner.dbt.template import fitting
from podbt.runner.dbt.written import WRITTEN
from podbt.runner.process.scratch import Workspace


@dataclass(frozen=True)
class Outcome:
    """What came back from dbt."""

    success: bool
    exception: BaseException | None
    results: list[Any]


@dataclass(frozen=True, kw_only=True)
class Dbt:
    """dbt, as one run uses it.

    Attributes:
        workspace: Its folders.
        prints: Whether it prints to the console itself even where somebody else gets its events.
    """

    workspace: Workspace
    prints: bool = False

    def invoke(
        self, arguments: Arguments, *, callbacks: Sequence[Callable[[Any], None]] = (), seams: Sequence[Seams] = ()
    ) -> Outcome:
        """Runs one dbt command.

        Args:
            arguments: dbt's own.
            callbacks: Get dbt's events. Without any, dbt prints as it always does.
            seams: Who else takes part in dbt's work.

        Raises:
            KeyboardInterrupt: A signal came before dbt itself was running.
        """
        self._point()
        if callbacks and not self.prints:
            # The console's level would be the file's as well, if that had none of its own.
            engine.point(LOG_LEVEL="none", LOG_LEVEL_FILE="debug")
        # Not at the top of the module: importing dbt takes about two seconds, and a signal must find its handler by
        # then.
        from dbt.cli.main import dbtRunner  # noqa: PLC0415

        manifest = self.workspace.target / constants.MANIFEST_FILE
        installed = {} if arguments.command == "deps" else _INSTALLED
        with patched(fitting(self.workspace.baked), installed, _UNREAD, WRITTEN, *seams), _manifest_once(manifest):
            response = dbtRunner(callbacks=list(callbacks)).invoke(arguments.words)
        results = getattr(response.result, "results", None)
        return Outcome(response.success, response.exception, list(results) if isinstance(results, list | tuple) else [])

    def list_nodes(self, arguments: Arguments, *, seams: Sequence[Seams] = ()) -> set[str]:
        """The unique_ids that `dbt ls` finds; it prints nothing.

        Args:
            arguments: An ls command with JSON output that has the key unique_id.
            seams: Who else takes part in dbt's work.

        Raises:
            ConfigError: dbt refuses the arguments or the project; the message is dbt's.
        """
        self._point()
        from dbt.cli.main import dbtRunner  # noqa: PLC0415

        with patched(fitting(self.workspace.baked), _INSTALLED, _UNREAD, *seams):
            response = dbtRunner().invoke(["--log-level", "none", *arguments.words])
        if not response.success or not isinstance(response.result, list):
            raise ConfigError(f"dbt ls failed: {shorten(str(response.exception or 'see dbt.log'), 700)}")
        return {str(json.loads(line)["unique_id"]) for line in response.result}

    def target_of(self, arguments: Arguments) -> str | None:
        """The target of a command: as it says, or the environment, or else the profile, where that is no template."""
        return arguments.value(TARGET) or engine.given("TARGET") or self._default_target()

    def _default_target(self) -> str | None:
        try:
            project = yaml.safe_load((self.workspace.project / "dbt_project.yml").read_text(encoding="utf-8"))
            profiles = yaml.safe_load((self.workspace.profiles / constants.PROFILES_FILE).read_text(encoding="utf-8"))
            target = profiles[project["profile"]]["target"]
        except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError):
            return None
        return target if isinstance(target, str) and "{{" not in target else None

    def _point(self) -> None:
        """Points dbt at its folders."""
        place = self.workspace
        place.target.mkdir(parents=True, exist_ok=True)
        place.logs.mkdir(parents=True, exist_ok=True)
        engine.point(
            PROJECT_DIR=str(place.project),
            PROFILES_DIR=str(place.profiles),
            TARGET_PATH=str(place.target),
            LOG_PATH=str(place.logs),
            SEND_ANONYMOUS_USAGE_STATS="false",
            VERSION_CHECK="false",
            WRITE_JSON="true",  # whatever dbt_project.yml says: a run without artifacts could not be published
        )
        if not sys.stdout.isatty():
            os.environ.setdefault(engine.variable("USE_COLORS"), "false")


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
_UNREAD: Final[Seams] = {
    Seam.GRAPH_FILE: lambda _: lambda *_: None,
    Seam.GRAPH_SUMMARY: lambda _: lambda *_: {},
}
"""The graph as two files, which nobody reads and the pod takes with it. Of 5,000 nodes they cost the first a second."""


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
