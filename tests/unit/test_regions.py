"""What the pages show of dags/ is what Airflow loads."""

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("regions", ROOT / "docs" / "regions.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _load()
REGIONS: dict[str, str] = script.regions(sorted((ROOT / "dags").glob("*.py")))


@pytest.fixture
def dag(tmp_path: Path) -> Path:
    return tmp_path / "dag.py"


@pytest.mark.parametrize("text", REGIONS.values(), ids=REGIONS)
def test_a_region_is_python_that_stands_by_itself(text: str) -> None:
    assert ast.parse(text).body


def test_every_mark_is_read() -> None:
    lines = [line for file in (ROOT / "dags").glob("*.py") for line in file.read_text().splitlines()]
    marks = [line for line in lines if "[START" in line]
    assert len(marks) == len(REGIONS) > 0


def test_every_region_is_shown_and_every_page_is_up_to_date() -> None:
    pages = script.generated()
    assert {name for text in pages.values() for name in script.mentioned(text)} == REGIONS.keys()
    assert ROOT / "README.md" in pages
    for page, text in pages.items():
        assert page.read_text() == text, f"{page.name}: run python docs/regions.py"


def test_a_region_loses_the_indentation_that_its_lines_share(dag: Path) -> None:
    dag.write_text("with x:\n    # [START a]\n    if y:\n        z()\n    # [END a]\nmore()\n")
    assert script.regions([dag]) == {"a": "if y:\n    z()\n"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("# [START a]\nx\n", r"dag.py: \[START a\] has no \[END a\]", id="never ended"),
        pytest.param("x\n# [END a]\n", r"\[END a\] is out of place", id="never begun"),
        pytest.param("# [START a]\n# [START b]\n# [END b]\n# [END a]\n", r"\[START b\]", id="one in another"),
        pytest.param("# [START a]\nx\n# [END b]\n", r"\[END b\]", id="ended by another name"),
        pytest.param("# [START a]\n# [END a]\n# [START a]\n# [END a]\n", "used before", id="a name twice"),
    ],
)
def test_marks_out_of_place_are_refused(dag: Path, text: str, message: str) -> None:
    dag.write_text(text)
    with pytest.raises(ValueError, match=message):
        script.regions([dag])


def test_a_name_twice_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("# [START same]\nx\n# [END same]\n")
    with pytest.raises(ValueError, match=r"b\.py.*used before"):
        script.regions(sorted(tmp_path.iterdir()))


def test_a_block_is_filled_and_the_rest_stays() -> None:
    page = "a\n<!-- region: x -->\n```python\nold\n```\n```python\nother\n```\n"
    assert script.filled(page, {"x": "new()\n"}) == page.replace("old\n", "new()\n")


@pytest.mark.parametrize(
    ("page", "message"),
    [
        pytest.param("<!-- region: y -->\n```python\n```\n", "no region 'y'.*there are x", id="unknown name"),
        pytest.param("<!-- region: x -->\n\ntext\n", "needs a ```python block", id="no block"),
        pytest.param("<!-- region: x -->\n```sh\n```\n", "needs a ```python block", id="not Python"),
    ],
)
def test_a_page_that_asks_for_what_there_is_not_is_refused(page: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        script.filled(page, {"x": "new()\n"})
