"""Whose a store is: the first installation that runs in it is its owner, and no other one writes there.

Two Airflows run the same DAGs with the same run ids. In one store each would take the other's tries for its own, resume
them, move the pointers and prune the records.
"""

import json
import time
from datetime import UTC, datetime
from typing import Any, Final

from podbt.errors import ConfigError
from podbt.store.store import Store

OWNER: Final = "owner.json"
_LOOKS: Final = 20
_LOOK_SECONDS: Final = 0.1


def claim(store: Store, instance: str) -> None:
    """Makes an installation the owner of a store that has none yet.

    A store from before there were owners belongs to whoever runs in it first.

    Args:
        store: The artifact store.
        instance: The installation, see `RunSettings.instance`.

    Raises:
        ConfigError: It is another's.
    """
    found = _owner(store)
    if found is None:
        said = {"instance": instance, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        store.create(OWNER, json.dumps(said).encode() + b"\n")
        found = _owner(store) or said  # of two that come at the same time one is the first
    if found["instance"] != instance:
        raise ConfigError(
            f"Artifact store '{store}' is of installation '{found['instance']}' (since {found['since']}), and this run "
            f"is of '{instance}': they would take each other's runs for their own. Give this one a store or a folder "
            f"of its own (artifacts.subPath, or a prefix in artifacts.url), or remove {OWNER} there if it moved."
        )


def _written(store: Store) -> bytes:
    """The file's content, once whoever makes it at this moment has written it."""
    for _ in range(_LOOKS):
        if content := store.read(OWNER):
            return content
        time.sleep(_LOOK_SECONDS)
    return b""


def _owner(store: Store) -> dict[str, Any] | None:
    try:
        data = json.loads(_written(store))
        return {"instance": str(data["instance"]), "since": str(data.get("since", "?"))}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            f'\'{store}/{OWNER}\' is damaged. It should say whose the store is: {{"instance": "NAME"}}.'
        ) from None
