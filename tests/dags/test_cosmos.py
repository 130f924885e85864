"""dental_cosmos: Cosmos' own tasks, in pods like all others."""

from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

from podbt.airflow.cosmos import manifest_path


class Hook:
    is_in_cluster = True


@pytest.fixture
def pod(bag: DagBag, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The pod of dim_patients, built as on a worker but for the rendering of templates."""
    monkeypatch.setattr(KubernetesPodOperator, "hook", Hook())
    task: Any = bag.dags["dental_cosmos"].get_task("dim_patients_model_build")

    class TaskInstance:
        dag_id, task_id, run_id, try_number, map_index = "dental_cosmos", task.task_id, "r", 1, -1

    task.build_kube_args({"ti": TaskInstance(), "task_instance": TaskInstance()}, task.add_cmd_flags())
    return task.build_pod_request_obj()


def test_it_is_the_selection_with_dbts_edges(bag: DagBag) -> None:
    dag: Any = bag.dags["dental_cosmos"]
    assert sorted(dag.task_ids) == ["dim_patients_model_build", "stg_patients_model_build"]
    assert dag.get_task("dim_patients_model_build").upstream_task_ids == {"stg_patients_model_build"}


def test_the_pod_runs_dbt_through_the_images_entry_point(pod: Any) -> None:
    (container,) = pod.spec.containers
    assert container.command in (None, [])
    assert container.args[:2] == ["dbt", "build"]  # the runner takes the word
    assert container.args[-2:] == ["--project-dir", "/project"]
    assert container.args[container.args.index("--target") :][:2] == ["--target", "demo"]
    assert container.args[container.args.index("--indirect-selection") :][:2] == ["--indirect-selection", "buildable"]


def test_the_pod_is_like_all_others(pod: Any) -> None:
    (container,) = pod.spec.containers
    assert container.name == "dbt"
    assert container.image.endswith("@sha256:" + "a" * 64)
    assert container.security_context.read_only_root_filesystem is True
    assert pod.spec.automount_service_account_token is False
    assert pod.spec.service_account_name == "dbt"
    assert {mount.mount_path for mount in container.volume_mounts} >= {"/tmp", "/artifacts", "/etc/podbt/profiles"}
    assert pod.metadata.labels["app.kubernetes.io/managed-by"] == "podbt"
    assert not any(label.startswith("podbt.io/") for label in pod.metadata.labels)


def test_secrets_stay_references_and_the_record_gets_its_name(pod: Any) -> None:
    (container,) = pod.spec.containers
    env = {one.name: one for one in container.env}
    assert len(env) == len(container.env)
    assert env["WAREHOUSE_PASSWORD"].value_from.secret_key_ref.name == "warehouse"
    assert env["PODBT_DAG_ID"].value == "{{ dag.dag_id }}"  # rendered by the worker
    assert env["PODBT_TRY_NUMBER"].value == "{{ ti.try_number }}"
    assert env["PODBT_LOCK_TABLES"].value == "1"


def test_without_a_plan_there_is_no_manifest(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODBT_SETTINGS", str(tmp_path / "none.yaml"))
    assert manifest_path() is None
