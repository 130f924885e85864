"""What the package says of itself and brings along, read from a wheel that is built for this."""

import email.message
import email.parser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LICENSE = "Apache-2.0"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> email.message.Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.parser.Parser().parsestr(wheel.read(name).decode())


def test_types_come_along(wheel: zipfile.ZipFile) -> None:
    assert "podbt/py.typed" in wheel.namelist()


def test_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    folders = ("src/podbt", "src/podbt/web/templates", "src/podbt/web/static")
    found = [*(ROOT / folders[0]).rglob("*.py"), *(file for one in folders[1:] for file in (ROOT / one).iterdir())]
    expected = {path.relative_to(ROOT / "src").as_posix() for path in found}
    assert len(expected) > len(folders)
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == expected | {"podbt/py.typed"}


def test_licence_comes_along(wheel: zipfile.ZipFile, metadata: email.message.Message) -> None:
    assert metadata["License-Expression"] == LICENSE
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/licenses/LICENSE"))
    assert wheel.read(name) == (ROOT / "LICENSE").read_bytes()


def test_licence_is_whole_and_names_its_holder() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "the podbt authors" in text
    assert "[name of copyright owner]" not in text


def test_description_is_the_readme(metadata: email.message.Message) -> None:
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (ROOT / "README.md").read_text()


def test_python_versions_are_those_that_it_requires(metadata: email.message.Message) -> None:
    prefix = "Programming Language :: Python :: 3."
    classified = [line.removeprefix(prefix) for line in metadata.get_all("Classifier", []) if line.startswith(prefix)]
    lowest, highest = min(map(int, classified)), max(map(int, classified))
    assert metadata["Requires-Python"] == f"<3.{highest + 1},>=3.{lowest}"
    assert len(classified) == highest - lowest + 1


def test_chart_has_the_same_licence() -> None:
    annotations = yaml.safe_load((ROOT / "helm/podbt/Chart.yaml").read_text())["annotations"]
    assert set(annotations.values()) == {LICENSE}
    assert "artifacthub.io/license" in annotations
