"""A session that held locks was dropped: they are tried for until it is known who has them."""

import threading
import time
from typing import Any

import pytest
from tests.support.waiting import wait_for

from podbt.runner.database import lock_watch


class Ends:
    """A session of a server that drops it and comes back after some refusals."""

    def __init__(self, holders: list[str | None], refusals: int = 0) -> None:
        self.holders, self.refusals, self.dropped, self.opened = holders, refusals, True, 0

    def wait(self, seconds: float) -> bool:
        time.sleep(0.01)
        return self.dropped

    def intact(self) -> bool:
        return not self.dropped

    def replace(self, dropped: Any) -> None: ...
    def close(self) -> None: ...

    def reopen(self) -> "Ends":
        self.opened += 1
        if self.opened <= self.refusals:
            raise ConnectionError
        self.dropped = False
        return self

    def attempt(self) -> str | None:
        return self.holders.pop(0)


@pytest.mark.parametrize(
    ("holders", "stopped"),
    [
        pytest.param([None], False, id="free"),
        pytest.param(["x", "x", None], False, id="looked at by one who waits"),
        pytest.param(["x"] * 4, True, id="taken"),
    ],
)
def test_what_was_dropped_is_tried_for(
    holders: list[str | None], stopped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_AGAIN_SECONDS", "_LOOK_SECONDS"):
        monkeypatch.setattr(lock_watch, name, 0.01)
    session, said, stop = Ends(holders, refusals=2), list[str](), threading.Event()
    watch = lock_watch.LockWatch(
        session, reopen=session.reopen, warn=said.append, stop=stop.set, stopping=lambda: False
    )
    wait_for(lambda: bool(said))
    assert stop.wait(1) == stopped
    assert watch.end() != stopped
    assert session.opened == 3


def test_a_run_that_stops_takes_nothing_again() -> None:
    session = Ends([])
    watch = lock_watch.LockWatch(
        session, reopen=session.reopen, warn=pytest.fail, stop=pytest.fail, stopping=lambda: True
    )
    watch._thread.join(30)
    assert not watch.end()
    assert session.opened == 0
