"""CPU time and memory of Airflow's components as processes of this machine, read from /proc once a second."""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

COMPONENTS: Final = ("scheduler", "triggerer", "api-server", "dag-processor")
_TICK: Final = os.sysconf("SC_CLK_TCK")
_EVERY_SECONDS: Final = 1.0
_SESSION: Final = 3
_TIMES: Final = slice(11, 15)
"""Fields of /proc/PID/stat behind the program's name: own and awaited children's user and system time."""


@dataclass(frozen=True)
class Reading:
    """By component: CPU seconds since its start, and the most MiB since they were asked for anew."""

    cpu: dict[str, float]
    peak: dict[str, float]


class Meter:
    """Reads until it is left. Each component is a session of processes; a digit behind its name counts for nothing."""

    def __init__(self, leaders: Mapping[str, int]) -> None:
        self._leaders = dict(leaders)
        self._peak = dict.fromkeys(COMPONENTS, 0.0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def now(self, *, peak_anew: bool = False) -> Reading:
        found = self._read()
        if peak_anew:
            self._peak = dict.fromkeys(COMPONENTS, 0.0)
        return Reading(cpu={name: cpu for name, (cpu, _) in found.items()}, peak=dict(self._peak))

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            for name, (_, memory) in self._read().items():
                self._peak[name] = max(self._peak[name], memory)

    def _read(self) -> dict[str, tuple[float, float]]:
        began = time.monotonic()
        cpu, memory = dict.fromkeys(COMPONENTS, 0.0), dict.fromkeys(COMPONENTS, 0.0)
        sessions = {leader: name.rstrip("0123456789") for name, leader in self._leaders.items()}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                fields = (entry / "stat").read_text().rpartition(") ")[2].split()
                if (name := sessions.get(int(fields[_SESSION]))) is None:
                    continue
                cpu[name] += sum(map(int, fields[_TIMES])) / _TICK
                memory[name] += _pss(entry)
            except OSError:
                continue
        assert time.monotonic() - began < 60  # noqa: PLR2004 - else the figures mean nothing
        return {name: (cpu[name], memory[name]) for name in COMPONENTS}


def _pss(entry: Path) -> float:
    for line in (entry / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
