"""The last resort: what a patch adds to a dbt pod, and what it may not touch."""

from typing import Any

import pytest

from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.settings.load import parse_settings
from podbt.contract.step import Step
from podbt.errors import ConfigError
from podbt.pod.build import pod_manifest

BASE: dict[str, Any] = {
    "image": "registry.example.com/dbt:1",
    "target": "prod",
    "namespace": "jobs",
    "service_account": "dbt",
    "profiles_secret": {"name": "profiles"},
    "artifacts": {"claim": "runs"},
}
IDENTITY = RunIdentity(dag_id="d", run_id="r", task_id="t")


def manifest(**settings: Any) -> dict[str, Any]:
    read = parse_settings({**BASE, **settings}, source="settings.yaml")
    assert isinstance(read, Settings)
    return pod_manifest(read, Step.of(select="a"), IDENTITY)


def patched(**spec: Any) -> dict[str, Any]:
    return manifest(pod_patch={"spec": spec})


def refusal(**settings: Any) -> str:
    with pytest.raises(ConfigError) as error:
        manifest(**settings)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_without_a_patch_the_pod_is_the_same() -> None:
    assert manifest() == manifest(pod_patch={})


def test_containers_volumes_and_variables_are_merged_by_name() -> None:
    pod = patched(
        containers=[
            {
                "name": "dbt",
                "env": [{"name": "LICENCE", "value": "x"}],
                "resources": {"limits": {"example.com/gpu": "1"}},
                "volumeMounts": [{"name": "licences", "mountPath": "/opt/licences"}],
            }
        ],
        volumes=[{"name": "licences", "secret": {"secretName": "licences"}}],
        runtimeClassName="gvisor",
    )
    (dbt,) = pod["spec"]["containers"]
    before = manifest()["spec"]
    assert dbt["env"] == [*before["containers"][0]["env"], {"name": "LICENCE", "value": "x"}]
    assert dbt["resources"]["limits"] == {"memory": "2Gi", "example.com/gpu": "1"}
    assert dbt["volumeMounts"][:-1] == before["containers"][0]["volumeMounts"]
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["scratch", "artifacts", "profiles", "licences"]
    assert pod["spec"]["runtimeClassName"] == "gvisor"
    assert dbt["args"] == before["containers"][0]["args"]


def test_a_sidecar_is_restricted_as_dbt_is() -> None:
    pod = patched(initContainers=[{"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"}])
    (sidecar,) = pod["spec"]["initContainers"]
    assert sidecar["securityContext"]["allowPrivilegeEscalation"] is False
    assert sidecar["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_labels_and_annotations_join_ours() -> None:
    pod = manifest(pod_patch={"metadata": {"labels": {"team": "data"}, "annotations": {"a/b": "c"}}})
    assert pod["metadata"]["labels"]["team"] == "data"
    assert pod["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "podbt"
    assert pod["metadata"]["annotations"]["a/b"] == "c"


@pytest.mark.parametrize(
    ("patch", "word"),
    [
        ({"spec": {"containers": [{"name": "dbt", "command": ["sh"]}]}}, "command"),
        ({"spec": {"containers": [{"name": "dbt", "args": []}]}}, "args"),
        ({"spec": {"containers": [{"name": "dbt", "image": "other:1"}]}}, "image"),
        ({"spec": {"containers": [{"name": "other"}]}}, "dbt"),
        ({"spec": {"containers": [{"name": "dbt", "securityContext": {"privileged": True}}]}}, "securityContext"),
        ({"spec": {"containers": [{"name": "dbt", "env": [{"name": "PODBT_RUN_ID", "value": "x"}]}]}}, "PODBT_RUN_ID"),
        ({"spec": {"initContainers": [{"name": "dbt", "image": "a:1"}]}}, "own container"),
        ({"spec": {"initContainers": [{"name": "a", "image": "a"}]}}, "not pinned"),
        ({"spec": {"initContainers": [{"name": "a", "image": "a:1", "securityContext": {}}]}}, "securityContext"),
        ({"spec": {"securityContext": {"runAsUser": 0}}}, "securityContext"),
        ({"spec": {"hostNetwork": True}}, "hostNetwork"),
        ({"spec": {"hostUsers": True}}, "hostUsers"),
        ({"spec": {"automountServiceAccountToken": True}}, "automountServiceAccountToken"),
        ({"spec": {"serviceAccountName": "other"}}, "serviceAccountName"),
        ({"spec": {"restartPolicy": "Always"}}, "restartPolicy"),
        ({"spec": {"activeDeadlineSeconds": 1}}, "activeDeadlineSeconds"),
        ({"spec": {"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}}, "hostPath"),
        ({"spec": {"volumes": [{"name": "profiles", "emptyDir": {}}]}}, "podbt's own"),
        ({"metadata": {"labels": {"podbt.io/dag-id": "x"}}}, "podbt.io/dag-id"),
        ({"metadata": {"name": "x"}}, "name"),
        ({"status": {}}, "status"),
    ],
    ids=str,
)
def test_promises_are_kept(patch: dict[str, Any], word: str) -> None:
    assert word in refusal(pod_patch=patch)


def test_added_volumes_are_mounted_beside_ours() -> None:
    volume = {"name": "ca", "configMap": {"name": "ca"}}
    mount = {"name": "ca", "mountPath": "/etc/ca", "readOnly": True}
    pod = manifest(volumes=[volume], volume_mounts=[mount])
    assert pod["spec"]["volumes"][-1] == volume
    assert pod["spec"]["containers"][0]["volumeMounts"][-1] == mount


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"volumes": [{"name": "a"}]}, "one kind"),
        ({"volumes": [{"name": "a", "emptyDir": {}, "secret": {}}]}, "one kind"),
        ({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "a", "secret": {}}]}, "twice"),
        ({"volume_mounts": [{"name": "a", "mountPath": "/a"}]}, "none of volumes"),
        ({"volume_mounts": [{"name": "a", "mountPath": "/artifacts/x"}]}, "/artifacts"),
        ({"volume_mounts": [{"name": "a", "mountPath": "/etc"}]}, "/etc/podbt/profiles"),
        ({"volumes": [{"name": "a", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]}, "audience"),
        ({"topology_spread_constraints": [{"maxSkew": 0}]}, "maxSkew"),
        ({"affinity": {"podAfinity": {}}}, "podAfinity"),
        ({"pod_security": {"run_as_user": 0}}, "run_as_user"),
    ],
    ids=str,
)
def test_what_would_fail_later_is_refused(settings: dict[str, Any], word: str) -> None:
    assert word in refusal(**settings)


def test_ids_are_the_settings_or_the_clusters() -> None:
    def context(**ids: int | None) -> dict[str, Any]:
        return dict(manifest(pod_security=ids)["spec"]["securityContext"])

    assert (context()["runAsUser"], context()["fsGroup"]) == (65532, 65532)
    assert context(run_as_user=1000660000)["runAsUser"] == 1000660000
    none = context(run_as_user=None, run_as_group=None, fs_group=None)
    assert not {"runAsUser", "runAsGroup", "fsGroup"} & set(none)
    assert none["runAsNonRoot"] is True
