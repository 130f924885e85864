"""The checks of Kubernetes' Pod Security Standard "restricted", for a pod spec as a dict."""

from collections.abc import Iterator
from typing import Any

_VOLUME_TYPES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
_HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC", "hostUsers")
_SECCOMP = {"RuntimeDefault", "Localhost"}


def violations(spec: dict[str, Any]) -> list[str]:
    """Names each rule of the restricted profile that a pod breaks."""
    return [*_pod_violations(spec), *_container_violations(spec)]


def _pod_violations(spec: dict[str, Any]) -> Iterator[str]:
    pod = spec.get("securityContext", {})
    yield from (f"{field} is set" for field in _HOST_FIELDS[:3] if spec.get(field))
    for volume in spec.get("volumes", []):
        if kinds := set(volume) - {"name"} - _VOLUME_TYPES:
            yield f"volume {volume['name']} is a {kinds.pop()}"
    if pod.get("sysctls"):
        yield "sysctls are set"
    if pod.get("runAsUser") == 0:
        yield "the pod runs as root"


def _container_violations(spec: dict[str, Any]) -> Iterator[str]:
    pod = spec.get("securityContext", {})
    for container in [*spec.get("initContainers", []), *spec["containers"], *spec.get("ephemeralContainers", [])]:
        name, own = container["name"], container.get("securityContext", {})
        if own.get("privileged"):
            yield f"{name} is privileged"
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{name} allows privilege escalation"
        capabilities = own.get("capabilities", {})
        if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
            yield f"{name} keeps capabilities"
        if not own.get("runAsNonRoot", pod.get("runAsNonRoot")):
            yield f"{name} may run as root"
        if own.get("runAsUser") == 0:
            yield f"{name} runs as root"
        seccomp = own.get("seccompProfile", pod.get("seccompProfile", {})).get("type")
        if seccomp not in _SECCOMP:
            yield f"{name} has seccomp profile {seccomp}"
        if own.get("procMount", "Default") != "Default":
            yield f"{name} has procMount {own['procMount']}"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"{name} has a host port"
