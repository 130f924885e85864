"""What can go wrong with a pod, its node, its database and its volume, done for real on the local cluster."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.e2e import kube, rest, warehouse
from tests.support.e2e.shell import attempt, run, wait_until

from podbt import constants

NODE = "podbt-control-plane"
POSTGRES = "podbt-postgres-0"
_EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction"}

# As process 1's own user, which may raise its score but not lower it. The kernel takes the process with the highest
# score plus memory, so these take little each.
_OUT_OF_MEMORY = """
import os, signal, time
open("/proc/1/oom_score_adj", "w").write("1000")
while True:
    if os.fork() == 0:
        held = b"x" * (64 << 20)
        signal.pause()
    time.sleep(0.1)
"""


def on_node(*command: str, stdin: str | None = None) -> str:
    return run("docker", "exec", *(() if stdin is None else ("--interactive",)), NODE, *command, stdin=stdin)


def sigterm(pod: str) -> None:
    """Deletes the pod, which gives it its grace period."""
    kube.kubectl("delete", "pod", pod, "--wait=false")


def sigkill(pod: str) -> None:
    """Kills the runner from outside of its container, where process 1 cannot refuse."""
    on_node("kill", "-9", str(_process_of(pod)))


def _process_of(pod: str) -> int:
    """The runner's process id as the node sees it."""
    container = kube.get("pod", pod)["status"]["containerStatuses"][0]["containerID"].rpartition("//")[2]
    for line in on_node("ctr", "-n", "k8s.io", "tasks", "ls").splitlines():
        if line.startswith(container):
            return int(line.split()[1])
    raise AssertionError(f"the node knows no process of {pod}")


def out_of_memory(pod: str) -> None:
    """Takes memory within the container's limit until the kernel ends what runs there."""
    attempt(*kube.KUBECTL, "exec", pod, "--container", constants.CONTAINER_NAME, "--", "python", "-c", _OUT_OF_MEMORY)


def evict(pod: str) -> None:
    body = {**_EVICTION, "metadata": {"name": pod, "namespace": kube.NAMESPACE}}
    path = f"/api/v1/namespaces/{kube.NAMESPACE}/pods/{pod}/eviction"
    run("kubectl", "create", "--raw", path, "--filename", "-", stdin=json.dumps(body))


def stop_node() -> None:
    """Takes the node's power away, with all that is on it, and gives it back after a while."""
    run("docker", "kill", NODE)
    time.sleep(10)
    run("docker", "start", NODE)
    wait_until("the API server is back", _api_answers, seconds=600, every=2)
    run("kubectl", "wait", "--for=condition=Ready", "node", "--all", "--timeout=600s")
    wait_for_database()


def restart_api_server() -> None:
    on_node("pkill", "-9", "kube-apiserver")
    wait_until("the API server is gone", lambda: not _api_answers(), seconds=60, every=0.2)
    wait_until("the API server is back", _api_answers, seconds=600)


def _api_answers() -> bool:
    return attempt("kubectl", "get", "--raw=/readyz", "--request-timeout=5s").returncode == 0


def restart_database() -> None:
    kube.kubectl("delete", "pod", POSTGRES)
    wait_for_database()


def kill_database(seconds: float) -> None:
    """Ends the database without a word, and keeps it away for so long."""
    kube.kubectl("scale", "statefulset/podbt-postgres", "--replicas=0")
    kube.force_delete(POSTGRES)
    time.sleep(seconds)
    kube.kubectl("scale", "statefulset/podbt-postgres", "--replicas=1")
    wait_for_database()


def wait_for_database() -> None:
    def answers() -> bool:
        ready = attempt(*kube.KUBECTL, "wait", "--for=condition=Ready", f"pod/{POSTGRES}", "--timeout=5s")
        return (
            ready.returncode == 0
            and attempt(*kube.KUBECTL, "exec", POSTGRES, "--", "pg_isready", "--host=127.0.0.1").returncode == 0
        )

    wait_until("the database answers", answers, seconds=600, every=2)
    kube.wait_all_rolled_out()
    wait_until("Airflow answers", rest.answers, seconds=600, every=2)


@dataclass(frozen=True)
class Disk:
    """A file system with a file that takes all of its room, or does not."""

    filler: str

    def fill(self) -> None:
        # It ends when nothing fits any more.
        attempt("docker", "exec", NODE, "dd", "if=/dev/zero", f"of={self.filler}", "bs=64k")

    def free(self) -> None:
        on_node("rm", self.filler)


@contextmanager
def small_volume(mebibytes: int) -> Iterator[Disk]:
    """Puts a small file system over the artifacts volume."""
    claim = kube.get("persistentvolumeclaim", "podbt-artifacts")["spec"]["volumeName"]
    volume: dict[str, Any] = kube.get("persistentvolume", claim)
    place = (volume["spec"].get("hostPath") or volume["spec"]["local"])["path"]
    on_node("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0777", "tmpfs", place)
    try:
        _mount_anew()
        yield Disk(f"{place}/filler")
    finally:
        on_node("umount", "--lazy", place)
        _mount_anew()


def _mount_anew() -> None:
    """The api-server shows the tests the volume, as it was when its pod began."""
    kube.kubectl("rollout", "restart", "deployment/podbt-api-server")
    kube.wait_all_rolled_out()


@contextmanager
def rotated_password(new: str) -> Iterator[None]:
    """Gives dbt's database user another password and the Secret with it, as a rotation does."""
    old = kube.secret("podbt-warehouse")["password"]
    profiles = kube.secret("podbt-profiles")
    changed = {key: value.replace(old, new) for key, value in profiles.items()}
    try:
        warehouse.execute(f"alter role {warehouse.DBT_USER} password '{new}';")
        with kube.changed_secret("podbt-profiles", changed):
            yield
    finally:
        warehouse.execute(f"alter role {warehouse.DBT_USER} password '{old}';")
