"""What a model of this project looks like."""

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

MONEY_TESTS = {
    "payments_equal_their_splits",
    "claim_payments_equal_their_lines",
    "account_buckets_equal_balances",
    "production_equals_completed_procedures",
}


@pytest.fixture(scope="session")
def models(manifest: Any) -> dict[str, Any]:
    return {node.name: node for node in manifest.nodes.values() if node.resource_type == "model"}


@pytest.fixture(scope="session")
def tests_by_model(manifest: Any) -> dict[str, list[Any]]:
    found = defaultdict(list)
    for node in manifest.nodes.values():
        if is_generic(node):
            found[node.attached_node.split(".")[2]].append(node)
    return found


def layer(model: Any) -> str:
    return str(model.fqn[1])


def is_generic(node: Any) -> bool:
    return bool(getattr(node, "test_metadata", None))


def generic(test: Any) -> tuple[str, str | None]:
    return (test.test_metadata.name, test.column_name)


def test_size(models: dict[str, Any], manifest: Any) -> None:
    counts = Counter(layer(model) for model in models.values())
    assert 70 <= len(models) <= 100
    assert counts["staging"] == len(manifest.sources) >= 30
    assert len(manifest.unit_tests) >= 20
    assert len(manifest.exposures) >= 3
    snapshots = {node.name for node in manifest.nodes.values() if node.resource_type == "snapshot"}
    assert snapshots == {"snap_opendental__patients", "snap_opendental__providers", "snap_opendental__fees"}


def test_names_follow_the_layer(models: dict[str, Any]) -> None:
    patterns = {
        "staging": r"stg_opendental__[a-z_]+s",
        "intermediate": r"int_[a-z_]+_[a-z]+ed",
        "marts": r"(dim|fct|mart)_[a-z_]+",
    }
    wrong = [model.name for model in models.values() if not re.fullmatch(patterns[layer(model)], model.name)]
    assert not wrong


def test_each_folder_has_one_models_file(project: Path) -> None:
    for folder in {path.parent for path in (project / "models").rglob("*.sql")}:
        expected = {f"_{folder.name}__models.yml"}
        expected |= {f"_{folder.name}__sources.yml"} if folder.parent.name == "staging" else set()
        assert {path.name for path in folder.glob("*.yml")} == expected


def test_models_are_described_where_they_live(models: dict[str, Any]) -> None:
    for model in models.values():
        assert model.patch_path, f"{model.name} has no entry in its folder's yml"
        assert Path(model.patch_path.split("://")[1]).parent == Path(model.original_file_path).parent


def test_every_raw_table_has_its_staging_model_and_no_other_reader(models: dict[str, Any], manifest: Any) -> None:
    readers = defaultdict(list)
    for node in manifest.nodes.values():
        for parent in getattr(node.depends_on, "nodes", []):
            if parent.startswith("source."):
                readers[parent].append(node)
    assert set(readers) == set(manifest.sources)
    for source, nodes in readers.items():
        assert [layer(node) for node in nodes] == ["staging"], f"{source} is read by {[node.name for node in nodes]}"


def test_no_file_names_a_raw_table_directly(project: Path) -> None:
    pattern = re.compile(r"\b(from|join)\s+\"?(raw|analytics\w*|dbt_\w+)\"?\.", re.IGNORECASE)
    files = [*(project / "models").rglob("*.sql"), *(project / "tests").rglob("*.sql")]
    assert len(files) > 100
    assert not [path.name for path in files if pattern.search(path.read_text())]


def test_layers_read_downwards(models: dict[str, Any]) -> None:
    rank = {"staging": 0, "intermediate": 1, "marts": 2}
    for model in models.values():
        parents = [name.split(".")[2] for name in model.depends_on.nodes if name.startswith("model.")]
        assert all(rank[layer(models[parent])] <= rank[layer(model)] for parent in parents), model.name
        if layer(model) == "staging":
            assert not parents, model.name


def test_descriptions_state_the_grain(models: dict[str, Any]) -> None:
    for model in models.values():
        grain = "One row per " if layer(model) == "staging" else "Grain: one row per "
        assert grain in model.description, model.name


def test_other_nodes_are_described(manifest: Any) -> None:
    nodes = [node for node in manifest.nodes.values() if node.resource_type in {"seed", "snapshot"}]
    nodes += [node for node in manifest.nodes.values() if node.resource_type == "test" and not is_generic(node)]
    nodes += [*manifest.sources.values(), *manifest.exposures.values(), *manifest.unit_tests.values()]
    nodes += [macro for macro in manifest.macros.values() if macro.package_name == "dbt_dental_models"
              and not macro.name.startswith("test_")]  # fmt: skip
    assert not [node.name for node in nodes if not node.description]


