"""Steps and groups of several dbt projects in one Airflow."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk import DAG
from airflow.sdk.exceptions import TaskDeferred
from tests.support.operators import CONTEXT
from tests.support.plans import plan, uid
from tests.support.settings import MINIMAL

from podbt.airflow import DbtModelGroup, DbtOperator, selector_names
from podbt.airflow.resolve import pod_settings, resolve_pod
from podbt.errors import ConfigError

FINANCE = plan("ledger", selectors={"monthly": [uid("ledger")]})
SALES = plan("orders", selectors={"daily": [uid("orders")]})


@pytest.fixture(autouse=True)
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODBT_SETTINGS", str(tmp_path / "mounted/settings.yaml"))
    for name, found in {"finance": FINANCE, "sales": SALES}.items():
        folder = tmp_path / "mounted" / name
        folder.mkdir(parents=True)
        (folder / "plan.json").write_text(found.to_json())
        keys = {"image": f"registry.example/{name}:1", "plan": "plan.json", "service_account": f"{name}-dbt"}
        (folder / "settings.yaml").write_text(yaml.safe_dump({**MINIMAL, **keys}))


def test_a_step_runs_its_projects_image_on_either_way() -> None:
    step = DbtOperator(task_id="t", project="finance", settings={"target": "demo"})
    started: Any = step.start_trigger_args
    with pytest.raises(TaskDeferred) as deferred:
        step.execute(CONTEXT)
    for overrides in (started.trigger_kwargs["overrides"], deferred.value.trigger.overrides):
        settings, resolved = resolve_pod({"command": "build"}, overrides)
        assert (settings.image, settings.target) == ("registry.example/finance:1", "demo")
        assert resolved.plan_hash == FINANCE.hash


def test_the_page_of_a_step_is_its_projects() -> None:
    assert "ledger" in str(DbtOperator(task_id="t", project="finance").doc_md)
    assert "orders" in str(DbtOperator(task_id="t", project="sales").doc_md)


def test_a_group_is_of_its_projects_models() -> None:
    with DAG("d", schedule=None) as dag:
        DbtModelGroup("money", project="finance")
        DbtModelGroup("shop", project="sales")
    assert {"money.ledger", "shop.orders"} <= set(dag.task_ids)
    for name, image in {"money.ledger": "finance", "shop.orders": "sales", "shop.pod": "sales"}.items():
        arguments: Any = dag.get_task(name).start_trigger_args
        assert pod_settings(arguments.trigger_kwargs["overrides"]).image == f"registry.example/{image}:1"


def test_selectors_are_the_projects() -> None:
    assert (selector_names("finance"), selector_names("sales")) == (["monthly"], ["daily"])


@pytest.mark.parametrize("made", [DbtOperator, DbtModelGroup], ids=lambda cls: cls.__name__)
def test_an_unknown_project_is_refused_when_the_dag_is_parsed(made: Any) -> None:
    with (
        DAG("d", schedule=None),
        pytest.raises(ConfigError, match="Known: finance, sales"),
    ):
        made(**{"task_id" if made is DbtOperator else "group_id": "t", "project": "sale"})


def test_without_a_name_a_step_says_which_there_are() -> None:
    step = DbtOperator(task_id="t", deferrable=False)
    with pytest.raises(Exception, match="Several dbt projects are known here: finance, sales"):
        step.execute(CONTEXT)


def test_settings_of_a_task_cannot_say_the_project() -> None:
    with pytest.raises(ConfigError, match="project_name is not a known key"):
        DbtOperator(task_id="t", settings={"project_name": "finance"})
