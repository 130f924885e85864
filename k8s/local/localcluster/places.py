"""Names of things, and where they are."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CLUSTER = "podbt"
NODE = f"{CLUSTER}-control-plane"
NAMESPACE = "podbt"
RELEASE = "podbt"
PORT = 30080
URL = f"http://127.0.0.1:{PORT}"
PROJECT = "dbt_dental_models"
KUBECTL = ("kubectl", "-n", NAMESPACE)
_STATE_LOCK = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Places:
    """The checkout and the cache folder, which holds all state."""

    root: Path
    cache: Path

    @classmethod
    def here(cls, environ: Mapping[str, str] = os.environ) -> Places:
        """Return the places of this checkout; PODBT_CACHE moves the state."""
        cache = environ.get("PODBT_CACHE")
        base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".cache"
        return cls(root=Path(__file__).resolve().parents[3], cache=Path(cache or Path(base) / "podbt").absolute())

    @property
    def recipe(self) -> Path:
        return self.root / "k8s" / "from-packages"

    @property
    def bin(self) -> Path:
        return self.cache / "bin"

    @property
    def logs(self) -> Path:
        return self.cache / "logs"

    @property
    def kubeconfig(self) -> Path:
        return self.cache / f"kubeconfig-{CLUSTER}"

    def log(self, phase: str) -> Path:
        """Return the phase's log file, in a folder that exists."""
        self.logs.mkdir(parents=True, exist_ok=True)
        return self.logs / f"{phase}.log"


class State:
    """What a later call must know of an earlier one: a small JSON file in the cache, replaced whole."""

    def __init__(self, places: Places) -> None:
        self._path = places.cache / "state.json"

    def read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return found if isinstance(found, dict) else {}

    def update(self, **changes: object) -> None:
        """Set these keys; None removes one."""
        with _STATE_LOCK:  # phases may overlap
            merged = {key: value for key, value in {**self.read(), **changes}.items() if value is not None}
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_suffix(".new")
            temporary.write_text(json.dumps(merged, indent=2) + "\n")
            temporary.replace(self._path)
