"""Waits for a database that cannot be reached yet, before the first node."""

import time
from collections.abc import Callable
from typing import Final

from podbt.contract.exits import ExitReason
from podbt.runner.dbt.classify import of_error
from podbt.runner.dbt.invoke import Outcome

_FIRST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 30.0


def invoke_patiently(
    attempt: Callable[[], Outcome],
    *,
    has_begun: Callable[[], bool],
    wait_seconds: float,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Invokes dbt again, with growing pauses, while it cannot reach the database and no node has ended.

    A restarting database is back in seconds, far sooner than Airflow's retry_delay. What began is not repeated here:
    that is for the task's retries, which resume.

    Args:
        attempt: Invokes dbt once.
        has_begun: Whether a node has ended.
        wait_seconds: For how long to try again after the first failure, since dbt takes seconds to get there; 0 for not
            at all.
        say: Prints a line.
        sleep: For tests.
        clock: For tests.

    Returns:
        What dbt returned last.
    """
    deadline, pause = None, _FIRST_SECONDS
    while True:
        outcome = attempt()
        told = of_error(outcome.exception) if outcome.exception is not None else None
        if deadline is None:
            deadline = clock() + wait_seconds
        left = deadline - clock()
        if told is None or told[0] is not ExitReason.CONNECTION_ERROR or has_begun() or left <= 0:
            return outcome
        pause_now = min(pause, left)
        say(f"{told[1]} Trying again in {pause_now:.0f} s, for {left:.0f} s more.")
        sleep(pause_now)
        pause = min(pause * 2, _LONGEST_SECONDS)
