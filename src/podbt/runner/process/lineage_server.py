"""Which lineage server a run tells of itself, in OpenLineage's own variables."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from podbt.errors import ConfigError

ENV_URL: Final = "OPENLINEAGE_URL"
_URL: Final = re.compile(r"https?://[^\s@]+")


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
            ConfigError: The address is none. It is not in the message: somebody may have put a password into it.
        """
        url = env.get(ENV_URL)
        if not url or env.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
            return None
        if not _URL.fullmatch(url):
            raise ConfigError(
                f"{ENV_URL} is no address such as https://marquez.example.org. Correct it; the key belongs into "
                "OPENLINEAGE_API_KEY."
            )
        return cls(
            url=url.rstrip("/") + "/",
            endpoint=env.get("OPENLINEAGE_ENDPOINT") or "api/v1/lineage",
            namespace=env.get("OPENLINEAGE_NAMESPACE") or "dbt",
            api_key=env.get("OPENLINEAGE_API_KEY") or None,
        )
