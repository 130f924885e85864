"""The tools of promotion are there in the version that was tested, or one line says how to get them."""

import re
from pathlib import Path

import pytest
from tests.support.programs import Programs

from podbt.errors import PromotionError
from podbt.promote.tools import TOOLS, FailedError, Shell

ROOT = Path(__file__).parents[3]
_BUILT = re.compile(r"^build (\S+) (\S+) (\S+)$", re.MULTILINE)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Nothing but these scripts is found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    monkeypatch.setenv("PODBT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache/bin").mkdir(parents=True)
    return Programs(folder=folder)


def test_the_script_builds_the_versions_that_are_asked_for() -> None:
    script = (ROOT / "ci/promotion-tools").read_text()
    built = {name: (module, version) for name, module, version in _BUILT.findall(script)}
    assert built == {name: (tool.module, tool.version) for name, tool in TOOLS.items() if tool.module}


def test_a_tool_that_is_not_there_is_one_line(programs: Programs) -> None:
    with pytest.raises(PromotionError) as raised:
        Shell().require("cosign")
    assert str(raised.value) == (
        "cosign is not on PATH, and 3.1.3 is needed. Install that version's release, or build it with Go "
        "(make promotion-tools, in podbt's repository): go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3"
    )


@pytest.mark.parametrize(("found", "fits"), [("v3.1.3", True), ("3.1.3", True), ("3.1.30", False), ("v3.1.4", False)])
def test_another_version_is_refused(programs: Programs, found: str, fits: bool) -> None:
    programs.add("cosign", f"echo 'GitVersion: {found}'")
    if fits:
        Shell().require("cosign")
        return
    with pytest.raises(PromotionError, match=f"cosign is of version {found.removeprefix('v')}, and 3.1.3 is needed"):
        Shell().require("cosign")


def test_the_cache_helps_where_path_has_another_version(programs: Programs, tmp_path: Path) -> None:
    programs.add("crane", "echo v0.1.0")
    Programs(folder=tmp_path / "cache/bin").add("crane", "[ $1 = version ] && echo v0.21.9 || echo from the cache")
    shell = Shell()
    shell.require("crane")
    assert shell.ask("crane", "digest") == "from the cache\n"


def test_helm_has_to_be_of_the_fourth_kind(programs: Programs) -> None:
    programs.add("helm", "echo v3.19.0+g1234")
    with pytest.raises(PromotionError, match=r"helm is of version 3.19.0, and 4 is needed. Install helm 4."):
        Shell().require("helm")
    programs.add("helm", "echo v4.3.1+g1234")
    Shell().require("helm")


def test_a_dry_run_shows_and_runs_only_what_changes_nothing(programs: Programs) -> None:
    programs.add("crane", "echo answer")
    told: list[str] = []
    shell = Shell(dry=True, tell=told.append)
    assert shell.ask("crane", "digest", "a b") == "answer\n"
    assert shell.do("crane", "tag", "x") == ""
    assert told == ["  $ crane digest 'a b'", "  $ crane tag x"]
    assert programs.calls == ["crane digest a b"]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("WARNING: old\nError: it broke\nmore", "it broke"),
        ("Error response from registry: denied: no", "denied: no"),
        ("first\nlast line", "last line"),
        ("", "exit code 3"),
    ],
)
def test_a_failures_line_is_the_tools_own(output: str, said: str) -> None:
    assert FailedError("oras", 3, output).said == said
