"""A target's connection, as dbt's own profile gives it, without a parse of the project."""

import dataclasses
import os
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podbt.errors import ConfigError
from podbt.runner.dbt import engine


@dataclass(frozen=True)
class Credentials:
    """dbt's credentials of one target. They have the password: no text is ever made of them."""

    given: Any

    def __repr__(self) -> str:
        return f"Credentials({self.type})"

    @property
    def type(self) -> str:
        return str(self.given.type)

    @property
    def database(self) -> str:
        return str(self.given.database)

    @property
    def schema(self) -> str:
        return str(self.given.schema)

    def connect(self, name: str) -> Any:
        """A PostgreSQL connection of psycopg2 in autocommit, opened as dbt opens its own.

        Raises:
            ConfigError: The server refuses it; the message is the server's.
        """
        from dbt.adapters.contracts.connection import Connection, ConnectionState  # noqa: PLC0415 - slow to import
        from dbt.adapters.postgres import PostgresConnectionManager  # noqa: PLC0415
        from dbt_common.exceptions import DbtBaseException  # noqa: PLC0415

        credentials = dataclasses.replace(self.given, autocommit=True, application_name=name)
        connection = Connection(
            type=self.type,
            name=name,
            state=ConnectionState.INIT,
            transaction_open=False,
            handle=None,
            credentials=credentials,
        )
        try:
            return PostgresConnectionManager.open(connection).handle
        except DbtBaseException as error:
            raise ConfigError(f"The database cannot be reached: {' '.join(str(error).split())}") from None


def read_credentials(project: Path, profiles: Path, target: str | None) -> Credentials:
    """Reads the profile that a project names.

    Args:
        project: The folder of dbt_project.yml.
        profiles: The folder of profiles.yml.
        target: One of its targets; None for its default.

    Raises:
        ConfigError: dbt refuses the profile; the message is dbt's.
    """
    engine.point(PROFILES_DIR=str(profiles), PROJECT_DIR=str(project), SEND_ANONYMOUS_USAGE_STATS="false")
    from dbt import flags  # noqa: PLC0415 - slow to import
    from dbt.config.runtime import load_profile  # noqa: PLC0415
    from dbt_common.context import set_invocation_context  # noqa: PLC0415
    from dbt_common.exceptions import DbtBaseException  # noqa: PLC0415

    set_invocation_context(os.environ)  # what env_var() reads
    try:
        flags.set_from_args(Namespace(PROFILES_DIR=str(profiles), PROJECT_DIR=str(project)), None)
        return Credentials(load_profile(str(project), {}, None, target).credentials)
    except DbtBaseException as error:
        raise ConfigError(f"{profiles}/profiles.yml: {' '.join(str(error).split())}") from None
