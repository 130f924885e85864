"""The cluster: pods that are created, and all pods' ends as they come.

A pod is gone soon after its end, so what happened to it is written down while it happens.
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, TypeVar

from kubernetes import client, config
from kubernetes.client import models as k8s
from kubernetes.watch.watch import iter_resp_lines

NAMESPACE = "bench"
KUBECTL = ("kubectl", "--namespace", NAMESPACE)
_LABEL_TASKS = ("task_id", "podbt.io/task-id")
_LABEL_RUNS = ("run_id", "podbt.io/run-id")
_WATCH_SECONDS = 600
T = TypeVar("T")


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """Runs kubectl in the benchmark's namespace and returns what it prints."""
    done = subprocess.run([*KUBECTL, *arguments], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"kubectl {' '.join(arguments[:3])}: {done.stderr.strip()}")
    return done.stdout


def wait_until(what: str, check: Callable[[], T | None], seconds: float = 120, every: float = 0.2) -> T:
    """The first true value of `check`.

    Raises:
        TimeoutError: None came in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(every)
    raise TimeoutError(f"{what}: not within {seconds:.0f} s")


@dataclass
class PodLife:
    """What was seen of one pod. Times are the cluster's."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)
    created: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    exit_code: int | None = None
    deleted: bool = False
    ended_seen: float | None = None
    """This process's monotonic clock when the end was seen."""

    @property
    def task(self) -> str:
        return next((self.labels[key] for key in _LABEL_TASKS if key in self.labels), "")

    @property
    def run(self) -> str:
        return next((self.labels[key] for key in _LABEL_RUNS if key in self.labels), "")

    def see(self, pod: dict[str, Any]) -> None:
        self.labels = pod["metadata"].get("labels") or {}
        self.created = _time(pod["metadata"].get("creationTimestamp"))
        self.deleted = self.deleted or (bool(pod["metadata"].get("deletionTimestamp")) and self.exit_code is None)
        state = next(iter(pod["status"].get("containerStatuses") or [{}])).get("state", {})
        running, ended = state.get("running") or {}, state.get("terminated")
        self.started = self.started or _time((ended or running).get("startedAt"))
        if ended and self.exit_code is None:
            self.exit_code, self.finished = ended["exitCode"], _time(ended.get("finishedAt"))
            self.ended_seen = time.monotonic()


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class Pods:
    """All pods of the namespace, watched in a thread of their own."""

    def __init__(self) -> None:
        # Named, since the client looks at the environment when it is imported, and it is set after that.
        config.load_kube_config(config_file=os.environ["KUBECONFIG"])
        self.api = client.CoreV1Api()
        self._lives: dict[str, PodLife] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def lives(self) -> list[PodLife]:
        with self._lock:
            return list(self._lives.values())

    def of(self, name: str) -> PodLife | None:
        with self._lock:
            return self._lives.get(name)

    def running(self, run: str) -> int:
        """How many pods of a DAG's run have a running container."""
        return sum(1 for life in self.lives() if life.run == run and life.started and life.exit_code is None)

    @contextmanager
    def created(self, pod: k8s.V1Pod) -> Iterator[str]:
        """Creates a pod and deletes it in the end."""
        name = pod.metadata.name
        self.api.create_namespaced_pod(NAMESPACE, pod)
        try:
            yield name
        finally:
            self.api.delete_namespaced_pod(name, NAMESPACE, grace_period_seconds=0)

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                # Parsed here: building the client's objects for every event costs this machine more than the rest.
                response = self.api.list_namespaced_pod(
                    NAMESPACE, watch=True, timeout_seconds=_WATCH_SECONDS, _preload_content=False
                )
                for line in iter_resp_lines(response):
                    if line:
                        self._see(json.loads(line))
            except Exception as error:  # noqa: BLE001 - whatever cut the watch, it is begun anew
                print(f"watch of pods cut ({type(error).__name__}), going on", flush=True)
                time.sleep(1)

    def _see(self, event: dict[str, Any]) -> None:
        if event.get("type") not in {"ADDED", "MODIFIED", "DELETED"}:
            return
        pod = event["object"]
        with self._lock:
            life = self._lives.setdefault(pod["metadata"]["name"], PodLife(pod["metadata"]["name"]))
            life.see(pod)