def test_every_model_has_a_tested_key(models: dict[str, Any], tests_by_model: dict[str, list[Any]]) -> None:
    for name in models:
        found = {generic(test) for test in tests_by_model[name]}
        unique = {column for test, column in found if test == "unique"}
        not_null = {column for test, column in found if test == "not_null"}
        assert unique & not_null or ("unique_together", None) in found, name


def test_marts_have_contracts_and_documented_columns(models: dict[str, Any]) -> None:
    for model in (model for model in models.values() if layer(model) == "marts"):
        assert model.contract.enforced, model.name
        assert [column.name for column in model.columns.values() if not column.description] == [], model.name
        assert all(column.data_type for column in model.columns.values()), model.name


def test_every_code_has_accepted_values(models: dict[str, Any], tests_by_model: dict[str, list[Any]]) -> None:
    for model in (model for model in models.values() if layer(model) == "staging"):
        sql = model.raw_code
        codes = set(re.findall(r" as (\w+_code|claim_type|tracking_type),", sql)) - {"procedure_code"}
        codes -= {"from_procedure_code", "to_procedure_code", "referral_status_code"}
        tested = {column for test, column in map(generic, tests_by_model[model.name]) if test == "accepted_values"}
        assert tested == codes, model.name


def test_seeds_list_exactly_the_accepted_values(
    project: Path, models: dict[str, Any], tests_by_model: dict[str, list[Any]]
) -> None:
    accepted: dict[str, set[str]] = {}
    for name in models:
        for test in tests_by_model[name]:
            if generic(test)[0] == "accepted_values":
                values = {str(value) for value in test.test_metadata.kwargs["values"]}
                accepted.setdefault(str(test.column_name), values)
                assert accepted[str(test.column_name)] == values, test.name
    for seed in sorted((project / "seeds").glob("*.csv")):
        with seed.open() as file:
            rows = list(csv.DictReader(file))
        column = next(iter(rows[0]))
        assert {row[column] for row in rows} == accepted[column], seed.name


def test_incremental_models_handle_late_rows_and_deletes(
    models: dict[str, Any], tests_by_model: dict[str, list[Any]]
) -> None:
    incremental = [model for model in models.values() if model.config.materialized == "incremental"]
    assert len(incremental) >= 6
    for model in incremental:
        assert model.config.unique_key, model.name
        assert model.config.on_schema_change == "append_new_columns", model.name
        assert "incremental_window(this)" in model.raw_code, model.name
        assert any("delete_vanished" in hook.sql for hook in model.config.post_hook), model.name
        assert "same_rows_as" in {generic(test)[0] for test in tests_by_model[model.name]}, model.name


def test_incremental_models_read_one_relation(models: dict[str, Any]) -> None:
    """A second input could change without the row being loaded again, and a full refresh would differ."""
    for model in models.values():
        if model.config.materialized == "incremental":
            assert len(model.depends_on.nodes) == 1, model.name


def test_money_is_reconciled(manifest: Any) -> None:
    assert {node.name for node in manifest.nodes.values() if node.resource_type == "test"} >= MONEY_TESTS


def test_columns_used_widely_share_their_text(project: Path, models: dict[str, Any]) -> None:
    texts = re.findall(r"{% docs (\w+) %}(.+?){% enddocs %}", (project / "models" / "_docs.md").read_text())
    shared = dict(texts)
    assert len(shared) == len(texts)
    for model in models.values():
        for column in model.columns.values():
            if column.name in shared and column.description:
                assert column.description == shared[column.name], f"{model.name}.{column.name}"


def test_no_packages_and_nothing_that_dbt_would_import(project: Path) -> None:
    assert not [name for name in ("packages.yml", "dependencies.yml", "__init__.py") if (project / name).exists()]
    assert not (project / "target").exists()
    assert not (project / "logs").exists()


def test_profile_template(project: Path) -> None:
    text = (project / "profiles.yml").read_text()
    outputs = yaml.safe_load(text)["dbt_dental_models"]["outputs"]
    assert {name: output["schema"] for name, output in outputs.items()} == {
        "local": "dbt_local",
        "demo": "dbt_demo",
        "clinic": "analytics_clinic",
        "prod": "analytics",
        "review": "dbt_review",
    }
    for output in outputs.values():
        assert "password" not in output  # dbt hides a missing variable under this name
        assert output["pass"] == "{{ env_var('WAREHOUSE_PASSWORD') }}"
        assert all("env_var(" in output[key] for key in ("host", "port", "dbname", "user", "threads", "sslmode"))
        assert output["keepalives_idle"] > 0
    assert "'require'" in outputs["prod"]["sslmode"]
    assert "'require'" in outputs["clinic"]["sslmode"]


def test_missing_password_is_named(dbt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAREHOUSE_PASSWORD")
    outcome = dbt.invoke("compile", "--select", "dim_dates")
    assert not outcome.success
    assert "WAREHOUSE_PASSWORD" in str(outcome.exception)
