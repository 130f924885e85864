"""Takes part in microbatch models: keeps book of their batches, and builds those that an earlier run left.

dbt plans the batches of such a model anew in each run: from its `begin` where the table is not there, else the last
`lookback` ones up to now. A run after one that built some of them would never come back to the others, so dbt itself
has `dbt retry` for that, which passes them on. Here they come from the journals of the runs before
(docs/adr/0013).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from threading import Lock
from typing import Any, Final

from podbt.contract.batches import Batches, Gap, Span, without
from podbt.contract.record import shorten
from podbt.runner.dbt.causes import Causes
from podbt.runner.dbt.seams import Seam, Seams

_NAMED: Final = 10
_WORDS_CHARS: Final = 500
_TIME: Final = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, kw_only=True)
class Owed:
    """What an earlier run of the same work owes of a model.

    Attributes:
        since: When that run's dbt began; it planned the model's batches up to then.
        batches: What it built, and what it left; both empty where it never planned any.
        exact: Whether the model is still the same, so that what was built stays.
        run: The run's folder.
    """

    since: datetime | None
    batches: Batches
    exact: bool
    run: str


@dataclass
class _Model:
    """One model in this run."""

    batches: Batches
    total: int
    failed: dict[str, list[str]] = field(default_factory=dict)
    """Names of batches by what was said of them."""
    skipped: int = 0


class Microbatch:
    """The batches of this run's microbatch models, by unique_id."""

    def __init__(
        self,
        causes: Causes,
        *,
        owed: Callable[[str], Owed | None] = lambda _: None,
        gap: Callable[[str], Gap | None] = lambda _: None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Knows none yet.

        Args:
            causes: What is known of errors: of a batch's, dbt tells in a log line alone.
            owed: Says what an earlier run of the same work owes of a model.
            gap: Says what any run left of a model, and nobody has built since.
            say: Prints a line.
        """
        self._causes = causes
        self._owed = owed
        self._changed: Callable[[str, Batches], None] = lambda _id, _batches: None
        self._gap = gap
        self._say = say
        self._warn = say
        self._lock = Lock()
        self._models: dict[str, _Model] = {}
        self._continued: set[str] = set()

    def follow(self, changed: Callable[[str, Batches], None]) -> None:
        """Tells whenever batches of a model are planned, or one is built."""
        self._changed = changed

    def warn_by(self, warn: Callable[[str], None]) -> None:
        """What says that something is missing, and keeps it as a note of the run."""
        self._warn = warn

    def of(self, unique_id: str) -> Batches | None:
        """A model's batches; None of all else, and of one that has planned none."""
        with self._lock:
            model = self._models.get(unique_id)
            return model.batches if model else None

    def failure(self, unique_id: str) -> str | None:
        """Which of a model's batches failed, and why."""
        with self._lock:
            model = self._models.get(unique_id)
            if model is None or not model.failed:
                return None
            parts = [f"{_names(names)}: {words}" for words, names in model.failed.items()]
            failed = sum(map(len, model.failed.values()))
            skipped = f"; {model.skipped} were not tried, since the first one failed" if model.skipped else ""
            return f"{failed} of {model.total} batches failed: {'; '.join(parts)}{skipped}"

    def compiled(self, unique_id: str, path: str) -> str:
        """Where a model's compiled SQL lies: each batch has its own, and the first one that failed is the one to see.

        Args:
            unique_id: The model.
            path: Its own path, as dbt gives it.
        """
        with self._lock:
            model = self._models.get(unique_id)
            name = next((names[0] for names in model.failed.values()), None) if model else None
        file = PurePosixPath(path)
        return str(file.with_suffix("") / f"{file.stem}_{name}{file.suffix}") if name else path

    @property
    def seams(self) -> Seams:
        """Stands where dbt plans batches, and where one has ended."""
        return {
            Seam.BATCH_PLANNER: self._dating,
            Seam.BATCHES: self._planning,
            Seam.INCREMENTAL: self._adding,
            Seam.BATCH_ENDED: self._ending,
        }

    def _dating(self, make: Callable[..., Any]) -> Callable[..., Any]:
        def get_microbatch_builder(runner: Any, model: Any) -> Any:
            builder = make(runner, model)
            owed = self._owed_of(runner)
            if owed is not None and owed.since is not None:
                builder.default_end_time = owed.since
            return builder

        return get_microbatch_builder

    def _planning(self, plan: Callable[..., dict[int, Span]]) -> Callable[..., dict[int, Span]]:
        def get_batches(runner: Any, model: Any) -> dict[int, Span]:
            unique_id, owed = str(model.unique_id), self._owed_of(runner)
            left = _batches(owed.batches.left, model) if owed else []
            done = list[Span]()
            if owed is None or not left or not runner._has_relation(model):  # noqa: SLF001
                planned = list(plan(runner, model).values())
            elif owed.exact:
                planned, done = left, owed.batches.done
                if done:
                    self._continued.add(unique_id)
                    model.previous_batch_results = _earlier(done, left, model)
            else:
                starts = {batch[0]: batch for batch in [*left, *plan(runner, model).values()]}
                planned = [starts[start] for start in sorted(starts)]
            if owed and left:
                self._say(
                    f"{unique_id}: batches that {owed.run} left are built: {_names(_name(b, model) for b in left)}"
                )
            self._look_for_gaps(unique_id, planned, model)
            with self._lock:
                self._models[unique_id] = _Model(Batches.of(done, planned), len(planned))
            self._tell(unique_id)
            return dict(enumerate(planned))

        return get_batches

    def _look_for_gaps(self, unique_id: str, planned: Iterable[Span], model: Any) -> None:
        """Says what stays missing, since another DAG run's batches are not this one's."""
        gap = self._gap(unique_id)
        if gap is None:
            return
        left = gap.left
        for batch in planned:
            left = without(left, batch)
        if left:
            names = _names(_name(batch, model) for batch in _batches(left, model))
            window = f"--event-time-start {left[0][0]:{_TIME}} --event-time-end {left[-1][1]:{_TIME}}"
            self._warn(
                f"{unique_id}: batches that {gap.run} left are missing, and not among this run's: {names}. "
                f"Clear that run, or build them with {window}."
            )

    def _adding(self, ask: Callable[..., bool]) -> Callable[..., bool]:
        def is_incremental(runner: Any, model: Any) -> bool:
            # With --full-refresh the first batch would replace the table, and with it what is built already.
            return str(model.unique_id) in self._continued or ask(runner, model)

        return is_incremental

    def _ending(self, ended: Callable[..., None]) -> Callable[..., None]:
        def print_result_line(runner: Any, result: Any) -> None:
            self._ended(str(runner.node.unique_id), runner.batches[runner.batch_idx], runner.node, result)
            ended(runner, result)

        return print_result_line

    def _ended(self, unique_id: str, batch: Span, node: Any, result: Any) -> None:
        status, said = str(getattr(result.status, "value", result.status)), self._causes.last()
        with self._lock:
            model = self._models.get(unique_id)
            if model is None:
                return
            if status == "success":
                model.batches = model.batches.built(batch)
            elif status == "skipped":
                model.skipped += 1
            else:
                words = shorten(said or str(result.message), _WORDS_CHARS)
                model.failed.setdefault(words, []).append(_name(batch, node))
        self._tell(unique_id)

    def _tell(self, unique_id: str) -> None:
        batches = self.of(unique_id)
        if batches is not None:
            self._changed(unique_id, batches)

    def _owed_of(self, runner: Any) -> Owed | None:
        """Nothing where the run is not to build all rows: what it builds pays no debts."""
        asked = runner.config.args
        if getattr(asked, "EMPTY", False) or getattr(asked, "SAMPLE", None) is not None:
            return None
        return self._owed(str(runner.node.unique_id))


def invocation_started_at() -> datetime:
    """When dbt began, which microbatch models take for now."""
    from dbt_common.invocation import get_invocation_started_at  # noqa: PLC0415 - slow to import

    began: datetime = get_invocation_started_at()
    return began.replace(tzinfo=UTC)


def _batches(spans: Iterable[Span], model: Any) -> list[Span]:
    """Spans cut into batches of the model's size, which another image may have changed."""
    from dbt.materializations.incremental.microbatch import MicrobatchBuilder  # noqa: PLC0415 - as above

    size, batches = model.config.batch_size, list[Span]()
    for start, end in spans:
        at, last = MicrobatchBuilder.truncate_timestamp(start, size), MicrobatchBuilder.ceiling_timestamp(end, size)
        while at < last:
            following = MicrobatchBuilder.offset_timestamp(at, size, 1)
            batches.append((at, following))
            at = following
    return list(dict.fromkeys(batches))


def _earlier(done: Iterable[Span], left: list[Span], model: Any) -> Any:
    """As dbt keeps what an earlier run did, for run_results.json."""
    from dbt.artifacts.schemas.batch_results import BatchResults  # noqa: PLC0415 - as above

    return BatchResults(successful=_batches(done, model), failed=left)


def _name(batch: Span, model: Any) -> str:
    """As dbt names a batch: 2026-01-02."""
    from dbt.materializations.incremental.microbatch import MicrobatchBuilder  # noqa: PLC0415 - as above

    return str(MicrobatchBuilder.format_batch_start(batch[0], model.config.batch_size))


def _names(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more
