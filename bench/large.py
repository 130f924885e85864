"""Writes a made-up dbt project of the size and kind of a large public one: 4,922 nodes and 28 selectors.

Folders of domains in three layers, sources, seeds, snapshots, tests of all kinds, unit tests, groups, owners, texts, a
macro in most models, and a macro for schemas that looks at the target's name. Equal sizes give equal files.
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

NAME: Final = "large"
NODES: Final = 4922
SELECTORS: Final = 28
_SEED: Final = 11
_LAYERS: Final = {"staging": "stg", "intermediate": "int", "marts": "mart"}
_DOMAINS: Final = (
    "appointments", "billing", "claims", "clinical", "collections", "insurance", "inventory", "marketing", "patients",
    "providers", "recalls", "scheduling",
)  # fmt: skip
_COLUMNS: Final = ("id", "patient_id", "amount", "status", "created_at", "updated_at", "note", "is_active")
_WORDS: Final = (
    "One row a visit, as it was booked and as it took place, with what was planned and what was done. "
    "Read by the reports of the practice and by the models of the next layer; see the page of its domain."
)
_EACH: Final = 4  # tests of a model
_SEEDS: Final = 40
_SNAPSHOTS: Final = 24


def write_large(folder: Path, *, nodes: int = NODES, selectors: int = SELECTORS, profile: str = NAME) -> None:
    """Writes the project's files.

    Args:
        folder: Where; made if it is not there.
        nodes: How many nodes dbt finds: models, tests, seeds, snapshots, unit tests.
        selectors: How many selectors.
        profile: The profile that dbt_project.yml asks for.
    """
    chance = random.Random(_SEED)
    models, rest = divmod(nodes - _SEEDS - _SNAPSHOTS, _EACH + 1)
    _write(folder / "dbt_project.yml", yaml.safe_dump(_project(profile), sort_keys=False))
    _write(folder / "selectors.yml", yaml.safe_dump({"selectors": list(_selectors(selectors))}, sort_keys=False))
    _write(folder / "macros/schemas.sql", _SCHEMA_MACRO)
    _write(folder / "macros/money.sql", "{% macro money(column) %}round({{ column }} / 100.0, 2){% endmacro %}\n")
    for number in range(_SEEDS):
        _write(folder / f"seeds/code_list_{number:02}.csv", "code,name\n1,one\n2,two\n")
    domains = list(_DOMAINS)
    _write(folder / "models/groups.yml", yaml.safe_dump({"groups": [_group(one) for one in domains]}))
    _write(folder / "models/sources.yml", yaml.safe_dump({"sources": [_source(one) for one in domains]}))
    parents: list[str] = []
    described: dict[Path, list[dict[str, Any]]] = {}
    for number, (layer, domain, name) in enumerate(_models(models, domains)):
        place = folder / "models" / layer / domain
        _write(place / f"{name}.sql", _sql(chance, layer, domain, parents))
        extra = number < rest
        described.setdefault(place, []).append(_described(name, domain, parents, extra=extra))
        parents.append(name)
    for place, entries in described.items():
        for part in range(0, len(entries), 12):
            text = yaml.safe_dump({"models": entries[part : part + 12]}, sort_keys=False)
            _write(place / f"_{place.name}_{part // 12}__models.yml", text)
    for number in range(_SNAPSHOTS):
        _write(folder / f"snapshots/history_{number:02}.sql", _snapshot(parents[number], number))


def _models(count: int, domains: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Layer, domain and name of each model, the lowest layer first."""
    shares = {"staging": count // 2, "intermediate": count // 4}
    shares["marts"] = count - sum(shares.values())
    for layer, prefix in _LAYERS.items():
        for number in range(shares[layer]):
            domain = domains[number % len(domains)]
            yield layer, domain, f"{prefix}_{domain}__part_{number:03}_by_practice_and_day"


def _sql(chance: random.Random, layer: str, domain: str, parents: Sequence[str]) -> str:
    config = f"{{{{ config(materialized='{'view' if layer == 'staging' else 'table'}', group='{domain}') }}}}\n"
    if layer == "staging":
        table = f"table_{chance.randrange(30):02}"
        return (
            f"{config}select *, {{{{ money('amount') }}}} as dollars from {{{{ source('raw_{domain}', '{table}') }}}}\n"
        )
    reads = sorted(chance.sample(parents, min(len(parents), chance.choice((1, 2, 3)))))
    joins = "".join(f"left join {{{{ ref('{name}') }}}} as t{i} using (id)\n" for i, name in enumerate(reads) if i)
    columns = ", ".join(f"t0.{name}" for name in _COLUMNS)
    rows = "{% if is_incremental() %} where t0.updated_at > (select max(updated_at) from {{ this }}){% endif %}"
    loop = "{% for n in range(4) %}, {{ money('t0.amount') }} * {{ n }} as step_{{ n }}{% endfor %}"
    return f"{config}select {columns}{loop}\nfrom {{{{ ref('{reads[0]}') }}}} as t0\n{joins}{rows}\n"


def _described(name: str, domain: str, parents: Sequence[str], *, extra: bool) -> dict[str, Any]:
    """A model's texts and its tests, as many of them as each has."""
    tests: dict[str, list[Any]] = {
        "id": ["unique", "not_null"],
        "status": [{"accepted_values": {"arguments": {"values": ["planned", "done", "cancelled"]}}}],
        "note": ["not_null"],
    }
    if parents:
        tests["note"] = [{"relationships": {"arguments": {"to": f"ref('{parents[-1]}')", "field": "id"}}}]
    if extra:
        tests["amount"] = ["not_null"]
    columns = [
        {"name": one, "description": f"{one.replace('_', ' ')} of the visit.", "data_type": "text"} for one in _COLUMNS
    ]
    for column in columns:
        if found := tests.get(column["name"]):
            column["data_tests"] = found  # type: ignore[assignment]  # of a list beside texts
    tags = [domain, "daily" if len(parents) % 3 else "weekly"]
    config = {"tags": tags, "meta": {"owner": f"{domain}-desk", "contains": ["dates", "amounts"]}}
    return {"name": name, "description": f"{name}. {_WORDS}", "config": config, "columns": columns}


def _snapshot(parent: str, number: int) -> str:
    config = "{{ config(strategy='timestamp', unique_key='id', updated_at='updated_at') }}"
    body = f"{config} select * from {{{{ ref('{parent}') }}}}"
    return f"{{% snapshot history_{number:02} %}}{body}{{% endsnapshot %}}\n"


def _group(domain: str) -> dict[str, Any]:
    return {"name": domain, "owner": {"name": f"{domain}-desk", "email": f"{domain}@example.com"}}


def _source(domain: str) -> dict[str, Any]:
    columns = [{"name": one, "description": one.replace("_", " ")} for one in _COLUMNS]
    tables = [{"name": f"table_{i:02}", "description": "As it comes.", "columns": columns} for i in range(30)]
    return {"name": f"raw_{domain}", "schema": f"raw_{domain}", "tables": tables}


def _selectors(count: int) -> Iterator[dict[str, Any]]:
    """What selectors of such a project are made of: tags, paths, resource types, their unions and exclusions."""
    for number in range(count):
        domain, layer = _DOMAINS[number % len(_DOMAINS)], list(_LAYERS)[number % len(_LAYERS)]
        by_tag = {"method": "tag", "value": domain, "parents": number % 2 == 0}
        by_path = {"method": "path", "value": f"models/{layer}", "indirect_selection": "buildable"}
        kinds: list[Any] = [
            by_tag,
            by_path,
            {"union": [by_tag, {"method": "tag", "value": "daily"}, {"exclude": [by_path]}]},
            {"intersection": [by_path, {"method": "tag", "value": "weekly", "children": True}]},
            {"union": [{"method": "resource_type", "value": "seed"}, {"method": "group", "value": domain}]},
        ]
        yield {"name": f"selector_{number:02}", "description": _WORDS, "definition": kinds[number % len(kinds)]}


def _project(profile: str) -> dict[str, Any]:
    layers = {layer: {"+schema": layer, "+tags": [layer]} for layer in _LAYERS}
    return {
        "name": NAME,
        "config-version": 2,
        "version": "1.0",
        "profile": profile,
        "flags": {"send_anonymous_usage_stats": False},
        "models": {NAME: layers},
    }


_SCHEMA_MACRO: Final = """{% macro generate_schema_name(custom_schema_name, node) %}
{%- if target.name == 'prod' and custom_schema_name -%}
{{ custom_schema_name | trim }}
{%- else -%}
{{ target.schema }}
{%- endif -%}
{% endmacro %}
"""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
