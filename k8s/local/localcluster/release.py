"""The chart in the cluster: installed or upgraded when it, its values or the images changed."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localcluster.content import Content
from localcluster.places import KUBECTL, NAMESPACE, RELEASE
from localcluster.shell import LocalError

if TYPE_CHECKING:
    from pathlib import Path

    from localcluster.places import Places
    from localcluster.shell import Shell

LABEL = "podbt-inputs"
TIMEOUT = "25m"  # as long as the chart itself lets a rollout take
LOG_LINES = 40
READERS = ("scheduler", "dag-processor", "triggerer")
"""Components that read settings and plan while they run."""
BRING_SECONDS = 240


@dataclass(frozen=True, kw_only=True)
class Release:
    """What is to be installed. `postgres` is empty where the chart's own choice can be pulled."""

    chart: Path
    values: tuple[Path, ...]
    airflow: str
    dbt: str
    postgres: str

    @classmethod
    def of(cls, places: Places, *, airflow: str, dbt: str, postgres: str, shared: bool) -> Release:
        """Return the release of this checkout's chart with these images."""
        values = ["values-local.yaml", *(["values-shared.yaml"] if shared else [])]
        return cls(
            chart=places.root / "helm" / "podbt",
            values=tuple(places.root / "k8s" / name for name in values),
            airflow=airflow,
            dbt=dbt,
            postgres=postgres,
        )

    def digest(self) -> str:
        """Return a hash of all that goes in."""
        content = Content()
        content.add_folder("chart", self.chart)
        for path in self.values:
            content.add(path.name, path)
        return content.digest(self.airflow, self.dbt, self.postgres)

    def settings(self) -> list[str]:
        """Return helm's arguments that name the images."""
        images = {"airflow.image": self.airflow, "dbt.image": self.dbt, "evaluationPostgres.image": self.postgres}
        words = []
        for key, image in images.items():
            repository, _, tag = image.rpartition(":")
            if image:
                words += ["--set-string", f"{key}.repository={repository},{key}.tag={tag}"]
        return words


def is_installed(shell: Shell, digest: str) -> bool:
    """Whether a release of exactly these inputs is deployed."""
    found = shell.run("helm", "list", "-n", NAMESPACE, "--deployed", "--selector", f"{LABEL}={digest}", "-o", "json")
    return any(one["name"] == RELEASE for one in json.loads(found.strip() or "[]"))


def wait_ready(shell: Shell) -> None:
    """Wait until every component is ready, as after a restart of its node."""
    for name in shell.run(*KUBECTL, "get", "deployments,statefulsets", "-o", "name").split():
        try:
            shell.do(*KUBECTL, "rollout", "status", name, f"--timeout={TIMEOUT}")
        except LocalError as error:
            raise LocalError(f"the chart: {_why(shell) or error}", shell.log) from error


def install(shell: Shell, release: Release, digest: str, namespace: Path) -> None:
    """Install or upgrade, and wait until every component is ready.

    Raises:
        LocalError: It did not become ready; the message names the first pod that is not, and why.
    """
    shell.do("kubectl", "apply", "-f", namespace)
    _forget_interrupted(shell)
    values = [word for path in release.values for word in ("--values", str(path))]
    command = ("helm", "upgrade", "--install", RELEASE, release.chart, "-n", NAMESPACE)
    label = f"--labels={LABEL}={digest}"
    try:
        waiting = ("--wait", "--wait-for-jobs", f"--timeout={TIMEOUT}")
        shell.do(*command, *waiting, label, *values, *release.settings())
    except LocalError as error:
        raise LocalError(f"the chart: {_why(shell) or error}", shell.log) from error
    _bring(shell, release, digest)


def _bring(shell: Shell, release: Release, digest: str) -> None:
    """Wait until the running pods of Airflow have the settings and the plan of the dbt image.

    Another dbt image restarts nothing: the kubelet brings a changed ConfigMap within some 90 s, and at once to a pod
    that is changed itself.
    """
    shell.do(*KUBECTL, "annotate", "pods", "-l", f"app.kubernetes.io/component in ({','.join(READERS)})",
             f"podbt/inputs={digest}", "--overwrite")  # fmt: skip
    files = ("/etc/podbt/settings.yaml", "/etc/podbt-plan/plans.json")
    deadline = time.monotonic() + BRING_SECONDS
    for name in READERS:
        for file in files:
            look = (*KUBECTL, "exec", f"deploy/{RELEASE}-{name}", "-c", name, "--", "grep", "-qF", release.dbt, file)
            while shell.attempt(*look)[0] != 0:
                if time.monotonic() > deadline:
                    raise LocalError(f"the chart: {file} in {RELEASE}-{name} does not name {release.dbt}", shell.log)
                time.sleep(1)


def _forget_interrupted(shell: Shell) -> None:
    """Drop the record of an install or upgrade that was killed: helm would refuse every later one because of it."""
    states = "pending-install,pending-upgrade,pending-rollback"
    shell.do(*KUBECTL, "delete", "secret", "-l", f"owner=helm,name={RELEASE},status in ({states})")


def _why(shell: Shell) -> str:
    """Why the first unready pod is unready; its log's end goes to ours."""
    code, answer = shell.attempt(*KUBECTL, "get", "pods", "-o", "json")
    reasons = []
    for pod in json.loads(answer)["items"] if code == 0 else []:
        name = pod["metadata"]["name"]
        if reason := unready(pod):
            reasons.append(f"pod {name}: {reason}")
            logs = (*KUBECTL, "logs", name, "--all-containers", f"--tail={LOG_LINES}")
            shell.attempt(*logs)
            shell.attempt(*logs, "--previous")
    shell.attempt(*KUBECTL, "get", "events", "--sort-by=.lastTimestamp")
    return reasons[0] if reasons else ""


def unready(pod: dict[str, Any]) -> str:
    """Return why a pod is not ready, in Kubernetes' words; empty if it is, or has ended well."""
    status = pod.get("status", {})
    if status.get("phase") == "Succeeded":
        return ""
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    for container in containers:
        for state in (container.get("state", {}), container.get("lastState", {})):
            waiting, ended = state.get("waiting", {}), state.get("terminated", {})
            if waiting.get("reason") not in {None, "PodInitializing", "ContainerCreating"}:
                return f"{container['name']} {waiting['reason']} {waiting.get('message', '')}".strip()
            if ended and ended.get("exitCode"):
                return f"{container['name']} ended with code {ended['exitCode']} ({ended.get('reason', 'Error')})"
    for condition in status.get("conditions", []):
        if condition["type"] in {"PodScheduled", "Ready"} and condition["status"] != "True":
            return f"{condition.get('reason', '')} {condition.get('message', '')}".strip() or "not ready"
    return ""
