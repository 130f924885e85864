"""Imports point one way, and modules stay small enough to read."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/podbt"

# What each part may import of podbt, and which large libraries.
ALLOWED = {
    "contract": ({"constants", "errors", "contract"}, set[str]()),
    "store": ({"constants", "errors", "contract", "store"}, {"obstore", "upath"}),
    "runner": ({"constants", "errors", "contract", "store", "runner"}, {"dbt", "dbt_common", "psycopg2"}),
    "pod": ({"constants", "errors", "contract", "pod"}, {"kubernetes"}),
    "airflow": (
        {"constants", "errors", "contract", "store", "pod", "airflow"},
        {"airflow", "kubernetes", "kubernetes_asyncio", "aiohttp", "docker", "requests"},
    ),
}
LARGE = {
    "airflow",
    "obstore",
    "upath",
    "fsspec",
    "dbt",
    "dbt_common",
    "kubernetes",
    "kubernetes_asyncio",
    "aiohttp",
    "psycopg2",
    "docker",
    "requests",
}

BUCKETS = ["obstore", "fsspec", "upath"]  # a store on a volume costs no import of these


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "podbt":
                yield from (f"podbt.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_point_one_way(part: str) -> None:
    own, libraries = ALLOWED[part]
    files = list((SOURCE / part).rglob("*.py"))
    assert files
    for file in files:
        for name in imports(file):
            top, *rest = name.split(".")
            if top == "podbt":
                assert rest[0] in own, f"{file.relative_to(ROOT)} imports {name}"
            else:
                assert top not in LARGE - libraries, f"{file.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        pytest.param(
            "podbt.cli, podbt.contract.runs", ["airflow", "kubernetes", "dbt", *BUCKETS], id="the command alone"
        ),
        pytest.param("podbt.runner.main, podbt.runner.bake", ["airflow", "kubernetes", *BUCKETS], id="the runner"),
        pytest.param(
            "podbt.airflow.operator, podbt.airflow.group",
            ["dbt", "kubernetes", "kubernetes_asyncio", "docker"],
            id="what DAG files import",
        ),
        pytest.param("podbt.airflow.runtimes.local", ["dbt", "kubernetes", "docker"], id="the local runtime"),
        pytest.param("podbt.airflow.runtimes.docker", ["dbt", "kubernetes"], id="the docker runtime"),
        pytest.param("podbt.airflow.pod_operator", ["dbt", "docker"], id="the pod operator"),
        pytest.param("podbt.pod.build", ["airflow", "dbt"], id="the pod builder"),
    ],
)
def test_a_part_imports_where_the_others_libraries_are_absent(modules: str, absent: list[str]) -> None:
    program = f"import sys\nfor name in {absent}: sys.modules[name] = None\nimport {modules}"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_modules_are_small() -> None:
    folders = ("src", "dags", "tests", "k8s/local", "dbt_dental_models", "helm")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    assert len(files) > len(folders)
    large = {str(file.relative_to(ROOT)): n for file in files if (n := len(file.read_text().splitlines())) > 400}
    assert large == {}
