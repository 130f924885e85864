"""Where a run's page is: the extra link of tasks, and the address in notifications and asset events."""

import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from airflow.sdk import BaseOperatorLink

from podbt import constants
from podbt.airflow import api

if TYPE_CHECKING:
    from podbt.contract.record import RunIdentity

_PAGES: Final = "/podbt"  # podbt.web.plugin serves them there


class RunPageLink(BaseOperatorLink):
    """Leads from a task to the page of its run."""

    @property
    def name(self) -> str:
        """What the button says."""
        return "dbt run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """The page of the task's last try, for a task that ends on a worker."""
        from podbt.contract.record import RunIdentity  # noqa: PLC0415 - each DAG file's parse would pay for its models

        return task_page(
            RunIdentity(dag_id=ti_key.dag_id, run_id=ti_key.run_id, task_id=ti_key.task_id, map_index=ti_key.map_index)
        )


def enabled() -> bool:
    """Whether there are pages; the chart's page.enabled turns them off."""
    return os.environ.get(constants.ENV_PAGE) != "0"


def run_page(base_url: str, artifacts: str, *, node: str | None = None) -> str:
    """The page of a run.

    Args:
        base_url: Where people open Airflow, without a slash at the end; empty: an address of the same host.
        artifacts: The run's folder.
        node: unique_id of the node that is meant.
    """
    return f"{base_url}{_PAGES}/run?{urlencode({'path': artifacts, **({'node': node} if node else {})})}"


def task_page(identity: "RunIdentity") -> str:
    """The page that leads to a task's last try, or waits for it."""
    asked = {"dag_id": identity.dag_id, "run_id": identity.run_id, "task_id": identity.task_id}
    return f"{api.base_url()}{_PAGES}/task?{urlencode({**asked, 'map_index': identity.map_index})}"


def page_xcom(artifacts: str | None, *, node: str | None = None) -> dict[str, str]:
    """What a trigger leaves as XComs beside the result: without a worker nobody else would leave the link.

    Args:
        artifacts: The run's folder; None where there is none, and then no page either.
        node: unique_id of the node that the task is for.
    """
    if not enabled() or not artifacts:
        return {}
    return {RunPageLink().xcom_key: run_page(api.base_url(), artifacts, node=node)}
