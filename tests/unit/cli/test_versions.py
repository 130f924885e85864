"""`podbt version`, and that package, chart and images are of one version."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from tests.support.programs import Programs

from podbt.cli import main

ROOT = Path(__file__).parents[3]


def test_package_chart_and_what_it_runs_are_of_one_version() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((ROOT / "helm/podbt/Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (package, package)
    assert re.fullmatch(r"\d+\.\d+\.\d+", package)


def test_the_images_get_the_packages_version() -> None:
    for name in ("dbt", "airflow"):
        text = (ROOT / f"images/{name}/Dockerfile").read_text()
        assert 'org.opencontainers.image.version="${VERSION}"' in text
    # ci/ and make build them through this, which reads pyproject.toml.
    assert '["project"]["version"]' in (ROOT / "k8s/local/localcluster/images.py").read_text()


def test_version_alone_is_podbts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"podbt  {version('podbt')}\n"


def test_all_versions_are_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("PODBT_CACHE", str(tmp_path))
    monkeypatch.setenv("PODBT_REVISION", "0" * 40)
    monkeypatch.setenv("PODBT_BAKED", str(tmp_path))
    programs = Programs(folder=tmp_path)
    programs.add("cosign", "echo GitVersion: v3.1.3")
    programs.add("oras", "echo Version: 1.0.0")
    assert main(["version", "--all", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["dbt-core"] == version("dbt-core")
    assert found["apache-airflow"] == version("apache-airflow")
    assert found["cosign"] == "3.1.3"
    assert found["oras"] == "1.0.0 (promotion needs 1.3.6)"
    assert found["image's revision"] == "0" * 40
    assert "cannot be read" in found["image's plan"]
    assert "crane" not in found


def test_it_needs_neither_dbt_nor_airflow() -> None:
    absent = "import sys\nfor name in ('dbt', 'airflow'): sys.modules[name] = None\n"
    program = f"{absent}from podbt.cli import main\nsys.exit(main(['version', '--all']))"
    env = {**os.environ, "PODBT_BAKED": ""}
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env)
    assert ended.stdout.startswith("podbt ")
