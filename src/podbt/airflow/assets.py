"""Asset events: one for each model that was built, so that a downstream DAG can be scheduled on a mart."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from airflow.sdk import Asset, AssetAlias

from podbt.airflow import api
from podbt.airflow.links import enabled, run_page
from podbt.contract.kinds import TABLES

ALIAS: Final = "dbt"
"""All events come through this alias, so that a task need not name its models when the DAG is parsed."""

_CLOCKS_SECONDS: Final = 300
"""How far a pod's clock may be ahead of Airflow's."""


def dbt_asset(project: str, name: str, *, target: str) -> Asset:
    """The asset of a model, seed or snapshot on one target.

    Args:
        project: dbt's project name.
        name: The node's name, with its version where it has one ("dim_patients.v2").
        target: dbt's target: a build for development is no news for those who read production.
    """
    uri = f"dbt://{project}/{target}/{name}"
    return Asset(name=uri, uri=uri)


def asset_of(unique_id: str, target: str) -> Asset | None:
    """The asset of a node, or None where it is of a kind that has none."""
    kind, project, name = unique_id.split(".", 2)
    return dbt_asset(project, name, target=target) if kind in TABLES else None


def emit(context: Mapping[str, Any], results: Iterable[Mapping[str, Any]]) -> int:
    """Adds one event a built node to the task's alias.

    Args:
        context: Of the task, which has `AssetAlias(ALIAS)` as an outlet.
        results: unique_id and target, and where known rows, seconds, at, tests, artifacts.

    Returns:
        How many.
    """
    ti = context["ti"]
    link = f"{api.base_url()}/dags/{ti.dag_id}/runs/{ti.run_id}"
    count = 0
    for result in results:
        asset = asset_of(result["unique_id"], result["target"])
        if asset is None:
            continue
        known = {key: result[key] for key in ("rows", "seconds", "at", "tests", "artifacts", "pod") if key in result}
        extra = {"unique_id": result["unique_id"], **known, "dag_id": ti.dag_id, "run_id": ti.run_id, "run": link}
        if "artifacts" in result and api.base_url() and enabled():
            extra["page"] = run_page(api.base_url(), result["artifacts"], node=result["unique_id"])
        context["outlet_events"][AssetAlias(ALIAS)].add(asset, extra=extra)
        count += 1
    return count


def told(ti: Any, results: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
    """What of these builds Airflow's asset events of this run tell already.

    Airflow takes in a task's events only when it has succeeded, so no note of the task's own could say.

    Args:
        ti: The task instance that told them, in an earlier try.
        results: As for `emit`.

    Returns:
        unique_ids, each with the pod that built it.
    """
    built_at = [datetime.fromisoformat(result["at"]) for result in results if "at" in result]
    if not built_at:
        return frozenset()
    since = min(built_at) - timedelta(seconds=_CLOCKS_SECONDS)
    ours = [
        event.extra or {}
        for event in api.asset_events(ALIAS, after=since)
        if (event.source_dag_id, event.source_run_id, event.source_task_id) == (ti.dag_id, ti.run_id, ti.task_id)
    ]
    return frozenset((extra["unique_id"], extra["pod"]) for extra in ours if "pod" in extra)
