"""Plain KubernetesPodOperators, with that operator's defaults.

But for `in_cluster`: without it, and without a connection, the operator finds the cluster by itself and its trigger
does not ("Invalid kube-config file"): the task comes back to a worker up to three times, and may fail (provider
10.25).
"""

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG
from bench.peers.common import TARGET, image_of, new_dag, selection_of
from bench.peers.light import STEPS
from bench.peers.pods import BASE, build_arguments, plain_pod, small

from podbt.airflow.resolve import pod_settings


def one(project: str) -> DAG:
    """One plain deferrable KubernetesPodOperator, with its defaults."""
    settings = pod_settings({})
    with new_dag(f"{project}_kpo") as dag:
        KubernetesPodOperator(
            task_id="build",
            namespace=settings.namespace,
            full_pod_spec=plain_pod(settings, image_of(project), command=["dbt"]),
            arguments=build_arguments(TARGET, selection_of(project)),
            base_container_name=BASE,
            in_cluster=True,
            deferrable=True,
        )
    return dag


def steps(name: str, *, deferrable: bool, number: int = STEPS) -> DAG:
    """Short KubernetesPodOperators that do not depend on one another."""
    settings = pod_settings({})
    with new_dag(name) as dag:
        for index in range(number):
            KubernetesPodOperator(
                task_id=f"step_{index:02}",
                namespace=settings.namespace,
                full_pod_spec=small(plain_pod(settings, image_of("step"))),
                arguments=["{{ dag_run.conf['work'] }}"],
                base_container_name=BASE,
                in_cluster=True,
                deferrable=deferrable,
            )
    return dag
