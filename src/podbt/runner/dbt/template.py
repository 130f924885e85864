"""The parse of the image build, made to fit the connection that a pod has.

dbt discards a saved parse when any fact of the connection is another one (host, port, user, database, schema, target),
since a project may look at each of them. Most look at none but the schema and the database, and put those into relation
names as they are. So the build watches what the project looks at, parses with placeholders for these two, and the pod
puts in its own (docs/adr/0005). What belongs to one run alone is marked, so that dbt parses it anew.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from podbt import constants
from podbt.errors import ConfigError
from podbt.runner.dbt.seams import Seam, Seams
from podbt.runner.dbt.watch import DATABASE, SCHEMA

_TEMPLATE: Final = "podbt"
"""Stands where dbt keeps the hash of the connection: no hash looks like it, so dbt alone never takes the file."""

_HELD_BY: Final = frozenset(
    {
        "disabled", "exposures", "functions", "metrics", "nodes", "saved_queries", "semantic_models", "sources",
        "unit_tests",
    }
)  # fmt: skip
_IDENTITY: Final = frozenset(
    {"depends_on", "fqn", "name", "refs", "source_name", "sources", "test_metadata", "unique_id"}
)
"""What of a node others refer to, or what its own unique_id is made of."""

_KEY: Final = "<key>"
_EVERYWHERE: Final = frozenset({"type"})
"""What is the same for all targets: an image has one adapter."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What must be equal in a pod for a saved parse to be valid there.

    Attributes:
        target: Facts of the connection that the project looks at, and their values.
        variables: dbt's --vars.
        env: What project files read of the environment; None where the default counts.
        places: Where a pod replaces placeholders: a collection of the manifest, and keys in each of its nodes.
    """

    target: Mapping[str, Any]
    variables: Mapping[str, Any]
    env: Mapping[str, str | None]
    places: Sequence[Sequence[str]] = ()

    @property
    def of_one_target(self) -> bool:
        """Whether it may not hold for another target."""
        return not _EVERYWHERE.issuperset(self.target)

    @property
    def never(self) -> bool:
        """Whether no connection can meet it, since the project looks into the name of the schema."""
        return self.target.get("schema") == SCHEMA

    def to_json(self) -> str:
        content = {"target": self.target, "vars": self.variables, "env": self.env, "places": self.places}
        return json.dumps(content, sort_keys=True, default=str)

    @classmethod
    def parse_json(cls, text: str) -> "Conditions":
        data = json.loads(text)
        return cls(target=data["target"], variables=data["vars"], env=data["env"], places=data["places"])

    def unmet(self, facts: Mapping[str, Any], variables: Mapping[str, Any], env: Mapping[str, str]) -> list[str]:
        """What is another one, in words that show no value."""
        found = [f"target.{key}" for key, value in self.target.items() if not _same(value, facts.get(key))]
        found += ["--vars"] if not _same(self.variables, variables) else []
        return [*found, *(f"env_var('{name}')" for name, value in self.env.items() if env.get(name) != value)]


def places_of(data: Mapping[str, Any]) -> list[tuple[str, ...]] | None:
    """Where placeholders are; None where one is in what a pod cannot replace.

    Args:
        data: The manifest as dbt serializes it.

    Returns:
        Such as ("nodes", "config", "schema"), for any of the nodes.
    """

    def places(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if isinstance(value, dict):
            for key, item in value.items():
                if _holds_one(key):
                    yield (*path, str(key), _KEY)
                yield from places(item, (*path, str(key)))
        elif isinstance(value, list | tuple):
            for item in value:
                yield from places(item, path)
        elif _holds_one(value):
            yield path

    found = set(places(data, ()))
    if any(path[0] not in _HELD_BY or _KEY in path or path[2] in _IDENTITY for path in found):
        return None
    return sorted({(collection, *keys) for collection, _, *keys in found})


def _holds_one(value: Any) -> bool:
    return isinstance(value, str) and (str.__contains__(value, SCHEMA) or str.__contains__(value, DATABASE))


def save(data: dict[str, Any], destination: Path, conditions: Conditions) -> None:
    """Writes what dbt would keep in partial_parse.msgpack as a template.

    Args:
        data: The manifest as dbt serializes it; it is changed.
        destination: The file.
        conditions: What it depends on.

    Raises:
        ConfigError: The project has a number that dbt cannot keep; each run of dbt would fail at it, too.
    """
    from dbt.parser.manifest import extended_mashumaro_encoder  # noqa: PLC0415 - slow to import

    data["state_check"]["profile_hash"] |= {"name": _TEMPLATE, "checksum": conditions.to_json()}
    try:
        packed = extended_mashumaro_encoder(data)
    except OverflowError as error:
        raise ConfigError(
            f"dbt cannot keep a number of more than 64 bits ({error}): write it as a text, in quotes, where a meta, "
            "a config or a var has one."
        ) from None
    destination.write_bytes(packed)


def fitting(baked: Path | None) -> Seams:
    """Lets dbt take the template that `save` made, with the connection's schema and database in it.

    Each time that it reads a saved parse: what an earlier command of this process left has that command's moment in it.

    Args:
        baked: The folder of templates; None outside an image.
    """

    def reading(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda loader: (_read(loader, baked) if baked is not None else None) or read(loader)

    return {Seam.READ_PARSE: reading}


def _read(loader: Any, baked: Path) -> Any:
    """Dbt's manifest out of the template for this target; None where none fits, which is said."""
    from dbt.flags import get_flags  # noqa: PLC0415 - as above

    flags, config = get_flags(), loader.root_project
    if not flags.PARTIAL_PARSE or flags.PARTIAL_PARSE_FILE_PATH:
        return None
    file = baked_file(baked, config.target_name)
    if file is None:
        names = ", ".join(baked_targets(baked)) or "none"
        return _none(loader, f"none is for target '{config.target_name}' (there is {names})")
    data = _unpacked(file)
    conditions = Conditions.parse_json(data["state_check"]["profile_hash"]["checksum"])
    if unmet := conditions.unmet(config.to_target_dict(), config.cli_vars, os.environ):
        return _none(loader, f"{', '.join(unmet)} had another value when it was made")
    return _manifest(loader, data, conditions)


