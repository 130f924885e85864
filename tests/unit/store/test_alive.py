"""The sign of life goes on whatever else fails."""

import threading
from typing import Any

import pytest

from podbt.store import alive
from podbt.store.alive import Heartbeat


def test_a_console_that_is_closed_does_not_end_the_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alive, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(alive, "Alive", lambda **_: Said())
    enough, beats = threading.Event(), list[bytes]()

    class Said:
        def model_dump_json(self, **_: Any) -> str:
            return "{}"

    def write(content: bytes) -> None:
        beats.append(content)
        if len(beats) == 3:
            enough.set()

    def tick() -> None:
        raise BrokenPipeError

    start: Any = None
    heartbeat = Heartbeat(start, write, lost=lambda: pytest.fail("it is not lost"), also=tick)
    heartbeat.start()
    assert enough.wait(30)
    heartbeat.stop()
