"""Who is asking, and whose runs they may see, in Airflow's own words."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from airflow._shared.secrets_masker import redact
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.models.dag import DagModel

from podbt.web.index.database import Scope

login = get_user
"""A route's dependency: the user, or 401."""


def scope_of(user: Any, dag_ids: Iterable[str]) -> Scope:
    """Of the DAGs that the store has runs of, those whose runs a user may read.

    Each is asked for by its name. An auth manager also answers a question without a name, but FAB then says yes to
    whoever may read a single DAG. A DAG that Airflow does not know, and runs that somebody started by hand, are for
    those who may read all.
    """
    manager, wanted = get_auth_manager(), sorted(dag_ids)
    teams = DagModel.get_dag_id_to_team_name_mapping(wanted) if wanted else {}
    return Scope(
        frozenset(
            dag_id
            for dag_id in wanted
            if manager.is_authorized_dag(
                method="GET",
                access_entity=DagAccessEntity.RUN,
                details=DagDetails(id=dag_id, team_name=teams.get(dag_id)),
                user=user,
            )
        )
    )


def mask(text: str) -> str:
    """A text as Airflow would log it."""
    return str(redact(text))


def login_address(path: str) -> str:
    """Where a browser is sent that is not logged in, from a page of podbt's. It comes back afterwards."""
    return f"../api/v2/auth/login?{urlencode({'next': path})}"
