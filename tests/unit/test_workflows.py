"""The forges' files call what this repository has, with no more rights than they need, and nobody else's actions."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from podbt.promote.tools import cache

ROOT = Path(__file__).parents[2]
GITHUB = sorted((ROOT / ".github/workflows").glob("*.yaml"))
GITLAB = ROOT / ".gitlab-ci.yml"
# What a step may run beside make's targets and the scripts of this repository.
PLAIN = {"git", "fetch", "pip"}


def loaded(file: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(file.read_text()))


def targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands(text: str) -> list[list[str]]:
    """The words of each line of a script; a line that goes on is one."""
    return [line.split() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def check_commands(text: str) -> None:
    """Each line calls a script that is here, or a target of make, or git."""
    for line in commands(text):
        words = [word for word in line if not re.match(r"[A-Z_]+=", word)]
        while words and words[0].startswith(("ci/", ".ci/")):
            assert (ROOT / words[0]).stat().st_mode & 0o100, words[0]
            words = words[1:] if words[1:2] == ["make"] else []
        if words:
            assert words[0] in PLAIN or (words[0] == "make" and words[1] in targets()), line


@pytest.mark.parametrize("file", GITHUB, ids=lambda file: file.name)
def test_a_github_workflow_may_do_no_more_than_it_needs(file: Path) -> None:
    workflow = loaded(file)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for name, job in workflow["jobs"].items():
        rights = job.get("permissions", workflow["permissions"])
        writes = any("ci/keep" in step.get("run", "") for step in job["steps"])
        assert rights == {"contents": "write" if writes else "read"}, name
        assert job["timeout-minutes"] <= 90
        assert {need for need in [job.get("needs")] if need} <= set(workflow["jobs"])


@pytest.mark.parametrize("file", GITHUB, ids=lambda file: file.name)
def test_a_github_workflow_runs_nobody_elses_action(file: Path) -> None:
    for job in loaded(file)["jobs"].values():
        for step in job["steps"]:
            assert "uses" not in step
            # What a person types into a form reaches a script through its environment alone.
            assert "${{" not in step["run"]
            check_commands(step["run"])


@pytest.mark.parametrize("file", GITHUB, ids=lambda file: file.name)
def test_githubs_linter_finds_nothing(file: Path) -> None:
    """Expressions, contexts, needs, the shell of each step."""
    linter = shutil.which("actionlint") or shutil.which("actionlint", path=cache())
    assert linter, "actionlint is missing: make store-servers builds it, with Go."
    command = [linter, "-shellcheck", str(Path(sys.executable).with_name("shellcheck")), str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stdout == ""
    assert ended.returncode == 0, ended.stderr


def test_stages_follow_each_other_and_are_environments_on_github() -> None:
    jobs = loaded(ROOT / ".github/workflows/release.yaml")["jobs"]
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "release": None,
        "dev": "release",
        "staging": "dev",
        "prod": "staging",
    }
    assert all(job["environment"] == name for name, job in jobs.items())
    assert all("cancel-in-progress" not in job["concurrency"] for job in jobs.values())


def test_stages_follow_each_other_and_are_environments_on_gitlab() -> None:
    found = loaded(GITLAB)
    jobs = {name: found[name] for name in ("dev", "staging", "prod")}
    assert [job["needs"] for job in jobs.values()] == [["release"], ["dev"], ["staging"]]
    assert all(job["environment"]["name"] == job["resource_group"] == name for name, job in jobs.items())
    assert jobs["prod"]["rules"][0]["when"] == "manual"


def test_gitlabs_jobs_run_what_is_there() -> None:
    found = loaded(GITLAB)
    known = {"stages", "default", "variables", "workflow"}
    jobs = {name: job for name, job in found.items() if name not in known}
    for name, job in jobs.items():
        extends = job.get("extends", [])
        assert {*([extends] if isinstance(extends, str) else extends)} <= set(jobs), name
        assert job.get("stage", "test") in found["stages"]
        for line in [*job.get("before_script", []), *job.get("script", [])]:
            check_commands(line.partition(" #")[0])


def test_the_same_secrets_on_both_forges() -> None:
    asked = {name for file in GITHUB for name in re.findall(r"secrets\.(\w+)", file.read_text())}
    told = set(re.findall(r"\b[A-Z_]{8,}\b", GITLAB.read_text().partition("stages:")[0]))
    assert told - {"PUSH_TOKEN"} == asked
