"""What the API server says of a pod, as far as following one takes."""

from typing import Any

from podbt.contract.record import Summary


def running() -> dict[str, Any]:
    return {"phase": "Running", "containerStatuses": [{"name": "dbt", "state": {"running": {}}}]}


def ended(summary: Summary | None, code: int, reason: str = "Error") -> dict[str, Any]:
    message = summary.to_termination_message() if summary else ""
    terminated = {"exitCode": code, "reason": reason, "message": message, "finishedAt": "2026-01-01T00:00:00Z"}
    statuses = [{"name": "dbt", "state": {"terminated": terminated}}]
    return {"phase": "Failed" if code else "Succeeded", "containerStatuses": statuses}


def beside(status: dict[str, Any], other: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pod's status with a container in it that somebody else put there, before dbt's."""
    injected = {"name": "proxy", "state": other}
    return {**status, "containerStatuses": [injected, *status["containerStatuses"]], **more}
