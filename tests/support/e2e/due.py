"""The run that Airflow starts by itself when a DAG with a schedule is taken out of its pause."""

from tests.support.e2e.rest import Airflow
from tests.support.e2e.shell import wait_until

_SCHEDULER_SECONDS = 20


def unpause(airflow: Airflow, dag_id: str) -> str | None:
    """Takes a DAG out of its pause.

    Returns:
        The run_id of the last run that was due, which the scheduler starts now; None where it has been there already,
        or where the DAG has no schedule.
    """
    page = f"/dags/{dag_id}"

    def runs() -> set[str]:
        return {str(run["dag_run_id"]) for run in airflow.get(f"{page}/dagRuns", limit=100)["dag_runs"]}

    there, earlier = airflow.get(page), runs()
    airflow.patch(page, {"is_paused": False})
    if not (there["is_paused"] and there["timetable_summary"]):
        return None
    try:
        return wait_until("the scheduler starts a run", lambda: min(runs() - earlier, default=None),
                          seconds=_SCHEDULER_SECONDS)  # fmt: skip
    except AssertionError:
        return None
