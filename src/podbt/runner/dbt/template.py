"""The parse of the image build, made to fit the connection that a pod has.

dbt discards a saved parse when any fact of the connection is another one (host, port, user, database, schema, target),
since a project may look at each of them. Most look at none but the schema and the database, and put those into relation
names as they are. So the build watches what the project looks at, parses with placeholders for these two, and the pod
puts in its own (docs/adr/0005).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgpack

from podbt import constants
from podbt.runner.dbt.seams import Seam, Seams

SCHEMA: Final = "podbt_placeholder_schema"
DATABASE: Final = "podbt_placeholder_database"
_TEMPLATE: Final = "podbt"
"""Stands where dbt keeps the hash of the connection: no hash looks like it, so dbt alone never takes the file."""

_TEXTUAL: Final = {"schema": SCHEMA, "database": DATABASE, "dbname": DATABASE}
_HELD_BY: Final = frozenset({"nodes", "sources", "unit_tests", "functions", "disabled"})
_ATTRIBUTES: Final = ("schema", "database", "relation_name")
_LOOKS_INTO: Final = (
    "__contains__", "__eq__", "__ge__", "__getitem__", "__gt__", "__iter__", "__le__", "__len__", "__lt__", "__mod__",
    "__mul__", "__ne__", "capitalize", "casefold", "count", "endswith", "find", "index", "isalpha", "isdigit",
    "islower", "isupper", "lower", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rpartition",
    "rsplit", "split", "startswith", "swapcase", "title", "translate", "upper",
)  # fmt: skip


class _Watched(str):  # noqa: SLOT000 - it carries the watch
    """A text that notices when its value matters, other than for being put somewhere as it is."""

    watch: "Watch"
    __hash__ = str.__hash__


def _looked_into(name: str) -> Any:
    def method(self: Any, *arguments: Any, **keywords: Any) -> Any:
        self.watch.inspected = True
        return getattr(str, name)(self, *arguments, **keywords)

    return method


for _name in _LOOKS_INTO:
    setattr(_Watched, _name, _looked_into(_name))


class Watch:
    """Which facts of the connection a project looks at while dbt parses it."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}
        self.inspected = False
        self._paused = False

    @property
    def seams(self) -> Seams:
        """Gives dbt the placeholders and watches."""
        return {Seam.PROFILE: _with_placeholders, Seam.TARGET: self._watched, Seam.QUERY_COMMENT: self._unwatched}

    def _watched(self, facts: Callable[[Any], Mapping[str, Any]]) -> Callable[[Any], "_Target"]:
        def to_target_dict(profile: Any) -> "_Target":
            target = _Target(facts(profile))
            target.watch = self
            return target

        return to_target_dict

    def _unwatched(self, comment: Callable[..., None]) -> Callable[..., None]:
        """It names the profile and the target in each query, anew in each run, and is no part of the parse."""

        def set_comment(setter: Any, *arguments: Any) -> None:
            self._paused = True
            try:
                comment(setter, *arguments)
            finally:
                self._paused = False

        return set_comment

    def see(self, key: Any, value: Any) -> Any:
        """Takes note of a look at one fact, and returns it."""
        if self._paused:
            return value
        if key not in _TEXTUAL:
            self.seen[str(key)] = value
            return value
        if not isinstance(value, str):
            return value
        watched = _Watched(value)
        watched.watch = self
        return watched

    def see_all(self, facts: Iterable[tuple[str, Any]]) -> None:
        if not self._paused:
            self.inspected = True
            self.seen.update(facts)

    def depends_on(self) -> dict[str, Any]:
        """What must be equal for the parse to be valid: facts and their values."""
        return {**self.seen, **({"schema": SCHEMA} if self.inspected else {})}


def _with_placeholders(make: Callable[..., Any]) -> Callable[..., Any]:
    def from_credentials(credentials: Any, *arguments: Any, **keywords: Any) -> Any:
        credentials.schema, credentials.database = SCHEMA, DATABASE
        return make(credentials, *arguments, **keywords)

    return from_credentials


