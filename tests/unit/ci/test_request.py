"""What podbt ci is asked is checked before anything is done, and its profile is the project's with another schema."""

import stat
from pathlib import Path

import pytest
import yaml

from podbt.ci.profile import derive
from podbt.ci.request import Request
from podbt.contract.project_vars import changed, digests
from podbt.errors import ConfigError
from podbt.runner.dbt.arguments import Arguments

_OUTPUT = {"type": "postgres", "schema": "analytics", "password": "{{ env_var('WAREHOUSE_PASSWORD') }}"}


@pytest.mark.parametrize("number", ["", "42; drop", "PR", "4_2", "x" * 21, "٤٢", "42\n"])
def test_a_pull_request_that_makes_no_schema_is_refused(number: str) -> None:
    with pytest.raises(ConfigError, match="Give 1 to 20 small letters and digits"):
        Request(pull_request=number)


@pytest.mark.parametrize("prefix", ["", "Ci_", "1ci", "ci-", "ci_" * 8])
def test_a_prefix_that_makes_no_schema_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigError, match="begins with a small letter"):
        Request(pull_request="42", prefix=prefix)


@pytest.mark.parametrize("word", ["--select", "--target", "--defer", "--state", "--profiles-dir", "--empty", "-s"])
def test_what_selects_or_points_elsewhere_is_not_passed_on(word: str) -> None:
    with pytest.raises(ConfigError, match=f"'{word}' is not passed on"):
        Request(pull_request="42", more=Arguments.parse(["--exclude", "a", word, "x"]))


def test_the_schemas_of_both_builds() -> None:
    request = Request(pull_request="42", more=Arguments.parse(["--vars", "{a: 1}", "--full-refresh"]))
    assert (request.schema, request.check_schema) == ("ci_42", "ci_42__empty")


def _project(folder: Path, profile: str, profiles: object) -> None:
    (folder / "dbt_project.yml").write_text(yaml.safe_dump({"name": "shop", "profile": profile}))
    (folder / "profiles.yml").write_text(yaml.safe_dump(profiles))


@pytest.mark.parametrize("profile", ["shop", "{{ env_var('PROFILE') }}"])
def test_the_profile_differs_by_its_schema_alone(tmp_path: Path, profile: str) -> None:
    given = {"shop": {"target": "prod", "outputs": {"prod": _OUTPUT, "review": _OUTPUT | {"threads": 3}}}}
    _project(tmp_path, profile, given)
    assert derive(tmp_path, tmp_path, "review", "ci_42", tmp_path / "own") == "review"
    written = tmp_path / "own/profiles.yml"
    assert yaml.safe_load(written.read_text()) == {
        "shop": {"target": "review", "outputs": {"review": _OUTPUT | {"threads": 3, "schema": "ci_42"}}}
    }
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("profiles", "said"),
    [
        ({"shop": {"outputs": {"prod": _OUTPUT}}}, "has no target 'review'. Give one of prod as --target."),
        ({"other": {}, "third": {}}, "names profile 'shop'"),
        ({"shop": {"outputs": None}}, "has no target 'review'. Give one of none"),
        ([1], "is no mapping"),
    ],
)
def test_a_profile_without_the_target_is_refused(tmp_path: Path, profiles: object, said: str) -> None:
    _project(tmp_path, "shop", profiles)
    with pytest.raises(ConfigError, match=said):
        derive(tmp_path, tmp_path, "review", "ci_42", tmp_path / "own")


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, set()),
        ({"a": 1}, {"a": 2}, {"a"}),
        ({"a": 1}, {}, {"a"}),
        ({}, {"a": None}, {"a"}),
        ({"shop": {"a": 1, "b": 1}}, {"shop": {"a": 2, "b": 1}}, {"a"}),
        ({"a": [1, 2]}, {"a": [2, 1]}, {"a"}),
    ],
)
def test_which_variables_changed(before: dict[str, object], after: dict[str, object], names: set[str]) -> None:
    assert changed(digests(before), digests(after)) == names
