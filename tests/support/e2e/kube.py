"""The cluster through kubectl, as its operator has it."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.e2e.shell import attempt, run, wait_until

from podbt.contract.settings.kubernetes import Settings
from podbt.pod.build import label_value
from podbt.pod.whose import Owner

NAMESPACE = "podbt"
INSTANCE = "podbt.podbt"  # its namespace and release
KUBECTL = ("kubectl", "--namespace", NAMESPACE)
API_SERVER = ("deploy/podbt-api-server", "--container", "api-server")
COMPONENTS = ("api-server", "dag-processor", "scheduler", "triggerer")
SETTINGS_FILE = "settings.yaml"
_OWN_METADATA = ("uid", "resourceVersion", "creationTimestamp", "managedFields")


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    return run(*KUBECTL, *arguments, stdin=stdin)


def get(kind: str, name: str) -> dict[str, Any]:
    return dict(json.loads(kubectl("get", kind, name, "--output", "json")))


def items(kind: str, selector: str = "") -> list[dict[str, Any]]:
    chosen = ("--selector", selector) if selector else ()
    return list(json.loads(kubectl("get", kind, *chosen, "--output", "json"))["items"])


def exec_api_server(*command: str, stdin: str | None = None) -> str:
    """Runs a program in the api-server's pod, which mounts the artifacts and the logs."""
    interactive = () if stdin is None else ("--stdin",)
    return kubectl("exec", *interactive, *API_SERVER, "--", *command, stdin=stdin)


def secret(name: str) -> dict[str, str]:
    return decoded(get("secret", name))


def decoded(found: Mapping[str, Any]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def settings_text() -> str:
    return str(get("configmap", "podbt-settings")["data"][SETTINGS_FILE])


def copy_plans(folder: Path) -> None:
    """The plans that Airflow has, as a folder."""
    found = get("configmap", "podbt-plan")
    folder.mkdir()
    for name, text in found["data"].items():
        (folder / name).write_text(text)
    for name, content in found["binaryData"].items():
        (folder / name).write_bytes(base64.b64decode(content))


def airflow_uids() -> dict[str, set[str]]:
    """The uids of each component's pods: another uid is another pod."""
    return {
        component: {pod["metadata"]["uid"] for pod in items("pods", f"app.kubernetes.io/component={component}")}
        for component in COMPONENTS
    }


def dbt_pods(settings: Settings, *, run_id: str, task_id: str, try_number: int | None = None) -> list[dict[str, Any]]:
    """The pods of a task, oldest first."""
    wanted = {"run-id": label_value(run_id), "task-id": label_value(task_id)}
    if try_number is not None:
        wanted["try-number"] = str(try_number)
    assert settings.namespace == NAMESPACE
    labels = [Owner.of(settings).selectors[0], *(f"podbt.io/{key}={value}" for key, value in wanted.items())]
    return sorted(items("pods", ",".join(labels)), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))


def managed_pods() -> set[str]:
    """The names of all pods that this release's podbt made."""
    return {pod["metadata"]["name"] for pod in items("pods", Owner(instance=INSTANCE).selectors[0])}


def delete_pods(names: set[str]) -> None:
    if names:
        kubectl("delete", "pod", "--ignore-not-found", *names)


def pods_of(component: str) -> list[str]:
    found = items("pods", f"app.kubernetes.io/name=podbt,app.kubernetes.io/component={component}")
    return [pod["metadata"]["name"] for pod in found if not pod["metadata"].get("deletionTimestamp")]


def force_delete(*names: str) -> None:
    """Kills pods as a dying node does: nothing in them has time to say goodbye."""
    kubectl("delete", "pod", *names, "--force", "--grace-period=0")


def node_pid(component: str) -> int:
    """The process of a component's container, as its node numbers it."""
    (pod,) = items("pods", f"app.kubernetes.io/name=podbt,app.kubernetes.io/component={component}")
    (status,) = pod["status"]["containerStatuses"]
    container = status["containerID"].rpartition("/")[2]
    tasks = run("docker", "exec", pod["spec"]["nodeName"], "ctr", "--namespace=k8s.io", "tasks", "list")
    (pid,) = (line.split()[1] for line in tasks.splitlines() if line.startswith(container))
    return int(pid)


def signal_on_node(component: str, name: str) -> None:
    """Sends a signal from the node: within its container the first process would not get SIGSTOP."""
    (pod,) = items("pods", f"app.kubernetes.io/name=podbt,app.kubernetes.io/component={component}")
    run("docker", "exec", pod["spec"]["nodeName"], "sh", "-c", f"kill -{name} {node_pid(component)}")


def restarts(component: str) -> int:
    (pod,) = items("pods", f"app.kubernetes.io/name=podbt,app.kubernetes.io/component={component}")
    return sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))


def wait_rolled_out(component: str) -> None:
    kubectl("rollout", "status", f"deployment/podbt-{component}", "--timeout=600s")


def wait_all_rolled_out() -> None:
    for component in COMPONENTS:
        wait_rolled_out(component)


@contextmanager
def changed_secret(name: str, data: Mapping[str, str] | None) -> Iterator[None]:
    """Gives a Secret other data, or takes it away where there are none; afterwards it is what it was."""
    saved = get("secret", name)
    for key in _OWN_METADATA:
        saved["metadata"].pop(key, None)
    try:
        if data is None:
            kubectl("delete", "secret", name)
        else:
            encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
            kubectl("replace", "--filename", "-", stdin=json.dumps({**saved, "data": encoded}))
        yield
    finally:
        there = attempt(*KUBECTL, "get", "secret", name).returncode == 0
        kubectl("replace" if there else "create", "--filename", "-", stdin=json.dumps(saved))


def run_to_end(pod: dict[str, Any]) -> None:
    """Creates a pod, waits until it has succeeded, and deletes it in any case."""
    name = pod["metadata"]["name"]
    kubectl("create", "--filename", "-", stdin=json.dumps(pod))
    try:
        phase = wait_until(f"pod {name} ended", lambda: _ended(name))
        assert phase == "Succeeded", kubectl("logs", name)
    finally:
        kubectl("delete", "pod", name, "--grace-period=0", "--force")


def _ended(name: str) -> str | None:
    phase = get("pod", name)["status"]["phase"]
    return phase if phase in {"Succeeded", "Failed"} else None
