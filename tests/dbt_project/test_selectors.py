"""selectors.yml, by dbt's own resolution."""

import itertools
import re
from typing import Any

import pytest
from tests.support.dental import SELECTORS, Dbt, short

NAMED_BY_THE_PLAN = {
    "daily_critical",
    "incremental_only",
    "insurance_workflow",
    "clinical_workflow",
    "financial_workflow",
    "staging_only",
    "intermediate_only",
    "marts_only",
    "system_a_fee_processing",
    "system_b_insurance",
    "system_c_appointments",
    "smoke_test",
    "production_critical",
    "daily_refresh",
    "reference_data",
}
NEEDS = {
    name: [] if "Needs first: nothing." in text else re.findall(r"\w+", text.rpartition("Needs first:")[2])
    for name, text in SELECTORS.items()
}


@pytest.fixture(scope="module")
def resolved(dbt: Dbt) -> dict[str, set[str]]:
    return {name: dbt.select("--selector", name) for name in SELECTORS}


@pytest.fixture(scope="module")
def everything(dbt: Dbt) -> set[str]:
    nodes = dbt.select("--resource-type", "all")
    return {node for node in nodes if not node.startswith(("source.", "exposure."))}


def models(nodes: set[str]) -> set[str]:
    return {node for node in nodes if node.startswith("model.")}


def built(nodes: set[str]) -> set[str]:
    return {node for node in nodes if node.startswith(("model.", "seed.", "snapshot."))}


def missing_parents(manifest: Any, nodes: set[str], available: set[str]) -> set[str]:
    """What the nodes read that is neither among them nor there already."""
    parents: set[str] = set()
    for unique_id in nodes:
        node = manifest.nodes.get(unique_id) or manifest.unit_tests.get(unique_id)
        # Exposures are no nodes, and a seed depends on macros alone.
        parents.update(getattr(node.depends_on, "nodes", []) if node else [])
    return {parent for parent in built(parents) if parent not in nodes | available}


def available_after(resolved: dict[str, set[str]], needs: list[str]) -> set[str]:
    nodes: set[str] = set()
    for need in needs:
        nodes |= resolved[need] | available_after(resolved, NEEDS[need])
    return nodes


def test_the_plans_selectors_are_there() -> None:
    assert set(SELECTORS) >= NAMED_BY_THE_PLAN


@pytest.mark.parametrize("name", SELECTORS)
def test_description_says_when_to_run_and_what_first(name: str) -> None:
    when, marker, needs = SELECTORS[name].rpartition("Needs first:")
    assert marker
    assert "run " in when
    assert needs.strip() == "nothing." or set(NEEDS[name]) <= set(SELECTORS)


@pytest.mark.parametrize("name", SELECTORS)
def test_selects_something(name: str, resolved: dict[str, set[str]]) -> None:
    assert models(resolved[name])


def test_layers_partition_the_models(resolved: dict[str, set[str]], everything: set[str]) -> None:
    layers = [models(resolved[name]) for name in ("staging_only", "intermediate_only", "marts_only")]
    assert set.union(*layers) == models(everything)
    assert sum(map(len, layers)) == len(models(everything))


def test_refresh_and_reference_cover_the_project(resolved: dict[str, set[str]], everything: set[str]) -> None:
    assert {node for node in resolved["daily_refresh"] | resolved["reference_data"] if node in everything} == everything


@pytest.mark.parametrize(
    "names",
    [
        ("insurance_workflow", "clinical_workflow", "financial_workflow"),
        ("system_a_fee_processing", "system_b_insurance", "system_c_appointments"),
    ],
    ids=["workflows", "systems"],
)
def test_side_by_side_selectors_build_nothing_twice(names: tuple[str, ...], resolved: dict[str, set[str]]) -> None:
    for one, other in itertools.combinations(names, 2):
        assert not built(resolved[one]) & built(resolved[other])


@pytest.mark.parametrize("name", SELECTORS)
def test_stated_needs_are_enough(name: str, manifest: Any, resolved: dict[str, set[str]]) -> None:
    """Everything that the nodes, their data tests and their unit tests read is in the selection or in what it needs."""
    available = available_after(resolved, NEEDS[name])
    assert not missing_parents(manifest, resolved[name], available)


@pytest.mark.parametrize("name", [name for name in SELECTORS if NEEDS[name]])
def test_stated_needs_are_needed(name: str, manifest: Any, resolved: dict[str, set[str]]) -> None:
    for left_out in NEEDS[name]:
        fewer: set[str] = set()
        for need in NEEDS[name]:
            fewer |= resolved[need] if need != left_out else set()
        assert missing_parents(manifest, resolved[name], fewer), f"{name} does not need {left_out}"


def test_incremental_only_is_all_and_only_incremental(manifest: Any, resolved: dict[str, set[str]]) -> None:
    incremental = {key for key, node in manifest.nodes.items() if node.config.materialized == "incremental"}
    assert models(resolved["incremental_only"]) == incremental


def test_critical_selectors_hold_what_they_promise(resolved: dict[str, set[str]]) -> None:
    morning = {"dim_patients", "fct_appointments", "mart_ar_summary", "mart_recalls_due", "mart_collection_worklist"}
    assert morning <= short(models(resolved["daily_critical"]))
    assert models(resolved["marts_only"]) <= models(resolved["production_critical"])


def test_smoke_test_is_small(resolved: dict[str, set[str]], everything: set[str]) -> None:
    assert len(resolved["smoke_test"]) < len(everything) / 5
