"""One node named to real dbt, in a project whose names mean more than one thing."""

import json
from pathlib import Path

import pytest

from podbt.contract.exact import criteria
from podbt.contract.kinds import RUNNABLE, ResourceType
from podbt.contract.plan import Plan
from podbt.runner.dbt.bake import bake

ONE = "select 1 as id"
FILES = {
    "dbt_project.yml": """
name: shop
version: "1.0"
config-version: 2
profile: shop
model-paths: [models, more/models]
models: {+materialized: table}
""",
    "models/customers/customers.sql": ONE,
    "models/customers/customers_daily.sql": "select id from {{ ref('shop', 'customers') }}",
    "models/customers/customers/deeper.sql": ONE,
    "models/shop.sql": ONE,
    "models/other.sql": ONE,
    "models/orders/orders_v1.sql": ONE,
    "models/orders/second.sql": ONE,
    "models/orders/v2.sql": ONE,
    "models/like/orders_v2.sql": "{{ config(alias='alike') }} " + ONE,
    "models/Capital.sql": ONE,
    "models/raw data/spaced.sql": ONE,
    "more/models/elsewhere.sql": ONE,
    "models/schema.yml": """
models:
  - name: customers
    columns: [{name: id, data_tests: [unique, {not_null: {name: is_there}}]}]
  - name: customers_daily
    columns: [{name: id, data_tests: [unique, {not_null: {name: is_there}}]}]
  - name: orders
    latest_version: 2
    columns: [{name: id, data_tests: [unique]}]
    versions: [{v: 1}, {v: 2, defined_in: second}]
unit_tests:
  - {name: adds_up, model: customers, given: [], expect: {rows: [{id: 1}]}}
  - {name: adds_up, model: Capital, given: [], expect: {rows: [{id: 1}]}}
""",
    "tests/customers.sql": "select * from {{ ref('Capital') }} where id = 2",
    "seeds/customers/codes.csv": "id\n1\n",
    "seeds/codes/names.csv": "id\n1\n",
    "snapshots/history/history.sql": "\n".join(
        "{% snapshot "
        + name
        + " %}{{ config(target_schema='s', unique_key='id', strategy='check', check_cols='all') }}"
        "select id from {{ ref('codes') }}{% endsnapshot %}"
        for name in ("history", "another")
    ),
    "dbt_packages/other/dbt_project.yml": "name: other\nversion: '1.0'\nconfig-version: 2\nmodels: {+schema: other}\n",
    "dbt_packages/other/models/customers.sql": f"{ONE} -- the same name, and file, in another package",
    "dbt_packages/other/models/shop/first.sql": ONE,
    "dbt_packages/other/tests/customers.sql": "select * from {{ ref('other', 'customers') }} where id = 2",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def plan(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return bake(project, tmp_path_factory.mktemp("baked"))


@pytest.fixture(scope="module")
def select(project: Path, tmp_path_factory: pytest.TempPathFactory) -> "Select":
    return Select(project, tmp_path_factory.mktemp("profiles"))


class Select:
    """dbt's own answer to --select, by one parse of the project."""

    def __init__(self, project: Path, profiles: Path) -> None:
        from dbt.cli.main import dbtRunner

        postgres = {
            "type": "postgres",
            "host": "h",
            "port": 1,
            "user": "u",
            "password": "p",
            "dbname": "d",
            "schema": "s",
        }
        (profiles / "profiles.yml").write_text(json.dumps({"shop": {"target": "t", "outputs": {"t": postgres}}}))
        self._places = ["--project-dir", str(project), "--profiles-dir", str(profiles), "--quiet"]
        self._places += ["--target-path", str(profiles / "target"), "--log-path", str(profiles / "logs")]
        manifest = dbtRunner().invoke(["parse", *self._places]).result
        self._runner = dbtRunner(manifest=manifest)

    def __call__(self, *words: str) -> set[str]:
        listed = ["ls", "--output", "json", "--output-keys", "unique_id", "--indirect-selection", "empty"]
        result = self._runner.invoke([*listed, "--select", *words, *self._places])
        assert result.success, result.exception
        return {json.loads(line)["unique_id"] for line in result.result}


def test_each_node_is_selected_alone(plan: Plan, select: Select) -> None:
    assert {node.resource_type for node in plan.nodes.values()} >= RUNNABLE - {ResourceType.FUNCTION}
    found = {one: select(word) for one, word in zip(plan.nodes, criteria(plan.nodes, plan.nodes), strict=True)}
    assert found == {one: {one} for one in plan.nodes}


def test_a_name_alone_would_be_more(select: Select) -> None:
    """What this is all for: should dbt once have a word for one node, this can go."""
    assert len(select("customers")) > 4
    assert len(select("shop")) > 10


def test_a_model_and_its_tests_are_these_alone(plan: Plan, select: Select) -> None:
    checks = {one for one, node in plan.nodes.items() if node.depends_on == ["model.shop.customers"]}
    wanted = {"model.shop.customers", *(one for one in checks if not one.startswith("model."))}
    assert len(wanted) == 4
    assert select(*criteria(plan.nodes, sorted(wanted))) == wanted
