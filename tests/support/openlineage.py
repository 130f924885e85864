"""Holds events to the classes of OpenLineage's own library, which are made of its specification."""

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import attr
from openlineage.client import generated
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState

_OWN = {"_producer", "_schemaURL", "_deleted"}


def _classes() -> Iterator[type]:
    modules = [
        importlib.import_module(f"{generated.__name__}.{one.name}") for one in pkgutil.iter_modules(generated.__path__)
    ]
    for module in [*modules, importlib.import_module("openlineage.common.provider.dbt.facets")]:
        yield from (one for one in vars(module).values() if isinstance(one, type) and attr.has(one))


CLASSES: dict[str, type] = {one.__name__: one for one in _classes()}


def check(event: dict[str, Any]) -> None:
    """Fails where an event is not what the specification says: a field is missing, unknown, or no such value."""
    run, job = event["run"], event["job"]
    RunEvent(
        eventType=RunState[event["eventType"]],
        eventTime=event["eventTime"],
        run=Run(run["runId"]),
        job=Job(job["namespace"], job["name"]),
        producer=event["producer"],
        inputs=[InputDataset(one["namespace"], one["name"]) for one in event["inputs"]],
        outputs=[OutputDataset(one["namespace"], one["name"]) for one in event["outputs"]],
    )
    assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
    datasets = [*event["inputs"], *event["outputs"]]
    for owner in (run, job, *datasets):
        for place in ("facets", "inputFacets", "outputFacets"):
            for facet in owner.get(place, {}).values():
                _check_facet(facet)


def _check_facet(facet: dict[str, Any]) -> None:
    name = facet["_schemaURL"].rpartition("/")[2]
    if name.endswith(".json"):  # dbt-run-run-facet.json is DbtRunRunFacet's
        name = "".join(word.capitalize() for word in name.removesuffix(".json").split("-"))
    if name in {"RunFacet", "JobFacet"}:  # Airflow's own facets have no schema: they may hold anything
        return
    fields = attr.fields_dict(CLASSES[name])
    wanted = {key for key, field in fields.items() if field.default is attr.NOTHING and field.init}
    given = set(facet) - _OWN
    assert wanted <= given <= set(fields), (name, wanted, given)
