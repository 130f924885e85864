"""Writes a made-up dbt project of a given size: `python bench/synth.py FOLDER [--models 75]`.

Three layers (staging, intermediate, marts) of equal size, each model reading two or three of the layer before and
carrying two tests. Every model waits 0.2 to 0.5 s in the database, as for a warehouse that is elsewhere, so that the
queries do not compete with Airflow for this machine's cores. Equal sizes give equal files.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

NAME: Final = "synth"
_LAYERS: Final = {"staging": "stg", "intermediate": "int", "marts": "mart"}
_SEED: Final = 7
_SECONDS: Final = (0.2, 0.5)


def write_project(folder: Path, *, models: int, profile: str = NAME) -> None:
    """Writes the project's files.

    Args:
        folder: Where; made if it is not there.
        models: How many models in all, a multiple of three.
        profile: The profile that dbt_project.yml asks for.

    Raises:
        ValueError: The number of models is not a positive multiple of three.
    """
    if models < len(_LAYERS) or models % len(_LAYERS):
        raise ValueError(f"--models is {models}. Give a positive multiple of {len(_LAYERS)}.")
    chance = random.Random(_SEED)
    each = models // len(_LAYERS)
    width = max(2, len(str(each - 1)))
    names = {layer: [f"{prefix}_{i:0{width}}" for i in range(each)] for layer, prefix in _LAYERS.items()}
    _write(folder / "dbt_project.yml", _project(profile))
    parents: list[str] = []
    for layer, models_of in names.items():
        for index, name in enumerate(models_of):
            wait = f"(select pg_sleep({chance.uniform(*_SECONDS):.2f})) as waited"
            sql = _joining(_refs(chance, parents, index), wait) if parents else _generating(wait)
            _write(folder / "models" / layer / f"{name}.sql", sql)
        _write(folder / "models" / layer / f"_{layer}__models.yml", _tests(models_of))
        parents = models_of


def _refs(chance: random.Random, parents: Sequence[str], index: int) -> list[str]:
    others = chance.sample(list(parents), min(chance.choice((1, 2)), len(parents)))
    return sorted({parents[index], *others})


def _project(profile: str) -> str:
    lines = [f"name: {NAME}", "config-version: 2", 'version: "0.1.0"', f"profile: {profile}", "flags:"]
    lines += ["  send_anonymous_usage_stats: false", "models:", f"  {NAME}:", "    +materialized: table"]
    return "\n".join([*lines, f"    +schema: {NAME}", ""])


def _generating(wait: str) -> str:
    rows = "generate_series(1, 200) as i, generate_series(1, 50) as k"
    return f"select i as id, sum(i * k) as amount\nfrom {rows}, {wait}\ngroup by i\n"


def _joining(refs: Sequence[str], wait: str) -> str:
    amounts = " + ".join(f"coalesce(p{i}.amount, 0)" for i in range(len(refs)))
    joins = "".join(f"left join {{{{ ref('{name}') }}}} as p{i} using (id)\n" for i, name in enumerate(refs) if i)
    return f"select p0.id, {amounts} as amount\nfrom {{{{ ref('{refs[0]}') }}}} as p0\n{joins}cross join {wait}\n"


def _tests(models: Sequence[str]) -> str:
    columns = "    columns:\n      - name: id\n        data_tests: [not_null, unique]\n"
    return "models:\n" + "".join(f"  - name: {name}\n{columns}" for name in models)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write a made-up dbt project.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=int, default=75, help="how many, a multiple of three (default: 75)")
    parser.add_argument("--profile", default=NAME, help=f"the profile it asks for (default: {NAME})")
    options = parser.parse_args(arguments)
    try:
        write_project(options.folder, models=options.models, profile=options.profile)
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
