"""The layout of a model group: who gets a task, who answers for which test, what waits for what."""

import pytest
from tests.support.plans import plan, uid

from podbt.airflow.group.graph import Graph, graph_of
from podbt.errors import ConfigError

SHOP = plan(
    "seed.codes",
    "stg_orders",
    "stg_customers < seed.codes",
    "tmp < stg_orders",
    "orders < tmp stg_customers",
    "customers < stg_customers",
    "test.unique_orders < orders",
    "test.orders_have_customers < orders customers",
    "test.relationships_orders_id__ref_customers < orders customers",
    "test.orders_equal_staging < stg_orders orders",
    "unit_test.orders_add_up < orders",
    "test.source_is_fresh < source.raw",
    tmp={"materialized": "ephemeral"},
    customers={"tags": ["daily"]},
    selectors={"staging": [uid("stg_orders"), uid("stg_customers"), uid("test.orders_equal_staging")]},
    groups={
        "sales": [uid("orders"), uid("test.unique_orders"), uid("test.orders_have_customers")],
        "people": [uid("customers"), uid("test.orders_have_customers")],
    },
)


def owners(graph: Graph) -> dict[str, str]:
    return {check: member.label for member in graph.members.values() for check in member.checks}


def parents(graph: Graph) -> dict[str, list[str]]:
    return {member.label: [graph.members[one].label for one in member.parents] for member in graph.members.values()}


def test_every_built_node_gets_a_task_and_dbts_edges() -> None:
    assert parents(graph_of(SHOP)) == {
        "codes": [],
        "stg_orders": [],
        "stg_customers": ["codes"],
        "customers": ["stg_customers"],
        "orders": ["stg_customers", "stg_orders"],  # through the ephemeral model, which dbt does not report on
    }


def test_members_come_after_their_parents() -> None:
    labels = list(parents(graph_of(SHOP)))
    assert all(
        labels.index(one) < labels.index(label) for label, above in parents(graph_of(SHOP)).items() for one in above
    )


def test_a_test_belongs_to_the_last_that_dbt_builds_before_it() -> None:
    found = owners(graph_of(SHOP))
    assert found[uid("test.unique_orders")] == "orders"
    assert found[uid("test.orders_equal_staging")] == "orders"
    assert found[uid("unit_test.orders_add_up")] == "orders"


def test_what_a_test_reads_besides_is_named_unless_it_is_an_ancestor() -> None:
    graph = graph_of(SHOP)
    owner = owners(graph)[uid("test.orders_have_customers")]
    other = {"orders": "customers", "customers": "orders"}[owner]
    assert graph.members[uid(owner)].beside == (uid(other),)
    assert graph.members[uid("stg_orders")].beside == ()


def test_no_test_gets_lost() -> None:
    graph = graph_of(SHOP)
    assert graph.loose == (uid("test.source_is_fresh"),)
    assert {*owners(graph), *graph.loose} == {key for key, node in SHOP.nodes.items() if "test" in node.resource_type}


def test_a_selector_is_what_dbt_resolved_it_to() -> None:
    graph = graph_of(SHOP, selector="staging")
    assert set(graph.members) == {uid("stg_orders"), uid("stg_customers")}
    assert owners(graph) == {uid("test.orders_equal_staging"): "stg_orders"}


def test_tags_bring_the_tests_that_dbt_brings() -> None:
    graph = graph_of(SHOP, tags=["daily"])
    assert set(graph.members) == {uid("customers")}
    assert set(owners(graph)) == {uid("test.orders_have_customers"), uid("test.relationships_orders_id__ref_customers")}


def test_a_group_is_what_dbt_resolved_it_to_and_several_are_all_of_them() -> None:
    sales, both = graph_of(SHOP, groups=["sales"]), graph_of(SHOP, groups=["sales", "people"])
    assert set(sales.members) == {uid("orders")}
    assert owners(sales) == {uid("test.unique_orders"): "orders", uid("test.orders_have_customers"): "orders"}
    assert set(both.members) == {uid("orders"), uid("customers")}
    assert set(owners(both)) == set(owners(sales))


def test_without_checks_there_are_none() -> None:
    graph = graph_of(SHOP, checks=False)
    assert owners(graph) == {}
    assert graph.loose == ()


def test_of_two_equals_a_test_belongs_to_the_one_that_it_is_written_at() -> None:
    assert owners(graph_of(SHOP))[uid("test.relationships_orders_id__ref_customers")] == "orders"


def test_edges_go_through_what_is_not_selected() -> None:
    chain = plan("a", "b < a", "c < b", selectors={"ends": [uid("a"), uid("c")]})
    assert parents(graph_of(chain, selector="ends")) == {"a": [], "c": ["a"]}


def test_labels_are_unique_and_leave_the_groups_own_alone() -> None:
    graph = graph_of(plan("start", "seed.x", "snapshot.x"))
    assert {member.label for member in graph.members.values()} == {"model_p_start", "seed_p_x", "snapshot_p_x"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"selector": "nightly"}, "no selector 'nightly'. It has staging"),
        ({"selector": "staging", "tags": ["daily"]}, "selector and tags stand beside each other"),
        ({"tags": ["daily"], "groups": ["sales"]}, "tags and groups stand beside each other"),
        ({"groups": ["sales", "finance"]}, "^The plan has no group 'finance'. It has people, sales.$"),
        ({"tags": ["hourly"]}, "holds no node"),
    ],
)
def test_a_wrong_selection_is_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        graph_of(SHOP, **arguments)  # type: ignore[arg-type]  # each set fits


def test_a_project_without_groups_says_so() -> None:
    with pytest.raises(ConfigError, match=r"^The plan has no group 'finance'\. It has none\.$"):
        graph_of(plan("a"), groups=["finance"])
