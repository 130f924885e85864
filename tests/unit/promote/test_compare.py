"""What two builds of an image are told to differ in, as a release would push them."""

from pathlib import Path

import pytest
from tests.support.programs import Programs
from tests.support.saved_images import LATER, archive, saved

from podbt.cli import main

FILES = {"opt/": b"", "opt/a.py": b"a = 1", "opt/b.py": b"b = 1"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where docker has its images: NAME.tar, as it would save them."""
    programs = Programs(folder=tmp_path / "bin")
    programs.folder.mkdir()
    missing = 'echo "Error response from daemon: reference does not exist" >&2; exit 1'
    programs.add("docker", f'[ -e "{tmp_path}/$4.tar" ] || {{ {missing}; }}; cp "{tmp_path}/$4.tar" "$3"')
    monkeypatch.setenv("PATH", f"{programs.folder}:/usr/bin:/bin")
    return tmp_path


def test_two_builds_of_the_same_files_are_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(folder / "one.tar", [archive(FILES)], created="2026-02-01T00:00:00Z")
    saved(folder / "two.tar", [archive(FILES, mtime=LATER + 7)], created="2026-03-01T00:00:00Z")
    assert main(["compare-images", "one", "two"]) == 0
    assert capsys.readouterr().out == "podbt: one and two are the same.\n"


def test_what_differs_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = archive({"etc/x": b""})
    saved(folder / "one.tar", [same, archive(FILES)], config={"Labels": {"v": "1"}, "Env": ["A=1", "SAME=1"]})
    changed = {**FILES, "opt/b.py": b"b = 2", "opt/c.py": b""}
    layers = [same, archive(changed), archive({"opt/d": b""})]
    saved(folder / "two.tar", layers, config={"Labels": {"v": "2"}, "Env": ["A=2", "SAME=1"]})
    assert main(["compare-images", "one", "two"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "label v",
        "environment A",
        "layer 1: opt/b.py",
        "layer 1: opt/c.py",
        "layer 2 is in one of them alone",
        "podbt: one and two differ.",
    ]


def test_an_image_that_is_not_there_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare-images", "one", "two"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "podbt: There is no image one: docker: response from daemon: reference does not exist"
