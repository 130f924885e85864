"""The edges between a group's tasks."""

from collections.abc import Iterable

from airflow.sdk import BaseOperator


def put_before(first: Iterable[BaseOperator], then: BaseOperator) -> None:
    """Lets a task follow upon others of its DAG: `first >> then`.

    Airflow's own operator hashes the DAG once a task that it names, and that hash reads the names of all its tasks. So
    the edges of 1,667 models took a third of their group's parse. Between tasks of one DAG no more comes of it than
    these two sets.
    """
    for one in first:
        one.downstream_task_ids.add(then.task_id)
        then.upstream_task_ids.add(one.task_id)
