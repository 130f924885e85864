import socket
from pathlib import Path

import pytest
from localcluster import machine
from localcluster.machine import Source
from localcluster.shell import Shell
from tests.support.programs import Programs

DOCKER = """
case "$1 $2" in
  "info --format") echo "8589934592 28.2.2" ;;
  "manifest inspect") {manifest} ;;
esac
"""


def test_comfortable_machine(shell: Shell, programs: Programs, tmp_path: Path) -> None:
    programs.add("docker", DOCKER.format(manifest="echo {}"))
    programs.add("kind", "echo 'kind v0.33.0 go1.26.8 linux/amd64'")
    programs.add("helm", "echo v4.3.1")
    programs.add(
        "kubectl", """echo '{"clientVersion": {"major": "1", "gitVersion": "v1.37.2"}, "kustomizeVersion": "v5.8.0"}'"""
    )
    found = machine.look(shell, tmp_path / "not" / "yet", (), None)
    assert (found.docker, found.docker_cli, found.source, found.memory_mib) == (True, True, Source.REGISTRY, 8192)
    assert {name: tool.version for name, tool in found.tools.items()} == {
        "kind": (0, 33, 0),
        "helm": (4, 3, 1),
        "kubectl": (1, 37, 2),
    }
    assert found.disk_mib > 0


def test_bare_machine(shell: Shell, programs: Programs, tmp_path: Path) -> None:
    programs.add("go", "echo go1.26.8")
    for name in ("apt-get", "dpkg-query"):
        programs.add(name, "exit 0")
    found = machine.look(shell, tmp_path, (), None)
    assert (found.docker, found.docker_cli, found.debian, found.source) == (False, False, True, Source.PACKAGES)
    assert found.tools["go"].version == (1, 26, 8)
    assert found.memory_mib > 0


def test_client_without_a_daemon(shell: Shell, programs: Programs, tmp_path: Path) -> None:
    # As Docker's client 28 answers: a template half filled in, and code 1.
    programs.add("docker", "echo '0 '; echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    found = machine.look(shell, tmp_path, (), None)
    assert (found.docker, found.docker_cli, found.docker_denied) == (False, True, False)


def test_daemon_that_refuses_this_user(shell: Shell, programs: Programs, tmp_path: Path) -> None:
    programs.add("docker", "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1")
    assert machine.look(shell, tmp_path, (), None).docker_denied


def test_registry_is_asked_once_and_not_for_long(
    shell: Shell, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "PROBE_SECONDS", 0.3)
    programs.add("docker", DOCKER.format(manifest="sleep 60"))
    assert machine.find_source(shell, docker_cli=True) is Source.PACKAGES
    assert programs.calls == [f"docker manifest inspect {machine.PROBE_IMAGE}"]


@pytest.mark.parametrize(("chosen", "expected"), [("registry", Source.REGISTRY), ("packages", Source.PACKAGES)])
def test_choice_is_taken_without_asking(shell: Shell, programs: Programs, chosen: str, expected: Source) -> None:
    programs.add("docker", "exit 9")
    assert machine.find_source(shell.but(PODBT_IMAGES=chosen), docker_cli=True) is expected
    assert programs.calls == []


def test_known_source_is_not_asked_again(shell: Shell, programs: Programs, tmp_path: Path) -> None:
    programs.add("docker", DOCKER.format(manifest="echo {}"))
    assert machine.look(shell, tmp_path, (), Source.PACKAGES).source is Source.PACKAGES
    assert not [call for call in programs.calls if "manifest" in call]


def test_tool_that_does_not_work_does_not_count(shell: Shell, programs: Programs) -> None:
    programs.add("kind", "echo 'kind v0.33.0'; exit 1")
    programs.add("kubectl", "echo garbage")
    assert machine.find_tools(shell) == {}


def test_busy_port() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert machine.busy(listener.getsockname()[1])
        port = listener.getsockname()[1]
    assert not machine.busy(port)


@pytest.mark.parametrize(
    ("text", "version"),
    [("go1.26.8", (1, 26, 8)), ("v4.0", (4, 0)), ("kind v0.33.0 go1.26.8", (0, 33, 0)), ("none", ())],
)
def test_parse_version(text: str, version: tuple[int, ...]) -> None:
    assert machine.parse_version(text) == version
