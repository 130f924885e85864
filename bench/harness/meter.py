"""What Airflow costs: CPU time and memory of its four components, read inside each of their containers.

One small program a component runs for the whole benchmark; its own use is taken off. It reads /proc alone, so that the
same numbers come out whatever the machine's cgroups look like: CPU time of the living processes and of all ended ones
that they waited for, and proportional memory (PSS), in which a page that several processes share counts once.
"""

import json
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any, Final, Self

from bench.harness.kube import KUBECTL, wait_until

COMPONENTS: Final = ("api-server", "dag-processor", "scheduler", "triggerer")
_EVERY_SECONDS: Final = 1.0

_PROGRAM: Final = """
import json, os, sys, threading, time
def until_left():
    sys.stdin.read()
    os._exit(0)  # the end of `kubectl exec` does not end what it started
threading.Thread(target=until_left, daemon=True).start()
tick, own = os.sysconf("SC_CLK_TCK"), os.getpid()
def stat(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(") ")[2].split()
def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
while True:
    cpu = memory = count = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) == own:
            continue
        try:
            cpu += sum(map(int, stat(pid)[11:15]))
            memory += pss(pid)
            count += 1
        except (OSError, StopIteration):
            pass
    print(json.dumps({"cpu": cpu / tick, "memory": memory / 1024, "processes": count}), flush=True)
    time.sleep(EVERY)
"""


@dataclass(frozen=True)
class Reading:
    """All components together: CPU seconds since they started, MiB and processes now."""

    cpu_seconds: float
    memory_mib: float
    processes: int


class Meter:
    """Reads the components every second until it is left."""

    def __init__(self) -> None:
        self._latest: dict[str, dict[str, Any]] = {}
        self._peak = 0.0
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        program = _PROGRAM.replace("EVERY", str(_EVERY_SECONDS))
        for component in COMPONENTS:
            command = [
                *KUBECTL,
                "exec",
                "--stdin",
                f"deploy/podbt-{component}",
                "-c",
                component,
                "--",
                "python",
                "-c",
                program,
            ]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self._processes.append(process)
            threading.Thread(target=self._read, args=(component, process), daemon=True).start()
        wait_until("first reading of each component", lambda: len(self._latest) == len(COMPONENTS))
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()

    def now(self) -> Reading:
        """A reading that is newer than this call.

        Raises:
            RuntimeError: A component was restarted, so that its figures began anew.
        """
        for component, process in zip(COMPONENTS, self._processes, strict=True):
            if process.poll() is not None:
                raise RuntimeError(f"The {component} was restarted. Its log says why; start the benchmark again.")
        time.sleep(_EVERY_SECONDS * 1.5)
        with self._lock:
            return self._sum()

    def peak(self) -> float:
        """The most memory of all components together, in MiB, since this was asked last."""
        with self._lock:
            peak, self._peak = self._peak, 0.0
            return peak

    def _sum(self) -> Reading:
        values = list(self._latest.values())
        return Reading(
            cpu_seconds=sum(value["cpu"] for value in values),
            memory_mib=sum(value["memory"] for value in values),
            processes=sum(value["processes"] for value in values),
        )

    def _read(self, component: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._lock:
                self._latest[component] = json.loads(line)
                self._peak = max(self._peak, self._sum().memory_mib)
