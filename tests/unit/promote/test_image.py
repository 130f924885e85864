"""Two builds of the same files make the same digest, and other files another."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.saved_images import COMMIT, LATER, archive, saved

from podbt.errors import PromotionError
from podbt.promote.image import normalize


def test_what_a_builder_adds_does_not_count(tmp_path: Path) -> None:
    files = {"project/": b"", "project/a.sql": b"select 1"}
    one = saved(
        tmp_path / "one.tar", [archive(files)],
        created="2026-02-01T00:00:00Z", container="abc", config={"Hostname": "abc", "Image": "sha256:1"},
        history=[{"created": "2026-02-01T00:00:00Z", "created_by": "COPY"}],
    )  # fmt: skip
    two = saved(tmp_path / "two.tar", [archive(files, mtime=LATER + 0.5, uname="root")], created="2026-03-01T00:00:00Z")
    first, second = (normalize(file, tmp_path / file.stem, COMMIT) for file in (one, two))
    assert first.digest == second.digest
    assert first.labels == {"org.opencontainers.image.revision": "0" * 40}


@pytest.mark.parametrize(
    "changed",
    [
        {"entries": {"project/a.sql": b"select 2"}},
        {"entries": {"project/b.sql": b"select 1"}},
        {"entries": {"project/a.sql": b"select 1"}, "mode": 0o644},
        {"entries": {"project/a.sql": b"select 1"}, "uid": 0},
        {"entries": {"project/a.sql": b"select 1"}, "mtime": 5},
    ],
    ids=["content", "name", "rights", "owner", "a time before the commit"],
)
def test_what_is_in_it_counts(tmp_path: Path, changed: dict[str, Any]) -> None:
    one = saved(tmp_path / "one.tar", [archive({"project/a.sql": b"select 1"})])
    two = saved(tmp_path / "two.tar", [archive(**changed)])
    assert normalize(one, tmp_path / "a", COMMIT).digest != normalize(two, tmp_path / "b", COMMIT).digest


def test_files_are_taken_out_as_the_layers_leave_them(tmp_path: Path) -> None:
    lower = archive({"opt/kept": b"1", "opt/gone": b"1", "opt/changed": b"1", "opt/whole/old": b"1", "etc/x": b"1"})
    upper = archive({"opt/.wh.gone": b"", "opt/changed": b"2", "opt/whole/.wh..wh..opq": b"", "opt/whole/new": b"2"})
    escaping = archive({"opt/../../outside": b"3"})
    layout = normalize(saved(tmp_path / "x.tar", [lower, upper, escaping]), tmp_path / "layout", COMMIT)
    layout.extract(tmp_path / "out", "opt")
    found = {
        str(file.relative_to(tmp_path / "out")): file.read_text()
        for file in (tmp_path / "out").rglob("*")
        if file.is_file()
    }
    assert found == {"opt/kept": "1", "opt/changed": "2", "opt/whole/new": "2"}
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("content", [b"", b"text", archive({"other": b""}), archive({"manifest.json": b"[]"})])
def test_what_is_no_image_is_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.tar"
    file.write_bytes(content)
    with pytest.raises(PromotionError, match="is no archive of one image, as docker save writes it") as raised:
        normalize(file, tmp_path / "layout", COMMIT)
    assert "\n" not in str(raised.value)
