"""Wheel and source distribution are the same bytes wherever and whenever they are built of the same files."""

import hashlib
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def build(checkout: Path, folder: Path) -> dict[str, bytes]:
    """Both, built of a folder."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=checkout, check=True, env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "1767323045"})
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_build_of_the_source_distribution_is_the_build_of_the_checkout(tmp_path: Path) -> None:
    first = build(ROOT, tmp_path / "one")
    (name,) = (name for name in first if name.endswith(".tar.gz"))
    with tarfile.open(tmp_path / "one" / name) as archive:
        archive.extractall(tmp_path, filter="data")
        # What a release is built with is in it; what this machine made is not.
        inside = {entry.name.partition("/")[2] for entry in archive}
    assert {"ci/dist", "helm/podbt/Chart.yaml", "images/dbt/Dockerfile", "requirements/dbt-1.11.txt"} <= inside
    assert not [path for path in inside if path.startswith((".venv", "dist", ".try", ".podbt"))]
    unpacked = tmp_path / name.removesuffix(".tar.gz")
    (unpacked / "PKG-INFO").unlink()  # which a build adds
    assert build(unpacked, tmp_path / "two") == first


@pytest.mark.parametrize("order", [("b", "a"), ("a", "b")], ids=["one order", "the other"])
def test_an_index_names_each_file_with_its_sum(tmp_path: Path, order: tuple[str, str]) -> None:
    for name in order:
        (tmp_path / f"podbt-{name}.whl").write_bytes(name.encode())
    (tmp_path / "podbt-0.1.0.tgz").write_bytes(b"a chart")
    subprocess.run([sys.executable, ROOT / "ci/index.py", tmp_path], check=True)
    page = (tmp_path / "simple/podbt/index.html").read_text()
    assert re.findall(r'<a href="(.*?)">(.*?)</a>', page) == [
        (f"../../{name}#sha256={hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}", name)
        for name in ("podbt-a.whl", "podbt-b.whl")
    ]
