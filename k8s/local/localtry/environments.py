"""Two Python environments, as in the two images: one with Airflow, one with dbt; podbt is in both."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from localcluster.locks import lock_of
from localcluster.shell import LocalError

from localtry.folder import digest

if TYPE_CHECKING:
    from localcluster.session import Session
    from localcluster.shell import Shell

    from localtry.folder import Folder

GIVEN_WHEEL = "PODBT_WHEEL"
"""A variable that names a wheel of a release to install, in place of one that is built of this checkout."""


def installer(folder: Folder, shell: Shell) -> Path:
    """Return uv, installed with its lock into an environment of its own where it is not there yet."""
    venv, stamp = folder.venv("build"), folder.venv("build") / "done"
    lock = folder.root / "requirements" / "build.txt"
    wanted = digest(lock)
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(venv, ignore_errors=True)
        shell.do(sys.executable, "-m", "venv", venv)
        shell.do(venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                 "--require-hashes", "--requirement", lock)  # fmt: skip
        stamp.write_text(wanted)
    return venv / "bin" / "uv"


def given_wheel() -> Path | None:
    """Return the wheel of a release that is to be tried; None where this checkout is.

    Raises:
        LocalError: It is not there.
    """
    given = os.environ.get(GIVEN_WHEEL)
    if given and not Path(given).is_file():
        raise LocalError(f"{GIVEN_WHEEL} names {given}, which is no file: make dist makes one.")
    return Path(given).resolve() if given else None


def provide(session: Session, folder: Folder, shell: Shell, name: str) -> str:
    """Make an environment hold what an image of that name holds; return what was done."""
    uv, venv = folder.program("build", "uv"), folder.venv(name)
    wheel = given_wheel()
    lock, sources = (
        lock_of(folder.root, name),
        [wheel] if wheel else [folder.root / "src", folder.root / "pyproject.toml"],
    )
    done = session.state.read().get(f"venv-{name}", {})
    wanted = {"lock": digest(lock), "source": digest(*sources)}
    if done == wanted and venv.is_dir():
        return "is there already"
    python = venv / "bin" / "python"
    if done.get("lock") != wanted["lock"] or not venv.is_dir():
        session.state.update(**{f"venv-{name}": None})
        shell.do(uv, "venv", "--quiet", "--clear", "--python", sys.executable, venv)
        shell.do(uv, "pip", "sync", "--quiet", "--python", python, "--compile-bytecode", "--require-hashes", lock)
    (wheel,) = _wheel(folder, shell, name)
    shell.do(uv, "pip", "install", "--quiet", "--python", python, "--no-deps", "--reinstall", wheel)
    session.state.update(**{f"venv-{name}": wanted})
    return "made" if not done else "brought up to date"


def _wheel(folder: Folder, shell: Shell, name: str) -> list[Path]:
    """Podbt as a wheel, built with the locked hatchling rather than with one that is fetched; or a release's own."""
    if wheel := given_wheel():
        return [wheel]
    dist = folder.path / "dist" / name
    shutil.rmtree(dist, ignore_errors=True)
    shell.do(folder.program("build", "python"), "-m", "hatchling", "build", "-t", "wheel", "-d", dist, cwd=folder.root)
    return list(dist.glob("*.whl"))
