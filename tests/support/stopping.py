"""A worker that is told to stop, played by this process."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.waiting import wait_for


@contextmanager
def told_to_stop(tested: Any, condition: Callable[[], bool], seconds: float = 300) -> Iterator[None]:
    """Sends this process the signal that stops a worker, once the condition holds, and handles it as Airflow does.

    Args:
        tested: The operator at work.
        condition: When to send it.
        seconds: How long to wait for that.
    """
    over = threading.Event()

    def stop() -> None:
        wait_for(lambda: over.is_set() or condition(), seconds)
        if not over.is_set():
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda _number, _frame: tested.on_kill())
    stopping = threading.Thread(target=stop)
    stopping.start()
    try:
        yield
    finally:
        over.set()
        stopping.join()
        signal.signal(signal.SIGTERM, before)
