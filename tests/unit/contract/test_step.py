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


@pytest.mark.parametrize(
    ("fields", "arguments"),
    [
        pytest.param({"commands": ["seed", "run"]}, "seed --target prod && run --target prod", id="commands alone"),
        pytest.param(
            {"commands": ["dbt run --select 'tag:a b' --fail-fast", "docs generate"], "keep_going": True},
            "run --target prod --select |tag:a b| --fail-fast ; docs generate --target prod",
            id="lines as people type them",
        ),
        pytest.param(
            {"commands": ["run-operation stage --args {}", {"command": "build", "selector": "daily"}]},
            "run-operation stage --target prod --args {} && build --target prod --selector daily",
            id="a macro, and fields",
        ),
        pytest.param(
            {"commands": ["seed", {"vars": {"a": 2}, "target": "own"}], "vars": {"a": 1}, "target": "clinic"},
            'seed --target clinic --vars |{"a": 1}| && build --target own --vars |{"a": 2}|',
            id="what is said once is for those that do not say it",
        ),
        pytest.param({"commands": ["build"], "keep_going": "true"}, "build --target prod", id="one of them"),
    ],
)
def test_several_commands_are_told_apart_as_in_a_shell(fields: dict[str, Any], arguments: str) -> None:
    assert Step.from_dict(fields).arguments("prod") == shell(arguments)


def shell(line: str) -> list[str]:
    """Words of a line; those with spaces in them stand between bars."""
    words: list[str] = []
    for index, part in enumerate(line.split("|")):
        words += [part] if index % 2 else part.split()
    return words


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"commands": []}, "an empty list", id="none"),
        pytest.param({"commands": "seed"}, "no list", id="a text"),
        pytest.param({"commands": [1]}, "1 is neither", id="a number"),
        pytest.param({"commands": ["sed"]}, "'sed' is not one of build", id="no command"),
        pytest.param({"commands": ["run 'x"]}, "no command line: No closing quotation", id="half a quote"),
        pytest.param({"commands": [{"comand": "run"}]}, "comand is no field of a command", id="unknown field"),
        pytest.param({"commands": [{"env": {}}]}, "env is no field of a command", id="the container's"),
        pytest.param({"commands": ["run"], "select": "a"}, "^select stands beside commands", id="selection beside"),
        pytest.param({"commands": ["run"], "freshness": "gate"}, "freshness stands beside commands", id="freshness"),
        pytest.param({"commands": [{"selector": "a", "select": "b"}]}, "beside select or exclude", id="both"),
        pytest.param({"commands": [{"select": []}]}, "nothing would run", id="an empty selection"),
        pytest.param({"keep_going": True}, "Give commands or remove it", id="going on with one"),
        pytest.param({"select": "a && b"}, "'&&' stands between commands", id="in a selection"),
        pytest.param({"flags": [";"]}, "';' stands between commands", id="in flags"),
    ],
)
def test_what_makes_no_commands_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Step.from_dict(fields)


def test_a_state_of_one_of_the_commands_may_be_missing() -> None:
    step = Step.from_dict({"commands": [{"select": "state:new", "state": "prod"}], "on_missing_state": "full"})
    assert step.commands[0].state == "prod"
