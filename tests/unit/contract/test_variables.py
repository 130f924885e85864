"""Plain variables of dbt's environment: what may be one, who may give it, and what arrives."""

from typing import Any

import pytest
from tests.support.settings import DOCKER, LOCAL, MINIMAL

from podbt.contract.invocation import run_environment
from podbt.contract.record import RunIdentity
from podbt.contract.settings.bucket import Bucket
from podbt.contract.settings.load import AnySettings, parse_settings
from podbt.contract.step import Step
from podbt.errors import ConfigError

ENV = {"name": "A", "secret": "s", "key": "k"}
IDENTITY = RunIdentity(dag_id="d", run_id="r", task_id="t")
RUNTIMES = [pytest.param(one, id=str(one.get("runtime", "kubernetes"))) for one in (MINIMAL, DOCKER, LOCAL)]
REFUSED = [
    pytest.param({"PODBT_ARTIFACTS": "x"}, "PODBT_ARTIFACTS is not for dbt", id="podbt's own"),
    pytest.param({"AIRFLOW__CORE__FERNET_KEY": "x"}, "AIRFLOW__CORE__FERNET_KEY is not for dbt", id="Airflow's"),
    pytest.param({"DBT_ENGINE_TARGET_PATH": "x"}, "DBT_ENGINE_TARGET_PATH is podbt's own to set", id="podbt's for dbt"),
    pytest.param({"DBT_PROFILES_DIR": "x"}, "DBT_PROFILES_DIR is podbt's own to set", id="the same by its older name"),
    pytest.param({"PATH": "x"}, "PATH is podbt's own to set", id="the image's"),
    pytest.param({"DBT_ENV_SECRET_TOKEN": "x"}, "DBT_ENV_SECRET_TOKEN is a secret by its name", id="a secret"),
    pytest.param({"A-B": "x"}, "'A-B' is no name of a variable", id="no name"),
    pytest.param({"": "x"}, "'' is no name of a variable", id="none"),
    pytest.param({"A": ["x"]}, r"A is \['x'\], which is no text", id="a list"),
    pytest.param({"A": None}, "A is None, which is no text", id="nothing"),
    pytest.param({"A": "x\0y"}, "A holds a NUL character", id="a NUL"),
    pytest.param("A=x", "env", id="no mapping"),
]


def given(settings: AnySettings, step: Step) -> dict[str, str]:
    return run_environment(settings, step, IDENTITY, image=None, artifacts=Bucket(), folder="/a")


@pytest.mark.parametrize("data", RUNTIMES)
def test_a_steps_own_come_before_the_settings(data: dict[str, Any]) -> None:
    settings = parse_settings({**data, "env": {"A": "settings", "B": "settings", "N": 4, "T": True}}, source="s")
    found = given(settings, Step.from_dict({"env": {"B": "step", "EMPTY": "", "X": 1.5}}))
    assert {"A": "settings", "B": "step", "N": "4", "T": "true", "EMPTY": "", "X": "1.5"}.items() <= found.items()
    assert found["PODBT_DAG_ID"] == "d"
    plain = given(parse_settings(data, source="s"), Step())
    assert set(found) - set(plain) == {"A", "B", "N", "T", "EMPTY", "X"}


@pytest.mark.parametrize("data", RUNTIMES)
@pytest.mark.parametrize(("variables", "said"), REFUSED)
def test_what_is_no_plain_variable_is_refused_in_the_settings(data: dict[str, Any], variables: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_settings({**data, "env": variables}, source="s")


@pytest.mark.parametrize(("variables", "said"), REFUSED)
def test_and_in_a_step(variables: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=f"^Step: .*{said}"):
        Step.from_dict({"env": variables})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param({**MINIMAL, "secret_env": [ENV]}, "A is given by env and by secret_env", id="secret_env"),
        pytest.param({**LOCAL, "env_names": ["A"]}, "A is given by env and by env_names", id="env_names, local"),
        pytest.param({**DOCKER, "env_names": ["A"]}, "A is given by env and by env_names", id="env_names, docker"),
    ],
)
def test_a_variable_has_one_place(data: dict[str, Any], said: str) -> None:
    """Of two values one would win in silence."""
    with pytest.raises(ConfigError, match=said):
        parse_settings({**data, "env": {"A": "plain"}}, source="s")
