"""Tests are where their subject's place leads, and share nothing but tests/support."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
SOURCE = ROOT / "src/podbt"

KINDS = {"unit", "real"}
"""What mirrors src/podbt: `real` runs dbt itself, or a server of a database or an artifact store; `unit` neither."""
BESIDE = {"bench", "browser", "chaos", "chart", "dags", "dbt_project", "e2e"}
"""What is no part of src/podbt, or all of it together."""
OUTSIDE = {"images", "k8s"}
"""Of tests/unit: what is no part of podbt itself."""
REAL = {"airflow_server", "dental", "fab_server", "forks", "postgres", "registries", "runner", "shop", "store_servers"}
"""Of tests/support: what starts dbt or a server."""


def files_of_tests() -> list[Path]:
    return [file for file in sorted(TESTS.rglob("*.py")) if TESTS / "support" not in file.parents]


def imported(file: Path) -> Iterator[str]:
    """Modules that a file imports, those of `from package import module` included."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_test_imports_another_ones_module() -> None:
    files = [*files_of_tests(), *(TESTS / "support").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]
    assert len(files) > 100
    foreign = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name in imported(file)
        if name.startswith("tests.") and not name.startswith("tests.support")
    }
    assert foreign == set()


def test_tests_mirror_the_source_or_stand_beside_it() -> None:
    assert {file.relative_to(TESTS).parts[0] for file in TESTS.rglob("test_*.py")} == KINDS | BESIDE


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_tests_of_a_room_are_where_its_name_leads(kind: str) -> None:
    rooms = {str(file.parent.relative_to(TESTS / kind)) for file in (TESTS / kind).rglob("test_*.py")}
    assert rooms - {"."} - OUTSIDE
    assert {room for room in rooms - {"."} - OUTSIDE if not (SOURCE / room).is_dir()} == set()


def test_unit_tests_start_no_server_and_no_dbt() -> None:
    heavy = {f"tests.support.{name}" for name in REAL}
    files = list((TESTS / "unit").rglob("*.py"))
    assert files
    assert {
        f"{file.relative_to(ROOT)}: {name}" for file in files for name in heavy.intersection(imported(file))
    } == set()


def test_what_starts_something_is_there() -> None:
    assert {name for name in REAL if not (TESTS / "support" / f"{name}.py").is_file()} == set()


def test_no_test_stands_where_pytest_finds_none() -> None:
    """A helper that is called as tests are would be collected and never run as one; a test that is not, never found."""
    support = [str(file.relative_to(ROOT)) for file in (TESTS / "support").rglob("test_*.py")]
    strays = [
        str(file.relative_to(ROOT))
        for file in files_of_tests()
        if file.name != "conftest.py" and not file.name.startswith("test_")
    ]
    assert support + strays == []
