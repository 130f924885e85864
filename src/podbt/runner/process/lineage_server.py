"""Which lineage server a run tells of itself, in OpenLineage's own variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from podbt.runner.process.server_address import address

ENV_URL: Final = "OPENLINEAGE_URL"


@dataclass(frozen=True, kw_only=True)
class LineageServer:
    """Where events go to.

    Attributes:
        url: The server, with a slash at the end.
        endpoint: The path below it that takes events.
        namespace: Of dbt's jobs.
        api_key: Sent as a bearer token; None for a server that asks for none.
    """

    url: str
    endpoint: str
    namespace: str
    api_key: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> Self | None:
        """What the environment says; None where lineage is off.

        Raises:
            ConfigError: The address is none.
        """
        url = address(
            env, ENV_URL, off="OPENLINEAGE_DISABLED", example="https://marquez.example.org",
            key="the key belongs into OPENLINEAGE_API_KEY",
        )  # fmt: skip
        if url is None:
            return None
        return cls(
            url=f"{url}/",
            endpoint=env.get("OPENLINEAGE_ENDPOINT") or "api/v1/lineage",
            namespace=env.get("OPENLINEAGE_NAMESPACE") or "dbt",
            api_key=env.get("OPENLINEAGE_API_KEY") or None,
        )
