"""Watches what of the connection a project looks at while dbt parses it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from podbt.runner.dbt.seams import Seam, Seams

SCHEMA: Final = "podbt_placeholder_schema"
DATABASE: Final = "podbt_placeholder_database"

_TEXTUAL: Final = {"schema": SCHEMA, "database": DATABASE, "dbname": DATABASE}
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

    def __bool__(self) -> bool:
        """Of no interest: every connection has a schema and a database. Otherwise Python would ask for the length."""
        return True


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
