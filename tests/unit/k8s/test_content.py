import io
import os
import tarfile
from pathlib import Path

import pytest
from localcluster.content import Content
from localcluster.shell import LocalError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.sql", "deep/b.sql", "target/c.sql", ".git/d", "__pycache__/e.pyc", "f.pyc"):
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "project"


def digest(folder: Path, *more: str) -> str:
    content = Content()
    content.add_folder("project", folder, without={"target"})
    return content.digest(*more)


def test_what_is_built_or_personal_stays_out(folder: Path) -> None:
    content = Content()
    content.add_folder("project", folder, without={"target"})
    assert sorted(content.files) == ["project/a.sql", "project/deep/b.sql"]


def test_what_stays_out_is_a_path_and_no_name_anywhere(folder: Path) -> None:
    (folder / "deep/target").mkdir()
    (folder / "deep/target/c.sql").write_text("ours")
    content = Content()
    content.add_folder("project", folder, without={"target", "deep/b.sql"})
    assert sorted(content.files) == ["project/a.sql", "project/deep/target/c.sql"]


def test_a_virtual_environment_stays_out_whatever_its_name(folder: Path) -> None:
    for name in ("venv", "env"):
        (folder / name).mkdir()
        (folder / name / "x.sql").write_text("select 1")
    (folder / "env/pyvenv.cfg").write_text("")
    content = Content()
    content.add_folder("project", folder, without={"target"})
    assert sorted(content.files) == ["project/a.sql", "project/deep/b.sql", "project/venv/x.sql"]


def test_what_links_lead_to_goes_in(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/o.sql").write_text("outside")
    (folder / "linked").symlink_to(tmp_path / "outside", target_is_directory=True)
    (folder / "deep/inside").symlink_to("../deep/b.sql")
    (folder / ".#a.sql").symlink_to("me@here.1234")  # an editor's
    content = Content()
    content.add_folder("project", folder, without={"target"})
    assert sorted(content.files) == [
        "project/a.sql",
        "project/deep/b.sql",
        "project/deep/inside",
        "project/linked/o.sql",
    ]
    archive = io.BytesIO()
    content.archive(archive)
    archive.seek(0)
    with tarfile.open(fileobj=archive) as read:
        assert all(entry.isfile() for entry in read)
        found = read.extractfile("project/linked/o.sql")
        assert found is not None
        assert found.read() == b"outside"


@pytest.mark.parametrize(
    ("link", "to", "said"),
    [
        pytest.param("gone.sql", "nowhere.sql", "is a symbolic link to nothing (nowhere.sql)", id="to nothing"),
        pytest.param("deep/up", "..", "is a symbolic link to a folder that it lies in", id="up"),
        pytest.param("deep/self", "../deep", "is a symbolic link to a folder that it lies in", id="to its folder"),
    ],
)
def test_a_link_that_cannot_be_followed_is_named(folder: Path, link: str, to: str, said: str) -> None:
    (folder / link).symlink_to(to)
    with pytest.raises(LocalError) as error:
        Content().add_folder("project", folder)
    assert f"{folder / link} {said}" in str(error.value)


def test_digest_is_of_contents_not_of_dates(folder: Path) -> None:
    before = digest(folder)
    os.utime(folder / "a.sql", (1, 1))
    (folder / "target" / "c.sql").write_text("built again")
    assert digest(folder) == before
    assert len(before) == 12


@pytest.mark.parametrize("change", ["text", "name", "mode", "more"])
def test_digest_changes_with_what_goes_in(folder: Path, change: str) -> None:
    before = digest(folder)
    match change:
        case "text":
            (folder / "a.sql").write_text("other")
        case "name":
            (folder / "a.sql").rename(folder / "z.sql")
        case "mode":
            (folder / "a.sql").chmod(0o755)
    assert digest(folder, *(["base:2"] if change == "more" else [])) != before


def test_archive_is_the_same_for_the_same_files(folder: Path) -> None:
    def archive() -> bytes:
        content = Content()
        content.add("run", folder / "a.sql")
        content.add("made", b"of bytes")
        out = io.BytesIO()
        content.archive(out)
        return out.getvalue()

    first = archive()
    os.utime(folder / "a.sql", (1, 1))
    assert archive() == first
    with tarfile.open(fileobj=io.BytesIO(first)) as read:
        assert {one.name: one.mode for one in read.getmembers()} == {"made": 0o644, "run": 0o644}
        made = read.extractfile("made")
        assert made is not None
        assert made.read() == b"of bytes"


def test_missing_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"requirements/dbt-1\.11\.txt is missing"):
        Content().add("x", tmp_path / "requirements" / "dbt-1.11.txt")
    with pytest.raises(LocalError, match="dags is missing or empty"):
        Content().add_folder("dags", tmp_path / "dags")