def _none(loader: Any, why: str) -> None:
    left = Path(loader.root_project.project_target_path) / constants.PARTIAL_PARSE_FILE
    if not left.exists():  # else an earlier command of this process has parsed, and said so
        text = f"podbt: The image's saved parse does not fit: {why}. dbt parses the whole project."
        print(text, file=sys.stderr, flush=True)


def _unpacked(file: Path) -> dict[str, Any]:
    from dbt.parser.manifest import extended_mashumuro_decoder  # noqa: PLC0415 - slow to import

    return dict(extended_mashumuro_decoder(file.read_bytes()))


def _manifest(loader: Any, data: dict[str, Any], conditions: Conditions) -> Any:
    """The manifest as dbt reads it from a file of its own."""
    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415 - as above
    from dbt_common.events.functions import get_invocation_id  # noqa: PLC0415

    credentials = loader.root_project.credentials
    _fill(data, conditions.places, credentials.schema, credentials.database)
    saved = Manifest.from_msgpack(b"", decoder=lambda _: data)
    # What these two cover, the template's conditions have covered.
    saved.state_check.profile_hash = loader.manifest.state_check.profile_hash
    saved.state_check.vars_hash = loader.manifest.state_check.vars_hash
    valid, _ = loader.is_partial_parsable(saved)
    if not valid:
        return _none(loader, "see dbt's own reason above")
    for moment in ("generated_at", "invocation_started_at", "run_started_at"):  # the last two since dbt 1.10
        if hasattr(saved.metadata, moment):
            setattr(saved.metadata, moment, getattr(loader.manifest.metadata, moment))
    saved.metadata.invocation_id = get_invocation_id()
    return saved


def _same(baked: Any, fact: Any) -> bool:
    return bool(baked == json.loads(json.dumps(fact, default=str)))


def _fill(data: Mapping[str, Any], places: Iterable[Sequence[str]], schema: str, database: str) -> None:
    def filled(value: Any, keys: Sequence[str]) -> Any:
        if isinstance(value, list):
            return [filled(item, keys) for item in value]
        if isinstance(value, dict) and keys:
            if keys[0] in value:
                value[keys[0]] = filled(value[keys[0]], keys[1:])
        elif isinstance(value, str) and not keys:
            return value.replace(SCHEMA, schema).replace(DATABASE, database)
        return value

    for collection, *keys in places:
        for held in data.get(collection, {}).values():
            filled(held, keys)


def file_name(target: str | None = None) -> str:
    """The template's for a target; without one, that of the template for all."""
    stem = Path(constants.PARTIAL_PARSE_FILE)
    return stem.name if target is None else f"{stem.stem}.{quote(target, safe='')}{stem.suffix}"


def baked_file(baked: Path, target: str) -> Path | None:
    """The template for a target: the one for all, else its own."""
    names = (file_name(), file_name(target))
    return next((baked / name for name in names if (baked / name).is_file()), None)


def baked_targets(baked: Path) -> list[str]:
    """The targets that have a template of their own."""
    before, after = file_name("*").split("%2A")
    return sorted(unquote(file.name[len(before) : -len(after)]) for file in baked.glob(f"{before}*{after}"))
