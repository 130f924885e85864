"""Work beside a run: it is waited for a little, and what goes wrong in it is one text."""

import threading
from collections.abc import Iterator

import pytest

from podbt.runner.process import beside
from podbt.runner.process.beside import Beside


def test_pieces_come_in_order_until_the_end() -> None:
    got: list[int | None] = []

    def work(pieces: Iterator[int | None]) -> str | None:
        got.extend(pieces)
        return None

    made = Beside[int]("x", work)
    made.put(1)
    made.start()
    made.put(2)
    assert made.end(stopped=False) is None
    assert [one for one in got if one is not None] == [1, 2]


def test_what_was_never_begun_has_no_end_to_wait_for() -> None:
    made = Beside[int]("x", lambda _: "never")
    assert not made.started
    assert made.end(stopped=False) is None


def test_what_goes_wrong_is_said() -> None:
    def work(pieces: Iterator[int | None]) -> str | None:
        next(pieces)
        raise ValueError("no such thing")

    made = Beside[int]("x", work)
    made.start()
    made.put(1)
    assert made.end(stopped=False) == "ValueError: no such thing"
    made.put(2)  # and nothing is kept for it any more


@pytest.mark.parametrize("stopped", [False, True])
def test_work_that_hangs_is_left_alone(monkeypatch: pytest.MonkeyPatch, *, stopped: bool) -> None:
    monkeypatch.setattr(beside, "LATE_STOPPED_SECONDS" if stopped else "LATE_SECONDS", 0.01)
    over = threading.Event()

    def work(_: Iterator[int | None]) -> str | None:
        over.wait()
        return None

    made = Beside[int]("x", work)
    made.start()
    assert made.end(stopped=stopped) == "its server takes too long"
    over.set()


def test_too_much_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_MOST", 1)
    made = Beside[int]("x", lambda pieces: "" if list(pieces) else "none came")
    for number in range(3):
        made.put(number)
    made.start()
    assert made.end(stopped=False) == "2 pieces were too many to wait"
