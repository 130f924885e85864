"""A variable that says something else than it may is refused, and none is guessed."""

from pathlib import Path

import pytest

from podbt.errors import ConfigError
from podbt.runner.process.environment import Environment


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    for name in ("dbt_project.yml", "profiles.yml"):
        (tmp_path / name).write_text("{}")
    return {"PODBT_PROJECT_DIR": str(tmp_path), "DBT_PROFILES_DIR": str(tmp_path), "PODBT_ARTIFACTS": str(tmp_path)}


def test_switches_have_their_defaults_and_take_0_and_1(env: dict[str, str]) -> None:
    default = Environment.read(env)
    assert (default.resume, default.lock_tables, default.allow_empty, default.events) == (True, True, False, False)
    names = ("PODBT_RESUME", "PODBT_LOCK_TABLES", "PODBT_ALLOW_EMPTY", "PODBT_EVENTS")
    for value in ("0", "1"):
        given = Environment.read({**env, **dict.fromkeys(names, value)})
        assert {given.resume, given.lock_tables, given.allow_empty, given.events} == {value == "1"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        pytest.param("PODBT_RESUME", "false", "Set it to 0 or 1", id="resume"),
        pytest.param("PODBT_LOCK_TABLES", "no", "Set it to 0 or 1", id="locks"),
        pytest.param("PODBT_ALLOW_EMPTY", "true", "Set it to 0 or 1", id="empty"),
        pytest.param("PODBT_OUTPUT", "DBT", "Set it to podbt or dbt", id="output"),
        pytest.param("PODBT_QUEUE_TIMEOUT", "1h", "whole number of seconds", id="seconds"),
        pytest.param("PODBT_FRESHNESS", "on", "Set it to gate or exclude", id="freshness"),
    ],
)
def test_a_word_that_means_nothing_is_refused(env: dict[str, str], name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is '{value}'.*{said}"):
        Environment.read({**env, name: value})
