"""Registries that fail, promotions that are killed, and two at once: nothing is lost, and the same command goes on."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.programs import Programs
from tests.support.registries import GONE, REPOSITORY, Project, Way, between, no_fault, tool

from podbt.cli import main
from podbt.promote import lock
from podbt.promote.statements import Promoted

COMMAND = [sys.executable, "-c", "import sys; from podbt.cli import main; sys.exit(main())"]


@pytest.fixture
def in_dev(project: Project, digest: str) -> str:
    assert main(["promote", "--to", "dev", "--digest", digest, "--config", str(project.file)]) == 0
    return digest


@pytest.fixture
def way(project: Project) -> Iterator[Way]:
    """What is between podbt and staging's registry."""
    found = Way(project=project)
    with ExitStack() as stack:
        port = stack.enter_context(between(project.registries["staging"], found))
        project.values("staging").unlink()
        project.changes["staging"] = {"repository": f"127.0.0.1:{port}/{REPOSITORY}"}
        project.write()
        yield found


def to_staging(project: Project) -> int:
    return main(["promote", "--to", "staging", "--config", str(project.file)])


@pytest.mark.parametrize(
    ("status", "says"),
    [
        pytest.param(507, "is full: make room and run it again.", id="full"),
        pytest.param(401, "refuses this login: log in there", id="a login that is not enough"),
        pytest.param(500, "failed at stage staging", id="broken"),
    ],
)
def test_a_registry_that_fails_is_one_line_and_the_command_goes_on(
    in_dev: str, way: Way, status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project = way.project
    # From the second blob on: something of the image is there by then.
    sent: list[str] = []

    def fault(_: int, method: str, path: str) -> int | None:
        if method in {"POST", "PUT", "PATCH"}:
            sent.append(path)
            return status if len(sent) > 3 else None
        return None

    way.fault = fault
    before = project.values("staging").read_text()
    capsys.readouterr()
    assert to_staging(project) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert "Nothing was deployed; the same command goes on from here." in line
    assert project.values("staging").read_text() == before
    way.fault = no_fault
    assert to_staging(project) == 0
    assert project.digest("staging") == in_dev


@pytest.mark.parametrize("writes", [2, 5])
def test_a_registry_that_goes_away_in_mid_copy_is_one_line_and_the_command_goes_on(
    writes: int, in_dev: str, way: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    project = way.project
    # Requests come side by side. Which of them is the last one to be answered is decided by one of them alone, and from
    # then on none is: the copy cannot end, whatever overtakes what.
    sent, gone = itertools.count(1), threading.Event()

    def fault(_: int, method: str, path: str) -> int | None:
        if method in {"POST", "PUT", "PATCH"} and next(sent) >= writes:
            gone.set()
        return GONE if gone.is_set() else None

    way.fault = fault
    capsys.readouterr()
    assert to_staging(project) == 2
    assert gone.is_set()
    (line,) = capsys.readouterr().err.splitlines()
    assert "The registry of stage staging" in line
    assert "does not answer: run it again." in line
    assert "the same command goes on from here" in line
    project.registries["staging"].move()  # what it has is on its disk
    way.fault = no_fault
    assert to_staging(project) == 0
    assert project.digest("staging") == in_dev


def killing(folder: Path, call: str, *, after: bool) -> dict[str, str]:
    """An environment in which podbt dies once, before or after the first call of a tool that looks so (a glob)."""
    programs = Programs(folder=folder)
    kill = f'touch "{folder}/killed"; kill -KILL $PPID; exit 9'
    for name in ("cosign", "crane", "oras"):
        hit = f'[[ ! -e "{folder}/killed" && "{name} $*" == {call} ]]'
        programs.add(name, f'{tool(name)} "$@"; code=$?; {hit} && {{ {kill}; }}; exit $code' if after else
                     f'{hit} && {{ {kill}; }}; exec {tool(name)} "$@"')  # fmt: skip
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PODBT_CACHE": str(folder / "none")}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "call",
    [
        pytest.param("'oras cp --no-tty --from'*", id="the image's copy"),
        pytest.param("'oras cp --no-tty -r'*", id="the copy of its signatures"),
        pytest.param("*staging-approved.json*", id="staging's first word"),
        pytest.param("*staging-passed.json*", id="staging's last word"),
    ],
)
def test_a_killed_promotion_goes_on_by_the_same_command(
    project: Project, in_dev: str, tmp_path: Path, call: str, after: bool
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    env = killing(folder, call, after=after)
    command = [*COMMAND, "promote", "--to", "staging", "--config", str(project.file)]
    died = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    again = subprocess.run([*command, "--wait", "60"], env=env, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert project.digest("staging") == in_dev
    (entry,) = [json.loads(line) for line in (project.folder / "promotions-staging.jsonl").read_text().splitlines()]
    assert (entry["digest"], entry["outcome"]) == (in_dev, "passed")
    assert "previous" not in entry
    assert not (project.folder / ".podbt-promote/staging.json").exists()
    # Staging's two words, each said once, and dev's beside them.
    assert [project.said("staging", Promoted.type, key) for key in ("staging", "dev")] == [2, 2]


def test_of_two_promotions_one_is_refused_or_waits(
    project: Project, digest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    promotion = project.promotion()
    words = ["promote", "--to", "dev", "--digest", digest, "--config", str(project.file)]
    with lock.held(promotion.state, "dev", "promote to dev by ada", wait_seconds=0):
        assert main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line == (
            f"podbt: Another promotion of stage dev is under way (process {os.getpid()}: promote to dev by ada): "
            "wait for it, with --wait SECONDS, or end it."
        )
        waiting = subprocess.Popen([*COMMAND, *words, "--wait", "120"], stdout=subprocess.PIPE, text=True)
    assert f"dev runs {digest}" in waiting.communicate()[0]
    assert waiting.returncode == 0
