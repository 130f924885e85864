"""The smoke run: an image's own dbt, from its own plan, on a throwaway database, before anything is signed."""

import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from podbt import constants
from podbt.errors import PromotionError
from podbt.promote.config import Smoke
from podbt.promote.statements import Check
from podbt.promote.tools import FailedError, Shell

_USER: Final = "smoke"
_DATABASE: Final = "smoke"
_HOST: Final = "database"
_PORT: Final = "5432"
_START_SECONDS: Final = 600
# As in a pod: a numeric user, nothing but scratch and artifacts to write to, no rights.
_CONFINED: Final = (
    "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp:mode=1777,exec",
    f"--tmpfs={constants.ARTIFACTS_PATH}:mode=1777", f"--user={constants.USER}:{constants.USER}",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A network with a database in it, both throwaway."""

    network: str
    password: str


def run(shell: Shell, smoke: Smoke, image: str, plan_hash: str, tell: Callable[[str], None] = print) -> list[Check]:
    """Runs the image's selectors in order, until one fails.

    Args:
        shell: Runs docker, whose daemon has the image.
        smoke: What to run, and where.
        image: The image's name.
        plan_hash: Of the plan that the image has to run.
        tell: Takes a line for each check.

    Returns:
        How each ended; the rest is left out once one failed.

    Raises:
        PromotionError: The database could not be started or filled.
    """
    checks: list[Check] = []
    with _database(shell, smoke) as place:
        if smoke.database.load:
            _load(shell, smoke, image, place)
        for selector in smoke.selectors:
            words = ["build", "--selector", selector, "--target", smoke.target]
            began = time.monotonic()
            env = {**_filled(smoke.env, place), constants.ENV_EXPECT_PLAN: plan_hash}
            message = _contained(shell, image, place, Container(env, words), smoke.timeout_seconds)
            seconds = round(time.monotonic() - began, 1)
            outcome = "failed" if message else "passed"
            checks.append(
                Check.model_validate(
                    {"name": f"selector {selector}", "outcome": outcome, "message": message, "seconds": seconds}
                )
            )
            tell(f"{seconds:7.1f} s  smoke: {selector} {outcome}{f': {message}' if message else ''}")
            if message:
                break
    return checks


@contextmanager
def _database(shell: Shell, smoke: Smoke) -> Iterator[Place]:
    """A server of PostgreSQL in a network of its own; both are removed again."""
    name = f"podbt-smoke-{secrets.token_hex(4)}"
    place = Place(name, secrets.token_urlsafe(24))
    said = {"POSTGRES_USER": _USER, "POSTGRES_PASSWORD": place.password, "POSTGRES_DB": _DATABASE}
    try:
        shell.ask("docker", "network", "create", "--internal", name)
        with _env_file(said) as file:
            shell.ask(
                "docker", "run", "--detach", "--name", name, "--network", name, "--network-alias", _HOST,
                "--env-file", file, smoke.database.image,
            )  # fmt: skip
        _wait(shell, name)
        yield place
    except FailedError as error:
        raise PromotionError(f"The smoke run has no database: docker: {error.said}") from None
    finally:
        for words in (("rm", "--force", "--volumes", name), ("network", "rm", name)):
            subprocess.run(["docker", *words], capture_output=True, check=False)


def _wait(shell: Shell, name: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            shell.ask("docker", "exec", name, "pg_isready", "--host", "127.0.0.1", "--username", _USER)
        except FailedError as error:
            if time.monotonic() > deadline or "is not running" in error.output:
                raise
            time.sleep(0.5)
        else:
            return


def _load(shell: Shell, smoke: Smoke, image: str, place: Place) -> None:
    """Fills the database by a command of the image."""
    program, *words = smoke.database.load
    env = {
        "PGHOST": _HOST, "PGPORT": _PORT, "PGUSER": _USER, "PGPASSWORD": place.password, "PGDATABASE": _DATABASE,
    }  # fmt: skip
    message = _contained(shell, image, place, Container(env, words, program), smoke.timeout_seconds)
    if message:
        raise PromotionError(f"The smoke run's database could not be filled ({program}): {message}")


def _filled(env: Mapping[str, str], place: Place) -> dict[str, str]:
    known = {"host": _HOST, "port": _PORT, "user": _USER, "password": place.password, "database": _DATABASE}
    filled = {}
    for name, value in env.items():
        for key, content in known.items():
            value = value.replace(f"{{{key}}}", content)  # noqa: PLW2901 - one after the other
        filled[name] = value
    return filled


@dataclass(frozen=True)
class Container:
    """One command in the image.

    Attributes:
        env: Its environment.
        words: Its arguments.
        program: Instead of the image's entry point.
    """

    env: Mapping[str, str]
    words: Sequence[str]
    program: str | None = None


def _contained(shell: Shell, image: str, place: Place, container: Container, seconds: int) -> str:
    """Runs the image once; returns why it failed, empty where it did not."""
    entry = ["--entrypoint", container.program] if container.program else []
    name = f"{place.network}-{secrets.token_hex(4)}"
    words = ["--rm", "--name", name, "--network", place.network, *_CONFINED, *entry]
    with _env_file(container.env) as file:
        try:
            shell.ask("docker", "run", *words, "--env-file", file, image, *container.words, timeout=seconds)
        except FailedError as error:
            return error.said.replace(place.password, "***")
        except PromotionError as error:
            subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
            return str(error)
    return ""


@contextmanager
def _env_file(env: Mapping[str, str]) -> Iterator[Path]:
    """NAME=value lines for docker: its arguments are seen by everybody on the machine."""
    descriptor, name = tempfile.mkstemp(prefix="podbt-smoke-")  # for its owner alone
    try:
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{key}={value}\n" for key, value in env.items())
        yield Path(name)
    finally:
        Path(name).unlink()