class _Target(dict[str, Any]):
    """The `target` of a project's templates."""

    watch: Watch

    def __getitem__(self, key: Any) -> Any:
        return self.watch.see(key, super().__getitem__(key))

    def get(self, key: Any, default: Any = None) -> Any:
        return self.watch.see(key, super().get(key, default))

    def _all(self) -> None:
        """Whoever walks through it may look at anything."""
        self.watch.see_all(super().items())

    def items(self) -> Any:
        self._all()
        return super().items()

    def values(self) -> Any:
        self._all()
        return super().values()

    def __iter__(self) -> Iterator[str]:
        self._all()
        return super().__iter__()


def save(source: Path, destination: Path, watch: Watch) -> bool:
    """Turns dbt's partial_parse.msgpack into a template.

    Returns:
        Whether it fits any connection; otherwise it fits those that agree in what the project looks at.
    """
    data = msgpack.unpackb(source.read_bytes())
    depends = watch.depends_on()
    if not _is_template(data):
        depends["schema"] = SCHEMA
    data["state_check"]["profile_hash"]["name"] = _TEMPLATE
    data["state_check"]["profile_hash"]["checksum"] = json.dumps(depends, sort_keys=True, default=str)
    destination.write_bytes(msgpack.packb(data))
    return not depends


def _is_template(data: Mapping[str, Any]) -> bool:
    """Whether placeholders are only where `_fill` replaces them."""

    def places(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from places(item, (*path, str(key)))
        elif isinstance(value, list):
            for item in value:
                yield from places(item, path)
        elif isinstance(value, str) and (SCHEMA in value or DATABASE in value):
            yield path

    return all(
        len(path) == len(("nodes", "model.x", "schema")) and path[0] in _HELD_BY and path[2] in _ATTRIBUTES
        for path in places(data, ())
    )


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The connection as a pod's profile gives it."""

    target: Mapping[str, Any]
    schema: str
    database: str


def _fits(check: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def is_partial_parsable(loader: Any, saved: Any) -> Any:
        state, config = saved.state_check, loader.root_project
        if state.profile_hash.name == _TEMPLATE:
            credentials = config.credentials
            facts = Facts(target=config.to_target_dict(), schema=credentials.schema, database=credentials.database)
            depends = json.loads(state.profile_hash.checksum)
            if all(_same(value, facts.target.get(key)) for key, value in depends.items()):
                _fill(saved, facts)
                state.profile_hash = loader.manifest.state_check.profile_hash
                if not config.cli_vars:
                    # It covers the target's name as well, which the project does not look at or which is the same.
                    state.vars_hash = loader.manifest.state_check.vars_hash
        return check(loader, saved)

    return is_partial_parsable


FITTING: Final[Seams] = {Seam.SAVED_PARSE: _fits}
"""Lets dbt take the template that `save` made, with the connection's schema and database in it."""


def _same(baked: Any, fact: Any) -> bool:
    return bool(baked == json.loads(json.dumps(fact, default=str)))


def _fill(saved: Any, facts: Facts) -> None:
    for collection in _HELD_BY:
        for held in getattr(saved, collection).values():
            for node in held if isinstance(held, list) else [held]:
                for attribute in _ATTRIBUTES:
                    text = getattr(node, attribute, None)
                    if isinstance(text, str) and "podbt_placeholder_" in text:
                        filled = text.replace(SCHEMA, facts.schema).replace(DATABASE, facts.database)
                        setattr(node, attribute, filled)


def baked_file(baked: Path, target: str | None) -> Path | None:
    """The template for a target: its own where the project looks at the target's name, else the one for all."""
    stem = Path(constants.PARTIAL_PARSE_FILE)
    names = ([f"{stem.stem}.{target}{stem.suffix}"] if target else []) + [stem.name]
    return next((baked / name for name in names if (baked / name).is_file()), None)
