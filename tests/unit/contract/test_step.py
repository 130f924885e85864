"""Step: dbt's own command line, and nothing that dbt would refuse."""

from typing import Any

import pytest

from podbt.contract.step import Step
from podbt.errors import ConfigError


@pytest.mark.parametrize(
    ("fields", "arguments"),
    [
        pytest.param({}, ["build", "--target", "prod"], id="default"),
        pytest.param({"command": "source freshness"}, ["source", "freshness", "--target", "prod"], id="freshness"),
        pytest.param({"target": "clinic"}, ["build", "--target", "clinic"], id="own target"),
        pytest.param(
            {"select": "tag:daily +dim_patient", "exclude": ["config.materialized:view"]},
            ["build", "--target", "prod", "--select", "tag:daily", "+dim_patient"]
            + ["--exclude", "config.materialized:view"],
            id="selection",
        ),
        pytest.param(
            {"selector": "smoke_test"}, ["build", "--target", "prod", "--selector", "smoke_test"], id="selector"
        ),
        pytest.param(
            {"vars": {"b": 1, "a": "x y"}, "full_refresh": True, "flags": ["--fail-fast"]},
            ["build", "--target", "prod", "--vars", '{"a": "x y", "b": 1}', "--full-refresh", "--fail-fast"],
            id="vars are one argument",
        ),
        pytest.param(
            {"command": "run-operation grant_select"},
            ["run-operation", "grant_select", "--target", "prod"],
            id="operation",
        ),
        pytest.param(
            {"select": "state:modified+", "state": "prod", "defer": True, "favor_state": True},
            ["build", "--target", "prod", "--select", "state:modified+"]
            + ["--state", "prod", "--defer", "--favor-state"],
            id="state",
        ),
    ],
)
def test_arguments(fields: dict[str, Any], arguments: list[str]) -> None:
    assert Step.from_dict(fields).arguments("prod") == arguments


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"command": "biuld"}, "'biuld' is not one of build", id="command"),
        pytest.param({"command": "build x"}, "'build x' is not one of", id="more words"),
        pytest.param({"command": "run-operation"}, "macro", id="operation without macro"),
        pytest.param({"selector": "a", "select": "b"}, "beside select or exclude", id="both"),
        pytest.param({"command": "test", "full_refresh": True}, "takes no full_refresh", id="full refresh of tests"),
        pytest.param({"full_refresh": "maybe"}, "Give true or false", id="no truth"),
        pytest.param({"vars": "a=1"}, "not a mapping", id="vars"),
        pytest.param({"defer": True}, "need a state", id="defer to nothing"),
        pytest.param({"on_missing_state": "full"}, "need a state", id="no state to miss"),
        pytest.param({"state": "prod", "favor_state": True}, "Add defer=True", id="favour what is not deferred to"),
        pytest.param({"state": "prod", "on_missing_state": "ignore"}, "Give fail or full", id="missing state"),
        pytest.param({"command": "run-operation x", "state": "prod"}, "takes no state", id="state of an operation"),
        pytest.param({"freshness": "warn"}, "Give gate or exclude", id="freshness"),
        pytest.param({"command": "source freshness", "freshness": "gate"}, "takes no freshness", id="freshness twice"),
        pytest.param({"modles": "x"}, "unknown field modles", id="unknown"),
    ],
)
def test_what_dbt_would_refuse_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Step.from_dict(fields)


def test_rendered_templates_are_text() -> None:
    step = Step.from_dict(
        {"select": "", "selector": "", "full_refresh": "True", "allow_empty": "false", "resume": "False"}
    )
    assert step == Step(full_refresh=True, resume=False)
    step = Step.from_dict({"state": "prod", "defer": "true", "favor_state": "False"})
    assert step == Step(state="prod", defer=True)
