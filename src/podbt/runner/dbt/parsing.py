"""What dbt knows before it selects nodes: the connection, then the project."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from podbt.runner.dbt.seams import Seam, Seams


@dataclass(frozen=True)
class Connection:
    """What dbt makes of the profile.

    Attributes:
        target: The target's name.
        fingerprint: Tells whether two runs write to the same place; holds no credential.
    """

    target: str
    fingerprint: str


class Listener(Protocol):
    """Who is told of both. dbt may be invoked again, say to try the connection once more, and tells again then."""

    def connected(self, connection: Connection) -> None:
        """Dbt has read the profile and not parsed the project."""

    def parsed(self, manifest: Any, config: Any) -> None:
        """Dbt has parsed the project, and selected nothing yet. Gets its manifest and its configuration."""


def telling(*listeners: Listener) -> Seams:
    """Tells listeners while dbt parses."""

    def parsing(load: Callable[..., Any]) -> Callable[..., Any]:
        def get_full_manifest(config: Any, **keywords: Any) -> Any:
            connection = Connection(config.target_name, _fingerprint(config.credentials))
            for listener in listeners:
                listener.connected(connection)
            manifest = load(config, **keywords)
            for listener in listeners:
                listener.parsed(manifest, config)
            return manifest

        return get_full_manifest

    return {Seam.PARSE: parsing}


def invocation_id() -> str:
    """Dbt's id of the command that runs, as run_results.json has it."""
    from dbt_common.invocation import get_invocation_id  # noqa: PLC0415 - slow to import

    return str(get_invocation_id())


def _fingerprint(credentials: Any) -> str:
    facts = sorted((str(key), str(value)) for key, value in credentials.connection_info())
    return hashlib.sha256(json.dumps([credentials.type, *facts]).encode()).hexdigest()[:16]
