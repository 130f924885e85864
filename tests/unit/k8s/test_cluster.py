import json
from pathlib import Path

import pytest
from localcluster import cluster
from localcluster.session import Session
from localcluster.shell import LocalError, Shell
from tests.support.programs import Programs

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
    programs.add("kind", "echo node-1")
    programs.add("docker", 'case "$1" in ps) echo node-1 ;; inspect) echo 2026-01-02T03:04:05.6789Z ;; esac')
    # Its API server answers at the second look, and at first tells of a pod as it was.
    asked, told = programs.folder / "asked", programs.folder / "told"
    old, new = (json.dumps({"items": [pod("one", "node-1", f"2026-01-02T03:04:{second}Z")]}) for second in ("00", "30"))
    programs.add(
        "kubectl",
        f"""case "$*" in
          *readyz*) [ -e {asked} ] || {{ touch {asked}; exit 1; }} ;;
          *pods*) if [ -e {told} ]; then echo '{new}'; else touch {told}; echo '{old}'; fi ;;
        esac""",
    )
    cluster.wake(session.shell)
    assert "docker start node-1" in programs.calls
    kubectl = [call for call in programs.calls if call.startswith("kubectl")]
    assert [call.split()[1] for call in kubectl] == ["get", "get", "wait", "-n", "get", "get"]


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


def pod(name: str, node: str, *since: str | None) -> dict[str, object]:
    """A pod with a container for each time; None for one that does not run."""
    states = [{"running": {"startedAt": at}} if at else {"terminated": {}} for at in since]
    return {
        "kind": "Pod",
        "metadata": {"namespace": "ns", "name": name},
        "spec": {"nodeName": node} if node else {},
        "status": {"containerStatuses": [{"state": state} for state in states]} if states else {},
    }


def test_what_ran_before_its_node_was_started_is_out_of_date() -> None:
    started = {"a": "2026-01-02T03:04:05.678901234Z", "b": "2026-01-01T00:00:00Z"}
    pods = [
        pod("before", "a", "2026-01-02T03:04:04Z"),
        pod("one-of-two", "a", "2026-01-02T03:05:00Z", "2026-01-01T00:00:00Z"),
        pod("in-the-same-second", "a", "2026-01-02T03:04:05Z"),
        pod("other-node", "b", "2026-01-01T12:00:00Z"),
        pod("ended", "a", None),
        pod("not-placed", ""),
    ]
    assert cluster.outdated(started, pods) == ["ns/before", "ns/one-of-two"]


def lease(name: str, since: str) -> dict[str, object]:
    return {"kind": "Lease", "metadata": {"namespace": "kube-system", "name": name}, "spec": {"acquireTime": since}}


def test_lease_of_before_the_nodes_were_started_is_out_of_date() -> None:
    started = {"podbt-control-plane": "2026-01-02T03:04:05.678901234Z"}
    before, after = "2026-01-02T03:03:59.123456Z", "2026-01-02T03:04:25.123456Z"
    manager = "kube-controller-manager"
    assert cluster.outdated(started, [lease(manager, before)]) == [f"kube-system/{manager}"]
    assert cluster.outdated(started, [lease(manager, after), lease("podbt-control-plane", before)]) == []


@pytest.mark.parametrize(
    ("addresses", "pod_ips", "late"),
    [
        (["10.0.0.7"], ["10.0.0.7"], False),
        (["10.0.0.7"], ["10.0.0.9"], True),
        (["10.0.0.7"], [], True),
        (["10.0.0.7"], ["10.0.0.7", "fd00::7"], False),
    ],
)
def test_services_that_lead_to_addresses_of_before_are_out_of_date(
    addresses: list[str], pod_ips: list[str], *, late: bool
) -> None:
    web = {**pod("web", "a"), "status": {"podIPs": [{"ip": ip} for ip in pod_ips]}}
    target = {"kind": "Pod", "namespace": "ns", "name": "web"}
    service = {
        "kind": "EndpointSlice",
        "metadata": {"namespace": "ns", "name": "web-x1"},
        "endpoints": [{"addresses": addresses, "targetRef": target}],
    }
    outside = {"kind": "EndpointSlice", "metadata": {"namespace": "default", "name": "kubernetes"}, "endpoints": None}
    assert cluster.outdated({}, [service, web, outside]) == (["ns/web-x1"] if late else [])
    assert cluster.outdated({}, [service]) == ["ns/web-x1"], "it names a pod that is gone"
