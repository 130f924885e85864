"""Takes note of the errors that nodes end with, while dbt handles them: what it makes of them is text."""

from collections.abc import Callable
from threading import Lock
from typing import Any

from podbt.runner.dbt.cause import Cause, cause_of
from podbt.runner.dbt.seams import Seam, Seams


class Causes:
    """The cause of each node's error, by unique_id."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, Cause] = {}

    @property
    def seams(self) -> Seams:
        """Stands where dbt makes text of a node's error."""
        return {Seam.ERROR: self._handling}

    def _handling(self, handle: Callable[..., str]) -> Callable[..., str]:
        def handle_exception(runner: Any, error: Exception, *arguments: Any, **keywords: Any) -> str:
            cause = cause_of(error)
            if cause is not None:
                self.note(str(runner.node.unique_id), cause)
            return handle(runner, error, *arguments, **keywords)

        return handle_exception

    def note(self, unique_id: str, cause: Cause) -> None:
        with self._lock:
            self._known[unique_id] = cause

    def of(self, unique_id: str) -> Cause | None:
        """Why a node failed, as far as the database is why."""
        with self._lock:
            return self._known.get(unique_id)
