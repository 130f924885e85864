"""Waiting for a database: bounded, with growing pauses, and never once a node has ended."""

from dataclasses import dataclass, field
from typing import Any

import psycopg2
import psycopg2.errors
import pytest
from dbt.adapters.exceptions import FailedToConnectError
from dbt_common.exceptions import DbtDatabaseError

from podbt.runner.dbt.connection import invoke_patiently
from podbt.runner.dbt.invoke import Outcome


def failed(exception: BaseException, cause: BaseException | None = None) -> Outcome:
    exception.__cause__ = cause
    return Outcome(success=False, exception=exception, results=[])


def answered(words: str, state: str) -> Outcome:
    driver: Any = psycopg2.DatabaseError(words)
    driver.__setstate__({"pgerror": words, "pgcode": state})
    return failed(DbtDatabaseError(words), driver)


AWAY = failed(FailedToConnectError('connection to server at "x", port 1 failed: Connection refused'))
GOOD = Outcome(success=True, exception=None, results=[])


@dataclass
class Clock:
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def run(outcomes: list[Outcome], *, wait: float = 100, begun: bool = False) -> tuple[Outcome, list[float], list[str]]:
    clock, said = Clock(), list[str]()
    ended = invoke_patiently(
        lambda: outcomes.pop(0),
        has_begun=lambda: begun,
        wait_seconds=wait,
        say=said.append,
        sleep=clock.sleep,
        clock=lambda: clock.now,
    )
    return ended, clock.pauses, said


def test_pauses_grow_until_it_is_back() -> None:
    ended, pauses, said = run([AWAY, AWAY, AWAY, GOOD])
    assert ended is GOOD
    assert pauses == [1, 2, 4]
    assert (
        said[0] == 'The database cannot be reached: connection to server at "x", port 1 failed: Connection refused. '
        "Trying again in 1 s, for 100 s more."
    )


def test_the_wait_is_bounded() -> None:
    ended, pauses, _ = run([AWAY] * 20, wait=100)
    assert ended is AWAY
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 9]


@pytest.mark.parametrize(
    ("outcome", "wait", "begun"),
    [
        pytest.param(AWAY, 0, False, id="no wait"),
        pytest.param(AWAY, 100, True, id="a node has ended"),
        pytest.param(GOOD, 100, False, id="success"),
        pytest.param(
            failed(FailedToConnectError("password authentication failed for user")), 100, False, id="a refused login"
        ),
        pytest.param(answered("permission denied for database wh", "42501"), 100, False, id="a missing right"),
        pytest.param(failed(RuntimeError("Connection refused")), 100, False, id="the words alone"),
        pytest.param(Outcome(success=False, exception=KeyboardInterrupt(), results=[]), 100, False, id="an interrupt"),
    ],
)
def test_one_attempt(outcome: Outcome, wait: float, begun: bool) -> None:
    assert run([outcome], wait=wait, begun=begun) == (outcome, [], [])


@pytest.mark.parametrize(
    ("words", "state"),
    [
        pytest.param("deadlock detected", "40P01", id="a deadlock"),
        pytest.param("tuple concurrently updated", "XX000", id="two that make one schema"),
    ],
)
def test_an_error_that_passes_is_waited_for_before_the_first_node(words: str, state: str) -> None:
    ended, pauses, said = run([answered(words, state), GOOD])
    assert ended is GOOD
    assert pauses == [1]
    assert words in said[0]
