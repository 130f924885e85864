"""What earlier runs of the same DAG run owe of microbatch models: batches that they were to build and did not.

An earlier try of the same task owes them, and so does another task of the DAG run: a model group's pod, where the model
is tried again alone.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Final

from podbt.contract.batches import Batches, Gap
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import DONE_STATUSES
from podbt.contract.layout import PARTIAL_SUFFIX
from podbt.contract.record import RunStart
from podbt.runner.dbt.arguments import TARGET, Arguments
from podbt.runner.dbt.microbatch import Owed
from podbt.runner.process.environment import MANUAL_DAG_ID
from podbt.store.beside import Beside, beside
from podbt.store.failures import store_errors
from podbt.store.gaps import read_gaps
from podbt.store.store import Store

# What decides which batches a run plans. Two that differ in it do different work.
_PLANS: Final = TARGET | frozenset(
    {"--vars", "--full-refresh", "-f", "--event-time-start", "--event-time-end", "--empty", "--sample"}
)
_SAME: Final = ("image", "revision", "plan_hash", "dbt_version")
_CUT_SHORT: Final = frozenset({None, ExitReason.LOST, ExitReason.INTERRUPTED})


class Debts:
    """Looks them up when a microbatch model's turn comes, which in most projects is never."""

    def __init__(self, store: Store, current: Callable[[], RunStart], *, own: str) -> None:
        """Reads nothing yet.

        Args:
            store: The artifact store.
            current: Says what this run is, as far as it is known by now.
            own: This run's folder.
        """
        self._store = store
        self._current = current
        self._own = own

    @cached_property
    def _earlier(self) -> list[Beside]:
        current = self._current()
        return [one for one in beside(self._store, current.identity, own=self._own) if _counts(one.start, current)]

    def gap(self, unique_id: str) -> Gap | None:
        """What any run on this target left of a model, and nobody has built since."""
        current = self._current()
        if current.target is None:
            return None
        try:
            found = read_gaps(self._store, current.target).models.get(unique_id)
        except store_errors():  # it is only told of
            return None
        return found if found and found.database == current.database else None

    def of(self, unique_id: str) -> Owed | None:
        """What is owed of a model: what the newest run that planned its batches left, and since when.

        Returns:
            None where nothing is known of it, or where it was built last.

        Raises:
            ArtifactError: The store cannot be read. Not to know would be a hole that nobody sees.
        """
        current, oldest, planned = self._current(), None, None
        if current.identity.dag_id == MANUAL_DAG_ID:  # each of a person's runs is one by itself
            return None
        batches = Batches()
        for one in self._earlier:
            node = one.node(unique_id)
            if node is None and not _was_to_build(one, current):
                continue
            if node is not None and node.status in DONE_STATUSES:
                break
            oldest = one
            if node is not None and node.batches is not None:
                planned, batches = one, node.batches
                break
        if oldest is None:
            return None
        known = planned or oldest
        return Owed(
            since=oldest.start.invocation_started_at or oldest.start.started_at,
            batches=batches,
            exact=_is_same(known.start, current),
            run=known.path.removesuffix(PARTIAL_SUFFIX),
        )


def _counts(earlier: RunStart, current: RunStart) -> bool:
    """Whether an earlier run wrote to the same place, and did the same work as far as it goes."""
    if earlier.target != current.target or earlier.database != current.database:
        return False
    if _is_try_of_same(earlier, current):
        return True
    beside_it = earlier.identity.task_id == current.identity.task_id  # another part of a mapped step
    return not beside_it and _plans(earlier) == _plans(current)


def _was_to_build(one: Beside, current: RunStart) -> bool:
    """Whether a run that says nothing of a model had it before it: it ended too early to say."""
    if _is_try_of_same(one.start, current):
        return one.reason is None or not one.reason.succeeded
    return current.identity.try_number > 1 and one.reason in _CUT_SHORT


def _is_same(earlier: RunStart, current: RunStart) -> bool:
    """Whether what an earlier run built is what this one would build."""
    if any(getattr(earlier, name) != getattr(current, name) for name in _SAME) or _plans(earlier) != _plans(current):
        return False
    # The hash of variables is keyed by the task instance.
    return not _is_try_of_same(earlier, current) or earlier.variables == current.variables


def _is_try_of_same(earlier: RunStart, current: RunStart) -> bool:
    names = ("task_id", "map_index")
    return all(getattr(earlier.identity, name) == getattr(current.identity, name) for name in names)


def _plans(start: RunStart) -> list[tuple[str, ...]]:
    return sorted(part.words for part in Arguments.parse(start.command).only(_PLANS).parts)
