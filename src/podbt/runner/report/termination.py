"""The termination message: what the kubelet keeps of a container that has ended."""

import contextlib
from pathlib import Path

from podbt.contract.record import Summary


class Termination:
    """The message of one run, which is left anew when more is known.

    Attributes:
        left: What was left last.
    """

    def __init__(self, log: Path | None) -> None:
        """Leaves nothing, yet.

        Args:
            log: The file that takes it; None where nobody reads one.
        """
        self._log = log
        self.left: Summary | None = None

    def leave(self, summary: Summary) -> None:
        """Writes it; where that fails the exit code still tells."""
        self.left = summary
        if self._log is not None:
            with contextlib.suppress(OSError):
                self._log.write_text(summary.to_termination_message(), encoding="utf-8")
