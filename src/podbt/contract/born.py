"""When a try of a task came to be, as its id tells."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

_UUID7: Final = 7


def born_at(task_instance_id: Any) -> datetime | None:
    """When a try of a task instance came to be: Airflow gives each an id of its own, and writes the time into it.

    A try is born when the DAG run is made, when the try before it failed, or when somebody cleared the task. None: the
    id is an upgraded database's old row's, which does not tell.
    """
    uuid = task_instance_id if isinstance(task_instance_id, UUID) else UUID(str(task_instance_id))
    return datetime.fromtimestamp((uuid.int >> 80) / 1000, UTC) if uuid.version == _UUID7 else None
