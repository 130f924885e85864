"""One line of a values file is replaced, and nothing else."""

import stat
from pathlib import Path

import pytest
import yaml

from podbt.errors import ConfigError
from podbt.promote import values

KEY = "dbt.image.digest"
OLD, NEW = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
COMMENTED = f"""\
# Values of prod.  Trailing blanks stay:   \n
airflow: {{image: {{repository: a, tag: "1"}}}}   # flow
dbt:
    # deep
    image:
        repository: registry.example.com/dbt   # the project
        digest: "{OLD}"   # written by podbt promote
    target:   prod
list:
- 1
-   2
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "values.yaml"
    file.write_bytes(text.encode())
    return file


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    pairs = zip(before.splitlines(keepends=True), after.splitlines(keepends=True), strict=True)
    return [(old, new) for old, new in pairs if old != new]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(COMMENTED, id="with comments and odd blanks"),
        pytest.param(COMMENTED.replace("\n", "\r\n"), id="with Windows line ends"),
        pytest.param(COMMENTED.replace(f'"{OLD}"', f"'{OLD}'"), id="in single quotes"),
        pytest.param(COMMENTED.replace(f'"{OLD}"', OLD), id="without quotes"),
        pytest.param(COMMENTED.replace(f'"{OLD}"', '""'), id="empty"),
        pytest.param(COMMENTED.replace(f'"{OLD}"   #', "   #"), id="nothing behind the colon"),
        pytest.param(f"dbt: {{image: {{digest: '{OLD}', repository: x}}, target: prod}}\n", id="on one line"),
        pytest.param(f"dbt: {{image: {{repository: é, digest: '{OLD}'}}}}  # ü\n", id="beside other letters"),
        pytest.param("dbt:\n  image: {repository: x}\n", id="not there yet, on one line"),
        pytest.param(f"dbt:\n  image: {{repository: x}}\n  'image': {{digest: {OLD}}}\n", id="there twice"),
        pytest.param(f"dbt: {{image: {{repository: x, digest: &d '{OLD}'}}}}\n", id="with an anchor"),
        pytest.param(f"dbt:\n  image:\n    digest: {OLD}", id="at the end, without a line end"),
    ],
)  # fmt: skip
def test_one_line_changes(tmp_path: Path, text: str) -> None:
    new = values.replaced(written(tmp_path, text), KEY, NEW)
    assert yaml.safe_load(new)["dbt"]["image"]["digest"] == NEW
    ((old_line, new_line),) = changed_lines(text, new)
    assert NEW in new_line
    assert old_line.partition("#")[2] == new_line.partition("#")[2]


def test_a_missing_line_is_added_before_the_others(tmp_path: Path) -> None:
    text = COMMENTED.replace(f'        digest: "{OLD}"   # written by podbt promote\n', "")
    new = values.replaced(written(tmp_path, text), KEY, NEW)
    assert new == text.replace("        repository", f'        digest: "{NEW}"\n        repository')


def test_the_same_digest_changes_nothing(tmp_path: Path) -> None:
    assert values.replaced(written(tmp_path, COMMENTED), KEY, OLD) == COMMENTED


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("airflow: {}\n", "has no dbt.image: write it", id="no image"),
        pytest.param("dbt:\n  image:\n", "dbt.image is empty", id="an empty image"),
        pytest.param("dbt:\n  image: {}\n", "dbt.image is empty", id="an image of nothing"),
        pytest.param("dbt:\n  image: text\n", "leads through something that is no mapping", id="an image of text"),
        pytest.param("dbt:\n  image: {digest: 5}\n", "is no text", id="a digest of a number"),
        pytest.param("dbt: [\n", "is no YAML", id="no YAML"),
        pytest.param(f"a: &a {{digest: '{OLD}'}}\ndbt: {{image: *a}}\n", "shares its text", id="an alias"),
        pytest.param(f"a: &a {{digest: '{OLD}'}}\ndbt:\n  image:\n    <<: *a\n    repository: x\n", "", id="a merge"),
        pytest.param(f"a: &a '{OLD}'\ndbt: {{image: {{digest: *a}}}}\n", "shares its text", id="an alias of the text"),
    ],
)
def test_what_cannot_be_one_line_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = written(tmp_path, text)
    if not says:  # a merged value is overridden beside the merge
        assert yaml.safe_load(values.replaced(file, KEY, NEW))["dbt"]["image"]["digest"] == NEW
        assert yaml.safe_load(values.replaced(file, KEY, NEW))["a"]["digest"] == OLD
        return
    with pytest.raises(ConfigError, match=says) as raised:
        values.replaced(file, KEY, NEW)
    assert "\n" not in str(raised.value)


def test_a_file_is_replaced_whole_with_its_rights_and_through_a_link(tmp_path: Path) -> None:
    file = written(tmp_path, COMMENTED)
    file.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    values.write(link, "a: 1\n")
    assert link.is_symlink()
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("a: 1\n", 0o640)
    assert {path.name for path in tmp_path.iterdir()} == {"values.yaml", "link.yaml"}
