"""Criteria that mean one node; tests/real/runner/dbt/test_exact.py asks real dbt."""

import pytest

from podbt.contract.exact import criteria
from podbt.contract.kinds import ResourceType
from podbt.contract.plan import PlanNode


def node(kind: ResourceType, path: str, name: str, *depends_on: str) -> PlanNode:
    return PlanNode(name=name, resource_type=kind, path=path, depends_on=list(depends_on))


@pytest.mark.parametrize(
    ("unique_id", "found", "criterion"),
    [
        pytest.param(
            "model.shop.Orders.v2",
            node(ResourceType.MODEL, "models/Orders_v2.sql", "Orders"),
            "package:shop,resource_type:model,file:Orders_v2.sql",
            id="a version",
        ),
        pytest.param(
            "snapshot.shop.history",
            node(ResourceType.SNAPSHOT, "snapshots/all.sql", "history"),
            "package:shop,resource_type:snapshot,fqn:*.history",
            id="a snapshot, of several in a file",
        ),
        pytest.param(
            "test.shop.unique_a_id.123",
            node(ResourceType.TEST, "models/schema.yml", "unique_a_id"),
            "package:shop,resource_type:test,fqn:*.unique_a_id",
            id="a generic test",
        ),
        pytest.param(
            "test.shop.sums",
            node(ResourceType.TEST, "tests/sums.sql", "sums"),
            "package:shop,resource_type:test,file:sums.sql",
            id="a test with a file of its own",
        ),
        pytest.param(
            "seed.shop.raw, all+1",
            node(ResourceType.SEED, "seeds/raw, all+1.csv", "raw, all+1"),
            "package:shop,resource_type:seed,file:raw??all?1.csv",
            id="characters that mean something to dbt",
        ),
    ],
)
def test_a_node_is_named_by_what_it_alone_has(unique_id: str, found: PlanNode, criterion: str) -> None:
    assert criteria({unique_id: found}, [unique_id]) == [criterion]


def test_tests_of_one_name_are_told_apart_by_what_they_read() -> None:
    nodes = {
        "model.p.a": node(ResourceType.MODEL, "models/a.sql", "a"),
        "model.p.b": node(ResourceType.MODEL, "models/b.sql", "b"),
        "test.p.there.1": node(ResourceType.TEST, "models/schema.yml", "there", "model.p.a", "source.p.raw.x"),
        "test.p.there.2": node(ResourceType.TEST, "models/schema.yml", "there", "model.p.b"),
    }
    assert criteria(nodes, ["test.p.there.2", "test.p.there.1"]) == [
        "package:p,resource_type:test,fqn:*.there,file:b.sql+1",
        "package:p,resource_type:test,fqn:*.there,file:a.sql+1",
    ]
