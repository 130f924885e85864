"""The termination message: what the kubelet keeps of a container that has ended."""

import contextlib
from pathlib import Path

from podbt.contract.record import Summary


def leave_message(path: Path, summary: Summary) -> None:
    """Writes it; where that fails the exit code still tells."""
    with contextlib.suppress(OSError):
        path.write_text(summary.to_termination_message(), encoding="utf-8")
