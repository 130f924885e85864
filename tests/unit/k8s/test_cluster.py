from pathlib import Path

import pytest
from localcluster import cluster
from localcluster.session import Session
from localcluster.shell import LocalError, Shell
from tests.unit.k8s.conftest import Programs

# Two nodes; what each holds is in a file of its name, and `kind load` adds to both.
KIND = """
case "$1" in
  get) echo "podbt-control-plane podbt-worker" ;;
  load) for image in "${{@:3}}"; do [ "$image" != --name ] || break
          for node in podbt-control-plane podbt-worker; do echo "docker.io/library/$image" >>{folder}/$node; done
        done ;;
esac
"""
DOCKER = 'case "$1" in exec) cat {folder}/$2 2>/dev/null || true ;; esac'


@pytest.fixture
def kind(programs: Programs) -> Programs:
    programs.add("kind", KIND.format(folder=programs.folder))
    programs.add("docker", DOCKER.format(folder=programs.folder))
    return programs


def test_load_copies_only_what_a_node_lacks(kind: Programs, shell: Shell) -> None:
    assert cluster.load(shell, ["a:1", "b:1"]) == ["a:1", "b:1"]
    assert cluster.load(shell, ["a:1", "b:1", "c:1"]) == ["c:1"]
    assert cluster.load(shell, ["a:1", "b:1", "c:1"]) == []
    loads = [call for call in kind.calls if call.startswith("kind load")]
    assert loads == ["kind load docker-image a:1 b:1 --name podbt", "kind load docker-image c:1 --name podbt"]


def test_load_mends_a_single_node(kind: Programs, shell: Shell) -> None:
    cluster.load(shell, ["a:1"])
    (kind.folder / "podbt-worker").write_text("")
    assert cluster.load(shell, ["a:1"]) == ["a:1"]


@pytest.mark.parametrize("image", ["far.example/team/app:1", "localhost/app:1", "localhost:5000/app:1"])
def test_full_names_are_compared_as_they_are(kind: Programs, shell: Shell, image: str) -> None:
    for node in ("podbt-control-plane", "podbt-worker"):
        (kind.folder / node).write_text(f"{image}\n")
    assert cluster.load(shell, [image]) == []


def test_load_without_a_cluster(shell: Shell, programs: Programs) -> None:
    programs.add("kind", "exit 0")
    with pytest.raises(LocalError, match="no cluster podbt: run `up` first"):
        cluster.load(shell, ["a:1"])


def test_cluster_counts_only_when_it_was_made_to_its_end(session: Session, programs: Programs) -> None:
    programs.add("docker", '[ "$1" != inspect ] || echo container-1')
    assert not cluster.is_whole(session)
    session.state.update(cluster="container-1")
    assert cluster.is_whole(session)
    programs.add("docker", '[ "$1" != inspect ] || echo container-2')
    assert not cluster.is_whole(session)


def test_half_made_cluster_is_made_anew(session: Session, programs: Programs) -> None:
    programs.add("docker", '[ "$1" != inspect ] || echo half-made')
    programs.add("kind", "exit 0")
    programs.add("kubectl", "exit 0")
    cluster.create(session, session.shell, image="node:1", config=Path("/kind.yaml"))
    kind = [call for call in programs.calls if call.startswith("kind")]
    assert kind[0] == "kind delete cluster --name podbt"
    assert kind[1].startswith("kind create cluster --name podbt --config /kind.yaml")
    assert kind[1].endswith("--image node:1")
    assert session.state.read()["cluster"] == "half-made"


def test_woken_cluster_is_waited_for(session: Session, programs: Programs) -> None:
    programs.add("docker", '[ "$1" != ps ] || echo node-1')
    # Its API server answers at the second look.
    asked = programs.folder / "asked"
    programs.add("kubectl", f'case "$*" in *readyz*) [ -e {asked} ] || {{ touch {asked}; exit 1; }} ;; esac')
    cluster.wake(session.shell)
    assert "docker start node-1" in programs.calls
    kubectl = [call for call in programs.calls if call.startswith("kubectl")]
    assert [call.split()[1] for call in kubectl] == ["get", "get", "wait", "-n"]


def test_failed_creation_leaves_no_whole_cluster(session: Session, programs: Programs) -> None:
    programs.add("docker", '[ "$1" != inspect ] || echo container-1')
    programs.add("kind", '[ "$1" != create ] || { echo "ERROR: failed to create cluster: no port" >&2; exit 1; }')
    session.state.update(cluster="container-1")
    with pytest.raises(LocalError, match="no port"):
        cluster.create(session, session.shell, image=None, config=Path("/kind.yaml"))
    assert not cluster.is_whole(session)


@pytest.mark.parametrize("made", [True, False], ids=["made-here", "there-before"])
def test_network_goes_only_if_it_was_made_here(session: Session, programs: Programs, *, made: bool) -> None:
    programs.add("docker", "exit 0")
    programs.add("kind", "exit 0")
    session.state.update(network=made or None)
    cluster.delete(session, session.shell)
    assert ("docker network rm kind" in programs.calls) is made
    assert session.state.read() == {}
