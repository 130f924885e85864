"""dbt's manifest.json, as far as a comparison of two of them needs it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from podbt import constants
from podbt.contract.kinds import TABLES, ResourceType, type_of
from podbt.errors import ConfigError

_KINDS: Final = ("nodes", "sources", "exposures", "unit_tests", "functions", "metrics", "semantic_models",
                 "saved_queries")  # fmt: skip


@dataclass(frozen=True)
class Manifest:
    """One manifest, as JSON gives it."""

    data: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Reads the manifest.json of a folder.

        Raises:
            ConfigError: There is none, or it is no manifest.
        """
        file = folder / constants.MANIFEST_FILE
        try:
            data = json.loads(file.read_bytes())
        except (OSError, ValueError) as error:
            raise ConfigError(f"'{file}' cannot be read as dbt's manifest ({type(error).__name__}).") from None
        if not isinstance(data, dict) or not isinstance(data.get("nodes"), dict):
            raise ConfigError(f"'{file}' is no manifest of dbt.")
        return cls(data)

    @cached_property
    def nodes(self) -> dict[str, Mapping[str, Any]]:
        """Everything that has a unique_id, but for macros and docs."""
        return {key: node for kind in _KINDS for key, node in (self.data.get(kind) or {}).items()}

    @property
    def macros(self) -> Mapping[str, Mapping[str, Any]]:
        return self.data.get("macros") or {}

    @property
    def disabled(self) -> Mapping[str, Any]:
        return self.data.get("disabled") or {}

    @cached_property
    def tables(self) -> dict[str, Mapping[str, Any]]:
        """Models, seeds and snapshots that are tables or views."""
        return {key: node for key, node in self.nodes.items() if type_of(key) in TABLES and node.get("relation_name")}

    def selector_of(self, unique_id: str) -> str:
        """What selects one node: its fqn, which is as unique as the unique_id, and which `dbt --select` takes."""
        node = self.nodes[unique_id]
        kind = type_of(unique_id)
        if kind == ResourceType.SOURCE:
            return f"{kind}:{node['package_name']}.{node['source_name']}.{node['name']}"
        return f"{kind}:{node['name']}" if kind == ResourceType.UNIT_TEST else f"fqn:{'.'.join(map(str, node['fqn']))}"

    def macros_of(self, unique_id: str) -> set[str]:
        """The macros that a node calls, and those that they call."""
        found: set[str] = set()
        waiting = list(_macros_called(self.nodes.get(unique_id)))
        while waiting:
            macro = waiting.pop()
            if macro not in found:
                found.add(macro)
                waiting += _macros_called(self.macros.get(macro))
        return found

    def texts(self, unique_id: str) -> Iterator[str]:
        """Every text of the project that dbt renders for a node: its SQL, its configuration, its macros."""
        node = self.nodes[unique_id]
        yield str(node.get("raw_code") or "")
        yield json.dumps(node.get("unrendered_config") or {})
        for macro in self.macros_of(unique_id):
            yield str((self.macros.get(macro) or {}).get("macro_sql") or "")


def _macros_called(item: Mapping[str, Any] | None) -> list[str]:
    return list(((item or {}).get("depends_on") or {}).get("macros") or [])


def bare(text: str) -> str:
    """A template without comments and with white space made one: what is left is all that dbt could act on."""
    return " ".join(re.sub(r"\{#.*?#\}", " ", text, flags=re.DOTALL).split())
