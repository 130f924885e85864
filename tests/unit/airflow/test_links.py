from pathlib import Path
from types import SimpleNamespace

import pytest

from podbt.airflow import api, links
from podbt.airflow.group.tasks import ModelTask
from podbt.airflow.operator import DbtOperator


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "base_url", lambda: "https://airflow.example.com/af")


def test_a_trigger_leaves_the_page_of_its_run() -> None:
    assert links.page_xcom("runs/d/r+1/t/try-1", node="model.p.a") == {
        "_link_RunPageLink": "https://airflow.example.com/af/podbt/run?path=runs%2Fd%2Fr%2B1%2Ft%2Ftry-1&node=model.p.a"
    }


def test_a_run_without_a_record_has_no_page() -> None:
    assert links.page_xcom(None) == {}


def test_without_pages_there_are_no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODBT_PAGE", "0")
    assert links.page_xcom("runs/d/r/t/try-1") == {}


def test_a_task_that_ends_on_a_worker_leads_to_its_last_try() -> None:
    key = SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=2)
    page = links.RunPageLink().get_link(None, ti_key=key)
    assert page == "https://airflow.example.com/af/podbt/task?dag_id=d&run_id=r&task_id=t&map_index=2"


@pytest.mark.parametrize("operator", [DbtOperator, ModelTask])
def test_steps_and_models_have_the_link(operator: type) -> None:
    assert [type(link) for link in operator.operator_extra_links] == [links.RunPageLink]  # type: ignore[attr-defined]


def test_the_address_is_that_of_the_plugin() -> None:
    from podbt.web.plugin import PREFIX, RunPagePlugin

    assert links.run_page("", "x").startswith(f"{PREFIX}/run?")
    assert all(view["href"].startswith(f"{PREFIX[1:]}/") for view in RunPagePlugin.external_views)
    assert (Path(links.__file__).parents[1] / "web/static/icon.svg").is_file()
