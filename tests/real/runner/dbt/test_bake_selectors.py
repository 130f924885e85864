"""What the plan says of selectors: those that a run alone can resolve, the default, and functions among the nodes."""

from pathlib import Path

import pytest
from tests.support.dbt_projects import write
from tests.support.groups import graph_of

from podbt.contract.plan import Plan
from podbt.errors import ConfigError
from podbt.runner.dbt.bake import bake

MODELS = {f"models/{name}.sql": "select 1 as id" for name in ("orders", "people", "heavy")} | {
    "models/models.yml": """
        models:
          - {name: orders, config: {tags: [daily]}, columns: [{name: id, data_tests: [not_null]}]}
          - {name: people, config: {tags: [daily]}}
    """
}
TEST = "test.shop.not_null_orders_id.84ef11d8fe"
# Name of a selector -> its definition, the methods that it asks a state by, and all that it could match.
SELECTORS = {
    "daily": ("{method: tag, value: daily}", [], {"orders", "people"}),
    "file": ("{method: path, value: models/heavy.sql}", [], {"heavy"}),
    "folder": ("'path:models'", [], {"orders", "people", "heavy"}),
    "changed": ("{method: state, value: modified, children: true}", ["state"], {"orders", "people", "heavy"}),
    "failed": ("'result:error+'", ["result"], {"orders", "people", "heavy"}),
    "fresher": ("'1+source_status:fresher+'", ["source_status"], {"orders", "people", "heavy"}),
    "short": ("{state: 'new'}", ["state"], {"orders", "people", "heavy"}),
    "union": ("{union: ['tag:daily', {method: result, value: fail}]}", ["result"], {"orders", "people", "heavy"}),
    "both": ("{intersection: ['tag:daily', 'state:modified+']}", ["state"], {"orders", "people"}),
    "but": ("{method: fqn, value: '*', exclude: [{method: state, value: unmodified}]}", ["state"],
            {"orders", "people", "heavy"}),
    "never": ("{union: ['fqn:heavy', {exclude: [{intersection: ['state:old', 'fqn:heavy']}]}]}", ["state"], {"heavy"}),
    "handed_on": ("{method: selector, value: both}", ["state"], {"orders", "people"}),
    "deep": ("{union: [{intersection: [{method: selector, value: daily}, {union: ['result:error', 'state:new']}]}]}",
             ["result", "state"], {"orders", "people"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("selectors")
    text = "".join(f"  - name: {name}\n    definition: {definition}\n" for name, (definition, *_) in SELECTORS.items())
    project = write(folder / "project", MODELS)
    (project / "selectors.yml").write_text(f"selectors:\n{text}")
    return bake(project, folder / "baked")


@pytest.mark.parametrize("name", SELECTORS)
def test_a_selector_tells_by_which_methods_it_asks_a_state(plan: Plan, name: str) -> None:
    _, asks, matched = SELECTORS[name]
    assert plan.selectors[name].asks == asks
    models = {node.split(".")[2] for node in plan.selectors[name].nodes if node.startswith("model.")}
    assert models == matched
    assert ("orders" in matched) == (TEST in plan.selectors[name].nodes)


@pytest.mark.parametrize("name", [name for name, (_, asks, _) in SELECTORS.items() if asks])
def test_no_group_is_made_of_what_a_run_alone_can_resolve(plan: Plan, name: str) -> None:
    with pytest.raises(ConfigError, match=f"Selector '{name}' asks for a state") as error:
        graph_of(plan, selector=name)
    assert f"DbtOperator(selector='{name}', state=" in str(error.value)
    assert "\n" not in str(error.value)


def default(folder: Path, definition: str) -> Plan:
    text = f"selectors: [{{name: usual, default: true, definition: {definition}}}, {{name: all, definition: 'fqn:*'}}]"
    return bake(write(folder / "project", MODELS | {"selectors.yml": text}), folder / "baked")


def test_a_group_of_the_project_has_what_the_default_selector_means(tmp_path: Path) -> None:
    plan = default(tmp_path, "{method: fqn, value: '*', exclude: ['heavy']}")
    assert plan.default_selector == "usual"
    graph = graph_of(plan)
    assert set(graph.members) == {"model.shop.orders", "model.shop.people"}
    assert graph.members["model.shop.orders"].checks == (TEST,)
    assert set(graph_of(plan, selector="all").members) == {*graph.members, "model.shop.heavy"}
    assert set(graph_of(plan, tags=["daily"]).members) == set(graph.members)


def test_a_default_selector_that_asks_a_state_makes_no_group(tmp_path: Path) -> None:
    plan = default(tmp_path, "'state:modified+'")
    with pytest.raises(ConfigError, match="Selector 'usual' asks for a state"):
        graph_of(plan)
    assert set(graph_of(plan, tags=["daily"]).members) == {"model.shop.orders", "model.shop.people"}


def test_without_a_default_selector_a_group_has_everything(plan: Plan) -> None:
    assert plan.default_selector is None
    assert set(graph_of(plan).members) == {f"model.shop.{name}" for name in ("orders", "people", "heavy")}


def test_a_function_is_a_node_like_any_other(tmp_path: Path) -> None:
    files = {
        "models/prices.sql": "{{ config(tags=['money']) }} select {{ function('cents') }}(1) as cents",
        "models/other.sql": "select 1 as id",
        "functions/cents.sql": "select amount_in * 100",
        "functions/functions.yml": """
            functions:
              - name: cents
                description: "What an amount
                  is in cents."
                config: {tags: [money], meta: {owner: billing}}
                arguments: [{name: amount_in, data_type: integer}]
                returns: {data_type: integer}
        """,
        "selectors.yml": "selectors: [{name: money, definition: 'tag:money'}, {name: up, definition: '+prices'}]",
    }
    plan = bake(write(tmp_path / "project", files), tmp_path / "baked")
    function = plan.nodes["function.shop.cents"]
    assert (function.resource_type, function.tags, function.path) == ("function", ["money"], "functions/cents.sql")
    assert function.description == "What an amount is in cents."
    assert plan.owner_of("function.shop.cents") == "billing"
    assert plan.nodes["model.shop.prices"].depends_on == ["function.shop.cents"]
    for selector in plan.selectors.values():
        assert selector.nodes == ["function.shop.cents", "model.shop.prices"]
    members = graph_of(plan).members
    assert set(members) == {"function.shop.cents", "model.shop.other", "model.shop.prices"}
    assert members["model.shop.prices"].parents == ("function.shop.cents",)
