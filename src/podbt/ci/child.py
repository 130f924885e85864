"""One dbt command of a pull request's build, as a process of its own: it may be killed without the schemas staying."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from podbt import constants
from podbt.contract.runs import Run
from podbt.errors import PodbtError
from podbt.runner.process.interrupts import Interrupts
from podbt.store.location import Location
from podbt.store.runs import folders, read_run

_GRACE_SECONDS: Final = 5
"""What dbt gets to end its queries once the run is cancelled: the forge kills soon, and schemas are to be dropped."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code; negative: the signal that killed it.
        run: Its record; None where it left none.
    """

    code: int
    run: Run | None


def run_dbt(
    words: Sequence[str], *, project: Path, profiles: Path, baked: Path | None, folder: Path, interrupts: Interrupts
) -> Ended:
    """Runs dbt as the image does, with a record in a folder of this run's own.

    Args:
        words: dbt's arguments.
        project: The folder of dbt_project.yml.
        profiles: The folder of profiles.yml.
        baked: What the image build left.
        folder: For the record and dbt's files.
        interrupts: A signal stops the command.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "store").mkdir(parents=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(constants.ENV_PREFIX)}
    told = {
        constants.ENV_PROJECT_DIR: str(project),
        constants.ENV_BAKED: str(baked or ""),
        constants.ENV_SCRATCH: str(folder),
        constants.ENV_ARTIFACTS: str(folder / "store"),
        constants.ENV_GRACE: str(_GRACE_SECONDS),
        constants.ENV_STDIN_GUARD: str(_GRACE_SECONDS),
        "DBT_ENGINE_PROFILES_DIR": str(profiles),
    }
    sys.stdout.flush()
    # A session of its own: a terminal's Ctrl-C comes once, from here.
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "podbt", "run", "--", *words],
        env=inherited | told,
        stdin=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        interrupts.watch(lambda: process.send_signal(signal.SIGTERM))
        code = process.wait()
        interrupts.watch(lambda: None)
    return Ended(code, _record(folder / "store"))


def _record(store: Path) -> Run | None:
    opened = Location(address=str(store)).open()
    try:
        found = [one for one in folders(opened) if one.published]
        return read_run(opened, found[0].path) if found else None
    except PodbtError:
        return None
