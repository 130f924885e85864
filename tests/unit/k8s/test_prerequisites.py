from dataclasses import replace

import pytest
from localcluster.machine import Machine, Source, Tool
from localcluster.prerequisites import DISK_MIB, MEMORY_MIB, problems

GO = Tool(path="/usr/bin/go", version=(1, 26, 0))
CLIENTS = {
    "kind": Tool(path="/bin/kind", version=(0, 33, 0)),
    "kubectl": Tool(path="/bin/kubectl", version=(1, 37, 2)),
    "helm": Tool(path="/bin/helm", version=(4, 3, 1)),
}
# root on Debian, nothing but package registries
BARE = Machine(
    root=True,
    debian=True,
    docker_cli=False,
    docker=False,
    docker_denied=False,
    docker_host="",
    source=Source.PACKAGES,
    tools={"go": GO},
    memory_mib=MEMORY_MIB,
    disk_mib=DISK_MIB[Source.PACKAGES],
)
# anybody with Docker, a registry and the three programs
COMFORTABLE = Machine(
    root=False,
    debian=False,
    docker_cli=True,
    docker=True,
    docker_denied=False,
    docker_host="",
    source=Source.REGISTRY,
    tools=CLIENTS,
    memory_mib=MEMORY_MIB,
    disk_mib=DISK_MIB[Source.REGISTRY],
)


@pytest.mark.parametrize(
    "machine", [BARE, COMFORTABLE, replace(COMFORTABLE, tools={"go": GO})], ids=["bare", "comfortable", "go"]
)
def test_enough(machine: Machine) -> None:
    assert problems(machine, fresh=True) == []


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (replace(BARE, root=False, source=Source.REGISTRY), ["No Docker daemon answers", "as root"]),
        (
            replace(BARE, debian=False, source=Source.REGISTRY),
            ["No Docker daemon answers", "only on Debian", "install and start Docker"],
        ),
        (
            replace(BARE, docker_cli=True, docker_denied=True, source=Source.REGISTRY),
            ["refuses this user", "group docker"],
        ),
        (
            replace(BARE, docker_host="tcp://far:1", source=Source.REGISTRY),
            ["tcp://far:1 does not answer", "unset DOCKER_HOST"],
        ),
        (
            replace(COMFORTABLE, source=Source.PACKAGES, debian=True, disk_mib=10**6, tools={"go": GO}),
            ["needs root", "PODBT_IMAGES=registry"],
        ),
        (replace(COMFORTABLE, source=Source.PACKAGES, root=True, disk_mib=10**6, tools={"go": GO}), ["on Debian only"]),
        (replace(BARE, tools={}), ["needs Go 1.21 or newer", "install it"]),
        (replace(BARE, tools={"go": Tool(path="go", version=(1, 19, 8))}), ["Go 1.21 or newer (found 1.19.8)"]),
        (replace(COMFORTABLE, tools={}), ["kind 0.30 or newer, kubectl 1.34 or newer, Helm 4", "Install them, or Go"]),
        (
            replace(COMFORTABLE, tools={**CLIENTS, "helm": Tool(path="helm", version=(3, 19, 0))}),
            ["Helm 4 (found 3.19.0)"],
        ),
        (replace(COMFORTABLE, busy_ports=(30080,)), ["Port 30080", "in use"]),
        (replace(COMFORTABLE, memory_mib=2048), ["2048 MiB of memory", str(MEMORY_MIB)]),
        (replace(BARE, disk_mib=5000), ["5000 MiB free", "PODBT_CACHE"]),
    ],
    ids=lambda value: value[0].split()[0] if isinstance(value, list) else "machine",
)
def test_each_lack_is_one_line(machine: Machine, words: list[str]) -> None:
    lines = problems(machine, fresh=True)
    matching = [line for line in lines if all(word in line for word in words)]
    assert len(matching) == 1, lines
    assert "\n" not in matching[0]


def test_every_lack_is_told_at_once() -> None:
    lines = problems(replace(BARE, root=False, tools={}, memory_mib=1, disk_mib=1), fresh=True)
    assert len(lines) == 5


def test_room_is_not_asked_of_a_cluster_that_is_there() -> None:
    assert problems(replace(COMFORTABLE, busy_ports=(30080,), memory_mib=1, disk_mib=1), fresh=False) == []
