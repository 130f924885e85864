"""The hash by which a try knows whether an earlier one was given the same."""

from types import SimpleNamespace
from typing import Any

import pytest

from podbt.contract.record import RunIdentity
from podbt.runner.prepare.variables import fingerprint

WHO = RunIdentity(dag_id="d", run_id="r", task_id="t")
ENV = {"SCHEMA_SUFFIX": "a", "IN_PROJECT": "a", "IN_MODEL": "a", "IN_MACRO": "a", "OTHER": "a"}


def of(env: dict[str, str], *, cli_vars: dict[str, Any] | None = None, who: RunIdentity = WHO) -> str:
    manifest = SimpleNamespace(
        env_vars={"SCHEMA_SUFFIX": "as it was when the image was built", "DBT_ENV_SECRET_X": "", "API_TOKEN": ""},
        nodes={"m": SimpleNamespace(raw_code="select {{ env_var('IN_MODEL') }}"), "s": SimpleNamespace()},
        macros={"x": SimpleNamespace(macro_sql='{% if execute %}{{ env_var("IN_MACRO", "b") }}{% endif %}')},
    )
    config = SimpleNamespace(project_env_vars={"IN_PROJECT": "a"}, cli_vars=cli_vars or {})
    return fingerprint(manifest, config, who, env)


@pytest.mark.parametrize("name", ["SCHEMA_SUFFIX", "IN_PROJECT", "IN_MODEL", "IN_MACRO"])
def test_what_the_project_reads_counts(name: str) -> None:
    assert of(ENV) == of(dict(ENV))
    assert of({**ENV, name: "b"}) != of(ENV)
    assert of({key: value for key, value in ENV.items() if key != name}) != of(ENV)


@pytest.mark.parametrize("name", ["OTHER", "DBT_ENV_SECRET_X", "API_TOKEN"])
def test_what_it_does_not_read_and_what_is_secret_counts_not(name: str) -> None:
    assert of({**ENV, name: "b"}) == of(ENV)


def test_vars_count_in_any_order_and_secret_ones_do_not() -> None:
    assert of(ENV, cli_vars={"a": 1, "b": [2]}) == of(ENV, cli_vars={"b": [2], "a": 1})
    assert of(ENV, cli_vars={"a": 1}) != of(ENV, cli_vars={"a": 2})
    assert of(ENV, cli_vars={"DBT_ENV_SECRET_A": "x"}) == of(ENV)


def test_the_hash_says_nothing_about_other_tasks_and_holds_between_tries() -> None:
    assert of(ENV, who=WHO.model_copy(update={"try_number": 2})) == of(ENV)
    assert of(ENV, who=WHO.model_copy(update={"task_id": "u"})) != of(ENV)
