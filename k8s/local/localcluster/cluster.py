"""The kind cluster: made, found, filled with images, deleted."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import TYPE_CHECKING, Any

from localcluster.places import CLUSTER, NODE
from localcluster.shell import LocalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from localcluster.session import Session
    from localcluster.shell import Shell

NETWORK = "kind"
WAIT_SECONDS = 300
ANSWER_SECONDS = 10.0
LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)
MANAGER = "kube-controller-manager"
REMEMBERED = "pods,leases.coordination.k8s.io,endpointslices.discovery.k8s.io"
LABEL = f"io.x-k8s.kind.cluster={CLUSTER}"


def node_id(shell: Shell) -> str:
    """Return the control plane's container id; empty where there is none."""
    code, answer = shell.attempt("docker", "inspect", "--format", "{{.Id}}", NODE)
    return answer.strip() if code == 0 else ""


def is_whole(session: Session) -> bool:
    """Whether the cluster was made to its end by us: an interrupted creation leaves nodes that never work."""
    return bool(found := node_id(session.shell)) and session.state.read().get("cluster") == found


def nodes(shell: Shell) -> list[str]:
    return shell.run("kind", "get", "nodes", "--name", CLUSTER).split()


def create(session: Session, shell: Shell, *, image: str | None, config: Path) -> None:
    """Create the cluster and wait until pods can run; `image` is the node's, kind's own where None."""
    if node_id(shell):
        shell.do("kind", "delete", "cluster", "--name", CLUSTER)
    session.state.update(cluster=None, network=not _has_network(shell) or session.state.read().get("network"))
    (session.places.cache / "shared").mkdir(parents=True, exist_ok=True)
    chosen = ["--image", image] if image else []
    # In the cache folder: kind.yaml names the shared folder relative to it.
    kind = (
        "kind",
        "create",
        "cluster",
        "--name",
        CLUSTER,
        "--config",
        str(config),
        "--wait",
        f"{WAIT_SECONDS}s",
        *chosen,
    )
    shell.do(*kind, cwd=session.places.cache)
    wait(shell)
    session.state.update(cluster=node_id(shell))


def wake(shell: Shell) -> None:
    """Start nodes that are stopped, as after a restart of Docker, and wait until pods can run."""
    stopped = shell.run("docker", "ps", "-q", "--filter", f"label={LABEL}", "--filter", "status=exited").split()
    if stopped:
        shell.do("docker", "start", *stopped)
    wait(shell)
    _wait_current(shell)


