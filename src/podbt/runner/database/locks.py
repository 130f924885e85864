"""One writer for each table: before its first node a run waits for every other run that writes one of its tables.

dbt itself says which nodes it is about to run, so the locks are exact: for select, selector, state and a resumed try
alike. How a lock is taken is the adapter's matter; an adapter without an entry in `_ADAPTERS` takes none.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from podbt.contract.kinds import BUILT, EPHEMERAL
from podbt.contract.record import RunIdentity
from podbt.runner.database.lock import Lock, Session, locks_of
from podbt.runner.database.lock_watch import LockWatch
from podbt.runner.dbt.seams import Seam, Seams
from podbt.runner.process.interrupts import Interrupts

_AGAIN_SECONDS: Final = 300.0


class TableLocks:
    """The locks of one run.

    Attributes:
        refused: Why the run gave up waiting, or was stopped; None where neither is so.
        stopped: Whether it was stopped, since another run took locks that the server had dropped.
    """

    def __init__(
        self, identity: RunIdentity, *, enabled: bool, timeout_seconds: int, interrupts: Interrupts,
        say: Callable[[str], None], warn: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Takes nothing, yet.

        Args:
            identity: Whose locks.
            enabled: Whether to take any.
            timeout_seconds: How long to wait for them.
            interrupts: Stops the run, and tells whether it was told to stop, which ends the session that holds the
                locks with all others.
            say: Prints a line.
            warn: Prints a line that is to be remembered.
        """
        self._identity = identity
        self._enabled = enabled
        self._timeout = timeout_seconds
        self._interrupts = interrupts
        self._say = say
        self._warn = warn
        self._session: Session | None = None
        self._watch: LockWatch | None = None
        self.refused: str | None = None
        self.stopped = False

    @property
    def seams(self) -> Seams:
        """Takes the locks before dbt's first node."""
        return {Seam.EXECUTE: self._before_nodes} if self._enabled else {}

    def _before_nodes(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        def execute_with_hooks(task: Any, selected_uids: Any) -> Any:
            self._take(task, frozenset(selected_uids))
            return execute(task, selected_uids)

        return execute_with_hooks

    @contextmanager
    def held(self) -> Iterator[None]:
        """What dbt takes while this lasts is free again afterwards."""
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        if self._watch is not None:
            watch, self._watch = self._watch, None
            if not watch.end() and watch.taken is None:
                self._warn("the connection that held the locks was lost: another run may have written these tables")
        elif self._session is not None:
            self._session.close()
        self._session = None

    def _take(self, task: Any, selected: frozenset[str]) -> None:
        from dbt.adapters.factory import get_adapter  # noqa: PLC0415 - slow, and dbt's import is timed by `invoke`
        from dbt_common.exceptions import DbtRuntimeError  # noqa: PLC0415

        adapter = get_adapter(task.config)
        connect = _ADAPTERS.get(adapter.type())
        locks = locks_of(_written(task.manifest, selected))
        if connect is None or not locks:
            return
        self._release()  # of an invocation before this one, which is over
        self._session = session = connect(adapter, self._identity, locks)
        began, said, said_at = time.monotonic(), "", 0.0
        while (holder := session.attempt()) is not None:
            waited = time.monotonic() - began
            if waited >= self._timeout:
                self.refused = (
                    f"Waited {waited:.0f} s for {holder} and gave up. "
                    "Run it later, or raise queue_timeout_seconds in the settings."
                )
                raise DbtRuntimeError(self.refused)  # dbt prints no stack trace for one of its own
            if holder != said or waited - said_at >= _AGAIN_SECONDS:
                self._say(f"waits for {holder}")
                said, said_at = holder, waited
            time.sleep(random.uniform(0.5, 1.0))  # noqa: S311 - so that two who wait do not ask in step
        if said:
            self._say(f"goes on after waiting {time.monotonic() - began:.0f} s")
        self._watch = LockWatch(
            session,
            reopen=lambda: connect(adapter, self._identity, locks),
            warn=self._warn,
            stop=self._lose,
            stopping=self._interrupts.is_requested,
        )

    def _lose(self) -> None:
        """Another run has a lock of this one's."""
        holder = self._watch.taken if self._watch else None
        self.stopped = True
        self.refused = (
            f"The database dropped this run's locks, and {holder or 'another run'} was quicker to take them: stopped, "
            "so that no table has two writers. A retry waits for that run and then goes on."
        )
        self._interrupts.request()


def _written(manifest: Any, selected: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    for unique_id in selected:
        node = manifest.nodes.get(unique_id) or getattr(manifest, "functions", {}).get(unique_id)
        if node is None or str(node.resource_type) not in BUILT or node.config.materialized == EPHEMERAL:
            continue
        yield str(node.database or ""), str(node.schema), str(node.alias or node.name)


def _postgres(adapter: Any, identity: RunIdentity, locks: list[Lock]) -> Session:
    from podbt.runner.database.postgres import PostgresSession  # noqa: PLC0415 - another adapter's image has no psycopg2

    return PostgresSession.open(adapter, identity, locks)


_ADAPTERS: Final[dict[str, Callable[[Any, RunIdentity, list[Lock]], Session]]] = {"postgres": _postgres}
