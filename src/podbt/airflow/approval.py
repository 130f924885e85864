"""A person's word before a full refresh."""

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator


class ApproveFullRefresh(ApprovalOperator):
    """Asks for an approval where the DAG's parameter `full_refresh` is set, and passes at once where it is not.

    Waiting takes no worker and no trigger. After a rejection all that stands behind the task is skipped, and skipped
    again should somebody clear it alone. Silence until `response_timeout` fails the task.

    Args:
        kwargs: ApprovalOperator's arguments; `assigned_users` says who may answer.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("subject", "Full refresh of {{ params.selector or params.select or 'everything' }}")
        kwargs.setdefault(
            "body",
            "Tables are rebuilt from their sources: dbt {{ params.command }} --full-refresh on target "
            "{{ params.target }}, asked for in run {{ run_id }}.",
        )
        super().__init__(**{"ignore_downstream_trigger_rules": True, "retries": 0, **kwargs})

    def execute(self, context: Any) -> Any:
        """See ApprovalOperator."""
        if not context["params"].get("full_refresh"):
            self.log.info("No full refresh is asked for, so nobody has to approve it")
            return None
        return super().execute(context)
