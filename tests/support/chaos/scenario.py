"""One scenario: a build is held half way, something happens to it, and the next try has to mend it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from tests.support.chaos import tables
from tests.support.chaos.report import Report, Row
from tests.support.e2e import kube, store, warehouse
from tests.support.e2e.nightly import ENDED, LOCKED_TABLE, Night
from tests.support.e2e.shell import attempt, wait_until

from podbt import constants
from podbt.contract import layout
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import DONE_STATUSES
from podbt.contract.runs import Run

_NODES_FIRST = 40
_TRY_ENDED = {"up_for_retry", *ENDED}


@dataclass(frozen=True)
class Seen:
    """What was there when the disturbed try had ended, and after the next."""

    state: str
    log: str
    run: Run
    """The disturbed try's record, as the store holds it in the end."""
    queries_left: int
    next_run: Run
    next_log: str
    differing: list[str]

    @property
    def ran_again(self) -> set[str]:
        """What the next try ran, rather than took over."""
        return {node.unique_id for node in self.next_run.nodes if node.from_try is None}

    @property
    def done_before(self) -> set[str]:
        """What the disturbed try had ended well."""
        return {node.unique_id for node in self.run.nodes if node.status in DONE_STATUSES}


@dataclass
class Chaos:
    """Runs scenarios on one DAG run, each on tries of its own."""

    night: Night
    report: Report
    expected: dict[str, str]
    """The tables that an undisturbed build leaves."""
    prefix: str
    _rows: list[Row] = field(default_factory=list)

    def play(
        self,
        name: str,
        disturb: Callable[[str], None],
        *,
        around: AbstractContextManager[object] | None = None,
        release: bool = False,
        between: Callable[[], None] = lambda: None,
    ) -> Seen:
        """Holds a build, disturbs it, lets the next try run, and compares.

        Args:
            name: The fault, as the table calls it.
            disturb: Does it to the pod of this name.
            around: Holds from before the disturbed try until it has ended.
            release: Whether the build goes on once it is disturbed; else the fault itself has to end it.
            between: What has to happen before the next try.
        """
        night = self.night
        night.wait_alone()
        with around or nullcontext(), warehouse.locked(LOCKED_TABLE) as unlock:
            number = night.begin_build()
            pod = wait_until("the build's pod is there", lambda: night.pods(number))[0]["metadata"]["name"]
            wait_until("half of it is built", lambda: self._journal_length(number) >= _NODES_FIRST, seconds=600)
            wait_until("dbt waits for the locked table", warehouse.dbt_waits)
            disturb(pod)
            if release:
                unlock()
            task = night.wait(_TRY_ENDED, try_number=number)
            # Whoever cancels asks the server, which may take a moment; what still runs then is left for good.
            left = [] if release else self._queries_left()
            log = night.log(number)
        between()
        night.settle()
        again = night.begin_build()
        ended = night.wait(_TRY_ENDED, try_number=again)
        assert ended["state"] == "success", night.log(again)
        seen = Seen(
            state=str(task["state"]),
            log=log,
            run=store.run_of(night.folder(number)),
            queries_left=len(left),
            next_run=store.run_of(night.folder(again)),
            next_log=night.log(again),
            differing=tables.differences(self.expected, tables.contents(self.prefix)),
        )
        self.report.add(self._row(name, seen))
        return seen

    def _journal_length(self, number: int) -> int:
        folder = f"{self.night.folder(number)}{layout.PARTIAL_SUFFIX}"
        # Neither is there before the runner has begun, nor any more when it has ended.
        found = attempt(*kube.KUBECTL, "exec", *kube.API_SERVER, "--", "cat", store.place(folder, constants.NODES_FILE))
        return len(found.stdout.splitlines())

    @staticmethod
    def _queries_left() -> list[object]:
        try:
            wait_until("no query of dbt runs", lambda: not warehouse.dbt_queries(), seconds=30)
        except AssertionError:
            return list(warehouse.dbt_queries())
        return []

    @staticmethod
    def _row(name: str, seen: Seen) -> Row:
        record, total = seen.run.record, len(seen.next_run.nodes)
        reason = ExitReason(record.exit_reason)
        resumed = f"{len(seen.ran_again)} of {total} nodes"
        return Row(
            fault=name,
            airflow=f"{seen.state} ({reason})",
            queries_left=seen.queries_left,
            artifacts=f"published, {len(seen.run.nodes)} nodes",
            retry=resumed,
            tables="equal" if not seen.differing else f"{len(seen.differing)} differ",
        )