def _wait_current(shell: Shell) -> None:
    """Wait until nothing that the API server tells is from before its nodes were started.

    It remembers everything as it was when the power went: nodes and pods ready, Services leading to the pods' old
    addresses. The kubelets report anew within seconds, but the controller manager waits for its own lease of before
    to run out, and until then nobody corrects the Services. An address that no pod has any more leads out of the
    cluster, where anything may answer.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while old := outdated(
        _started(shell), json.loads(shell.run("kubectl", "get", REMEMBERED, "-A", "-o", "json"))["items"]
    ):
        if time.monotonic() > deadline:
            raise LocalError(f"{old[0]} is not back {WAIT_SECONDS} s after its node was started", shell.log)
        time.sleep(1)


def _started(shell: Shell) -> dict[str, str]:
    """Return when each node was started, in UTC."""
    members = nodes(shell)
    lines = shell.run("docker", "inspect", "--format", "{{.State.StartedAt}}", *members).split()
    return dict(zip(members, lines, strict=True))


def outdated(started: Mapping[str, str], items: Sequence[dict[str, Any]]) -> list[str]:
    """Return what tells of a time before the nodes were started.

    Args:
        started: When each node was started.
        items: Pods, leases and EndpointSlices, as the API server has them.

    Returns:
        namespace/name of pods with containers that run, as they say, since before their node was started; of the
        controller manager's lease, while it is the one from before; of Services that lead to addresses which the
        pods that they name do not have.
    """
    pods = {_name(item): item for item in items if item["kind"] == "Pod"}
    since = {node: dt.datetime.fromisoformat(at).replace(microsecond=0) for node, at in started.items()}
    found = [name for name, pod in pods.items() if _ran_before(pod, since)]
    for item in items:
        if item["kind"] == "Lease" and item["metadata"]["name"] == MANAGER:
            if dt.datetime.fromisoformat(item["spec"]["acquireTime"]) < since.get(NODE, LONG_AGO):
                found.append(_name(item))
        elif item["kind"] == "EndpointSlice" and _misleads(item, pods):
            found.append(_name(item))
    return found


def _name(item: dict[str, Any]) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def _ran_before(pod: dict[str, Any], since: Mapping[str, dt.datetime]) -> bool:
    node = since.get(pod["spec"].get("nodeName", ""), LONG_AGO)
    states = [one["state"].get("running") for one in pod["status"].get("containerStatuses", [])]
    return any(running and dt.datetime.fromisoformat(running["startedAt"]) < node for running in states)


def _misleads(endpoints: dict[str, Any], pods: Mapping[str, dict[str, Any]]) -> bool:
    for endpoint in endpoints.get("endpoints") or ():
        target = endpoint.get("targetRef", {})
        if target.get("kind") == "Pod":
            pod = pods.get(f"{target['namespace']}/{target['name']}", {"status": {}})
            has = {address["ip"] for address in pod["status"].get("podIPs", ())}
            if not has.issuperset(endpoint["addresses"]):
                return True
    return False


def wait(shell: Shell) -> None:
    """Wait until every node is ready and names resolve."""
    deadline = time.monotonic() + WAIT_SECONDS
    # Nodes that were just started have no API server yet, for which kubectl itself does not wait.
    while shell.attempt("kubectl", "get", "--raw=/readyz", timeout_seconds=ANSWER_SECONDS)[0] != 0:
        if time.monotonic() > deadline:
            raise LocalError(f"the cluster's API server did not answer within {WAIT_SECONDS} s", shell.log)
        time.sleep(1)
    shell.do("kubectl", "wait", "--for=condition=Ready", "node", "--all", f"--timeout={WAIT_SECONDS}s")
    shell.do("kubectl", "-n", "kube-system", "rollout", "status", "deployment/coredns", f"--timeout={WAIT_SECONDS}s")


def load(shell: Shell, images: Sequence[str]) -> list[str]:
    """Copy images into every node that lacks one; return those that were copied."""
    members = nodes(shell)
    if not members:
        raise LocalError(f"there is no cluster {CLUSTER}: run `up` first.")
    held = [set(_held(shell, member)) for member in members]
    missing = [image for image in images if any(_full(image) not in names for names in held)]
    if missing:
        shell.do("kind", "load", "docker-image", *missing, "--name", CLUSTER)
    return missing


def delete(session: Session, shell: Shell) -> bool:
    """Delete the cluster and, if it was made for it, kind's network; return whether there was one."""
    found = bool(shell.run("docker", "ps", "-aq", "--filter", f"label={LABEL}").strip())
    if found:
        shell.do("kind", "delete", "cluster", "--name", CLUSTER)
    for filler in shell.run("docker", "ps", "-aq", "--filter", "name=^podbt-filler-").split():
        shell.do("docker", "rm", "--force", filler)
    if session.state.read().get("network"):
        # Refused while another cluster's nodes are on it, and then it must stay.
        shell.attempt("docker", "network", "rm", NETWORK)
    session.places.kubeconfig.unlink(missing_ok=True)
    session.state.update(cluster=None, network=None, source=None)
    return found


def _has_network(shell: Shell) -> bool:
    return shell.attempt("docker", "network", "inspect", NETWORK)[0] == 0


def _held(shell: Shell, node: str) -> list[str]:
    return shell.run("docker", "exec", node, "ctr", "-n", "k8s.io", "images", "ls", "-q").split()


def _full(image: str) -> str:
    """The name under which containerd holds an image that Docker knows by a short one."""
    first, *rest = image.split("/")
    if not rest:
        return f"docker.io/library/{image}"
    return image if first == "localhost" or {".", ":"} & set(first) else f"docker.io/{image}"
