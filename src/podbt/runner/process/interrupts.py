"""SIGTERM and SIGINT: one of them stops the run, more of them change nothing."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType

from podbt import constants

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupts:
    """Turns the first signal into a KeyboardInterrupt, but only where one does no harm.

    Python as process 1 gets no default action for SIGTERM, and dbt handles only SIGINT. While files are prepared or
    published a signal is only remembered; between `allow` and `hold` it interrupts. A second signal while dbt writes
    run_results.json would lose the file, so later ones are ignored.

    Python runs a signal handler only between two steps of the main thread's own code, so not while that waits for the
    database. A thread that the signal itself wakes calls `watch`'s function then.

    Attributes:
        requested: Whether the run was told to stop.
    """

    def __init__(self) -> None:
        # Plain attributes: a handler may run within any other code of the main thread, also while that holds a lock.
        self.requested = False
        self._raising = False
        self._raised = False
        self._watched = threading.Event()
        self._on_request: Callable[[], None] = lambda: None

    def install(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)
        threading.Thread(target=self._wait, args=(reader,), name="podbt-signals", daemon=True).start()

    def watch(self, on_request: Callable[[], None]) -> None:
        """Calls a function, in a thread of its own, once a signal asks or has asked the run to stop."""
        self._on_request = on_request
        self._watched.set()

    def is_requested(self) -> bool:
        return self.requested

    def request(self) -> None:
        """Stops the run as a signal would."""
        os.kill(os.getpid(), signal.SIGTERM)

    def allow(self) -> None:
        """From here on a signal raises KeyboardInterrupt in the main thread; here, where one came before."""
        self._raising = True
        if self.requested and not self._raised:
            self._raised = True
            raise KeyboardInterrupt

    def hold(self) -> None:
        """From here on a signal is remembered and interrupts nothing: results are being published."""
        self._raising = False

    def sleep(self, seconds: float) -> None:
        """Sleeps while signals are only remembered, where stopping does no harm.

        Raises:
            KeyboardInterrupt: The run was told to stop.
        """
        time.sleep(seconds)
        if self.requested:
            raise KeyboardInterrupt

    def raise_again(self) -> None:
        """Interrupts the main thread once more: the first time may have hit code that swallows exceptions."""
        self._raised = False
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def _wait(self, reader: int) -> None:
        while set(os.read(reader, 64)).isdisjoint(_SIGNALS):
            pass
        self.requested = True
        self._watched.wait()
        self._on_request()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        if self._raising and not self._raised:
            self._raised = True
            raise KeyboardInterrupt


def follow_standard_input(env: Mapping[str, str] = os.environ) -> None:
    """Stops this process when whoever started it dies, where the environment asks for that.

    Nothing else tells a child that its parent was killed. The parent holds the other end of our standard input, and
    the kernel closes it with the parent, however that ends.
    """
    grace = env.get(constants.ENV_STDIN_GUARD, "")
    if not grace.isdigit():
        return

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(int(grace))
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, name="podbt-stdin-guard", daemon=True).start()
