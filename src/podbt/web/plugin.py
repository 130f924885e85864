"""The pages in Airflow's UI: a plugin that Airflow finds by its entry point.

All of Airflow's processes import it, so what the pages need is imported with the first request, in the api-server.
"""

import os
from typing import Any, ClassVar, Final

from airflow.plugins_manager import AirflowPlugin

from podbt import constants

PREFIX: Final = "/podbt"
_ICON: Final = "podbt/static/icon.svg"


class _Pages:
    """The application, made when it is first asked for something."""

    def __init__(self) -> None:
        self._made: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._made is None:
            from podbt.web.serve import pages  # noqa: PLC0415

            self._made = pages()
        await self._made(scope, receive, send)


def _view(name: str, page: str, destination: str, route: str, **more: Any) -> dict[str, Any]:
    # Relative: Airflow may live below a path.
    return {"name": name, "href": f"podbt/{page}", "destination": destination, "url_route": route, **more}


_ENABLED: Final = os.environ.get(constants.ENV_PAGE) != "0"


class RunPagePlugin(AirflowPlugin):
    """Adds the pages, and a tab of them wherever Airflow shows a DAG, a run or a task."""

    name = "podbt"
    fastapi_apps: ClassVar[list[Any]] = [{"name": "podbt", "app": _Pages(), "url_prefix": PREFIX}] if _ENABLED else []
    external_views: ClassVar[list[Any]] = (
        [
            _view("dbt runs", "runs", "nav", "podbt", category="browse", icon=_ICON),
            _view("dbt", "runs?dag_id={DAG_ID}", "dag", "podbt-dag"),
            _view("dbt", "runs?dag_id={DAG_ID}&run_id={RUN_ID}", "dag_run", "podbt-run"),
            _view(
                "dbt",
                "task?dag_id={DAG_ID}&run_id={RUN_ID}&task_id={TASK_ID}&map_index={MAP_INDEX}",
                "task_instance",
                "podbt-task",
            ),
        ]
        if _ENABLED
        else []
    )
