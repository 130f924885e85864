"""Which Airflow podbt runs on, and what any other one hears."""

import subprocess
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from podbt.airflow import supported


@pytest.mark.parametrize("version", ["3.2.0", "3.2.2", "3.3.0", "3.3.2", "3.3.3rc1", "3.3.0.dev0", "3.2.2+company.1"])
def test_these_lines_are_taken(version: str) -> None:
    assert supported.line_of(version) in supported.LINES


@pytest.mark.parametrize("version", ["1.10.15", "2.11.0", "3.0.6", "3.1.8", "3.4.0", "3.20.1", "4.0.0", "main", ""])
def test_every_other_one_is_refused_in_one_line(version: str) -> None:
    with pytest.raises(ImportError) as refused:
        supported.line_of(version)
    assert str(refused.value) == (
        f"podbt runs on Airflow 3.2 and 3.3, and this is Airflow {version}. Install one of those."
    )


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        ({"apache-airflow-core": "3.1.8", "apache-airflow": "3.1.8"}, "this is Airflow 3.1.8"),
        ({"apache-airflow": "2.11.0"}, "this is Airflow 2.11.0"),
        ({}, "no Airflow is installed here"),
    ],
    ids=["3.1", "2 has no core", "none"],
)
def test_a_dag_file_hears_it_before_anything_of_airflow_is_imported(installed: dict[str, str], said: str) -> None:
    program = f"""
import sys
from importlib import metadata
installed = {installed!r}
def version(name):
    if name not in installed:
        raise metadata.PackageNotFoundError(name)
    return installed[name]
metadata.version = version
sys.modules["airflow"] = None
from podbt.airflow import DbtOperator
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert said in last


def test_the_extra_moves_nothing_of_an_airflow_that_is_there() -> None:
    """Whoever installs podbt[airflow] beside it has these versions, and pip keeps what satisfies."""
    asked = [Requirement(text) for text in metadata.requires("podbt") or ()]
    beside = [one for one in asked if one.marker and one.marker.evaluate({"extra": "airflow"})]
    assert {"apprise", "apache-airflow-providers-cncf-kubernetes"} <= {one.name for one in beside}
    ours = [one for one in beside if one.name != "podbt"]
    assert [one.name for one in ours if not one.specifier.contains(metadata.version(one.name), prereleases=True)] == []
    assert [one for one in ours if one.name.startswith("apache-airflow") and "<" in str(one.specifier)] == []
    assert not {"apache-airflow", "apache-airflow-core", "apache-airflow-task-sdk"} & {one.name for one in ours}
