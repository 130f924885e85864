"""Secrets are found by the names people give them, and masking never breaks a file."""

import io
import json
from pathlib import Path

import pytest

from podbt.runner.redact import RedactedStream, Redactor


@pytest.mark.parametrize(
    "name", ["PASSWORD", "DBT_PASSWORD_CLINIC", "PG_PWD", "API_TOKEN", "WAREHOUSE_PASS", "MY_SECRET", "PRIVATE_KEY_PEM"]
)
def test_a_secret_is_known_by_its_variables_name(name: str) -> None:
    assert Redactor.collect(None, {name: "hunter22"}).text("x hunter22 y") == "x ***** y"


@pytest.mark.parametrize("name", ["PWD", "PASSENGERS", "PATH"])
def test_ordinary_variables_stay(name: str) -> None:
    assert Redactor.collect(None, {name: "ordinary"}).text("x ordinary y") == "x ordinary y"


def test_a_secret_of_the_profile_is_found_and_a_template_is_none(tmp_path: Path) -> None:
    file = tmp_path / "profiles.yml"
    file.write_text("p: {outputs: {a: {pass: geheim-1}, b: {password: \"{{ env_var('X') }}\", user: dbt}}}")
    assert Redactor.collect(file, {}).text("geheim-1 {{ env_var('X') }} dbt") == "***** {{ env_var('X') }} dbt"


def test_masking_keeps_json_whole(tmp_path: Path) -> None:
    file = tmp_path / "run_results.json"
    file.write_text(json.dumps({"at": 1700012345.12, "text": 'a"b\\c', "n": "12345"}))
    Redactor({"12345", 'a"b\\c'}).file(file)
    assert json.loads(file.read_text()) == {"at": 1700099999.12, "text": "*****", "n": "99999"}


def test_no_way_to_write_text_passes_by_the_mask() -> None:
    behind = io.StringIO()
    stream = RedactedStream(behind, Redactor({"hunter22"}))
    stream.write("a hunter22\n")
    stream.writelines(["b hunter22\n"])
    print("c", "hunter22", file=stream)
    assert behind.getvalue() == "a *****\nb *****\nc *****\n"
    assert stream.written == len("a hunter22\n" * 3)
