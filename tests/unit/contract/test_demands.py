"""Models that demand more than the settings give, and the steps that contain them."""

from typing import Any

import pytest
from tests.support.settings import DOCKER

from podbt.contract.demands import fitted
from podbt.contract.kinds import ResourceType
from podbt.contract.plan import Plan, PlanGroup, PlanNode, PlanSelector
from podbt.contract.settings.common import amount
from podbt.contract.settings.docker import DockerSettings
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.step import Step
from podbt.errors import ConfigError

SETTINGS = Settings.parse(
    {
        "image": "dbt:1",
        "target": "prod",
        "namespace": "dbt",
        "service_account": "dbt",
        "profiles_secret": {"name": "profiles"},
        "artifacts": {"claim": "artifacts"},
        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
        "node_selector": {"pool": "small"},
    },
    source="test",
)
LARGE = {"resources": {"requests": {"cpu": 2}, "limits": {"memory": "8Gi"}}, "node_selector": {"pool": "large"}}


def plan(**metas: Any) -> Plan:
    nodes = {
        f"model.p.{name}": PlanNode(
            name=name, resource_type=ResourceType.MODEL, path=f"models/{name}.sql", meta={"podbt": meta} if meta else {}
        )
        for name, meta in metas.items()
    }
    selectors = {"first": PlanSelector(nodes=["model.p.a"]), "empty": PlanSelector(nodes=[])}
    groups = {"calm": PlanGroup(nodes=["model.p.a"])}
    return Plan.seal(project="p", dbt_version="1", nodes=nodes, sources={}, selectors=selectors, groups=groups)


def memory(step: Step, **metas: Any) -> str | None:
    return fitted(SETTINGS, step, plan(**metas)).resources.limits.memory


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param(Step(), "8Gi", id="everything"),
        pytest.param(Step.of(select="b"), "8Gi", id="by name"),
        pytest.param(Step.of(select="a"), "2Gi", id="another name"),
        pytest.param(Step(selector="first"), "2Gi", id="a selector without it"),
        pytest.param(Step(selector="empty"), "2Gi", id="a selector of nothing"),
        pytest.param(Step.of(select="group:calm"), "2Gi", id="a group without it"),
        pytest.param(Step.of(select="group:calm b"), "8Gi", id="a group and a name"),
        pytest.param(Step.of(select="group:nobody"), "8Gi", id="a group that the plan does not know"),
        pytest.param(Step(commands=(Step.of(select="a"), Step.of(select="b"))), "8Gi", id="one of several commands"),
        pytest.param(Step(commands=(Step.of(select="a"), Step(selector="empty"))), "2Gi", id="none of them"),
        pytest.param(Step.of(select="a+"), "8Gi", id="only dbt knows: all may be meant"),
        pytest.param(Step.of(select="package:p,resource_type:model,file:a.sql"), "2Gi", id="exactly another one"),
        pytest.param(Step.of(select="package:p,resource_type:model,file:b.sql"), "8Gi", id="exactly this one"),
        pytest.param(Step.of(select="state:modified+"), "8Gi", id="a state"),
    ],
)
def test_a_step_gets_what_its_models_demand(step: Step, expected: str) -> None:
    assert memory(step, a=None, b=LARGE) == expected


@pytest.mark.parametrize(
    ("unique_id", "path"),
    [
        pytest.param("model.p.b", "models/calm/b.sql", id="in a folder of that name"),
        pytest.param("model.calm.b", "models/b.sql", id="in a package of that name"),
        pytest.param("model.other.calm", "models/calm.sql", id="of that name in another package"),
    ],
)
def test_a_word_may_mean_more_than_one_model(unique_id: str, path: str) -> None:
    """dbt then runs all of them."""
    nodes = {
        "model.p.calm": PlanNode(name="calm", resource_type=ResourceType.MODEL, path="models/calm.sql"),
        unique_id: PlanNode(
            name=unique_id.rpartition(".")[2], resource_type=ResourceType.MODEL, path=path, meta={"podbt": LARGE}
        ),
    }
    found = Plan.seal(project="p", dbt_version="1", nodes=nodes, sources={}, selectors={})
    assert fitted(SETTINGS, Step.of(select="calm"), found).resources.limits.memory == "8Gi"


def test_each_amount_is_the_largest_of_all() -> None:
    other = {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "4G", "cpu": "1"}}}
    got = fitted(SETTINGS, Step(), plan(a=LARGE, b=other))
    assert got.resources.requests.model_dump() == {"cpu": "2", "memory": "1Gi"}
    assert got.resources.limits.model_dump() == {"cpu": "2", "memory": "8Gi"}  # no request is above its limit
    assert got.node_selector == {"pool": "large"}


def test_models_demand_no_less_than_the_settings() -> None:
    assert memory(Step(), a={"resources": {"limits": {"memory": "100Mi"}}}) == "2Gi"


def test_a_docker_host_takes_resources_and_has_no_nodes_to_choose() -> None:
    settings = DockerSettings.parse(DOCKER, source="test")
    got = fitted(settings, Step(), plan(a=LARGE, b={"node_selector": {"pool": "gpu"}}))
    assert got == settings.model_copy(update={"resources": got.resources})
    assert got.resources.limits.model_dump() == {"cpu": None, "memory": "8Gi"}
    assert got.resources.requests.model_dump() == {"cpu": "2", "memory": "512Mi"}


def test_two_models_that_exclude_each_other_are_named() -> None:
    with pytest.raises(ConfigError, match=r"model\.p\.b demands nodes with pool=gpu, model\.p\.a with large\."):
        fitted(SETTINGS, Step(), plan(a=LARGE, b={"node_selector": {"pool": "gpu"}}))


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"memory": "8Gi"}, "meta.podbt of model.p.a: memory: is not a known key"),
        ({"resources": {"limits": {"memory": "much"}}}, "meta.podbt of model.p.a: resources.limits.memory"),
        (1, "meta.podbt of model.p.a"),
    ],
    ids=["unknown key", "no quantity", "no mapping"],
)
def test_what_stands_in_a_project_is_checked(meta: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        fitted(SETTINGS, Step(), plan(a=meta))


@pytest.mark.parametrize(
    ("quantity", "number"),
    [
        ("2", 2),
        ("0.5", 0.5),
        ("500m", 0.5),
        ("1k", 1e3),
        ("2M", 2e6),
        ("1G", 1e9),
        ("3T", 3e12),
        ("1Ki", 1024),
        ("2Gi", 2**31),
    ],
)
def test_quantities_compare_as_numbers(quantity: str, number: float) -> None:
    assert amount(quantity) == number
