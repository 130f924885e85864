"""SIGTERM and SIGINT: one of them stops the run, more of them change nothing."""

import signal
import threading
from types import FrameType


class Interrupts:
    """Turns the first signal into a KeyboardInterrupt, which makes dbt cancel its queries and write what it has.

    Python as process 1 gets no default action for SIGTERM, and dbt handles only SIGINT. A second signal while dbt
    writes run_results.json would lose the file, so all but the first are only remembered.
    """

    def __init__(self) -> None:
        self.requested = False
        self._held = False

    def install(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._on_signal)

    def hold(self) -> None:
        """From here on a signal is remembered and interrupts nothing: results are being published."""
        self._held = True

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        first, self.requested = not self.requested, True
        if first and not self._held:
            raise KeyboardInterrupt
