"""Plan: what dbt knows about a project, compiled by dbt when the image is built.

Airflow loads this small file and never a manifest. dbt resolves selectors and groups; nothing here reimplements that.
How the file is written is a matter of `podbt.contract.plan_file`.
"""

import dataclasses
import gzip
import json
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from podbt.contract.plan_file import SCHEMA_VERSION, PlanFile, content_hash, pack, unpack
from podbt.contract.plan_nodes import PlanContent, PlanGroup, PlanNode, PlanSelector, PlanSource
from podbt.errors import ConfigError

__all__ = ["Plan", "PlanGroup", "PlanNode", "PlanSelector", "PlanSource", "load_plan"]


@dataclass(frozen=True, kw_only=True)
class Plan(PlanContent):
    """A project as DAGs see it.

    Attributes:
        project: dbt's name for the project.
        dbt_version: Of the image.
        others: The same project on targets on which it has other nodes.
        hash: Of everything but itself.
    """

    project: str
    dbt_version: str
    others: tuple[PlanContent, ...] = ()
    hash: str = ""

    @classmethod
    def seal(cls, **content: Any) -> Self:
        """Builds a plan and computes its hash, which covers everything but itself."""
        draft = cls(**content)
        return dataclasses.replace(draft, hash=draft.computed_hash())

    def on(self, target: str | None) -> "Plan":
        """The plan for a target, with the hash of the whole; this one where nothing else is known of that target."""
        other = next((other for other in self.others if target in other.targets), None)
        if other is None:
            return self
        mine = PlanContent(**{one.name: getattr(self, one.name) for one in dataclasses.fields(PlanContent)})
        rest = (one for one in self.others if one is not other)
        return dataclasses.replace(self, **vars(other), others=(mine, *rest))

    @property
    def unique_ids(self) -> list[str]:
        """Every node of any target, sorted: the same list whichever target this is the plan for."""
        return sorted(set(self.nodes).union(*(other.nodes for other in self.others)))

    def owner_of(self, unique_id: str) -> str | None:
        """As `PlanContent.owner_of`; of a node that other targets alone have, what is said there."""
        return next(filter(None, (PlanContent.owner_of(one, unique_id) for one in (self, *self.others))), None)

    def computed_hash(self) -> str:
        return content_hash(self._packed())

    def to_json(self) -> str:
        """The file's text."""
        content = self._packed()
        return json.dumps({**content, "hash": content_hash(content)}, separators=(",", ":")) + "\n"

    def _packed(self) -> dict[str, Any]:
        views = [pack(view) for view in (self, *self.others)]
        return {
            "schema_version": SCHEMA_VERSION,
            "project": self.project,
            "dbt_version": self.dbt_version,
            "views": views,
        }

    @classmethod
    def parse_json(cls, text: str | bytes, *, source: str) -> Self:
        """Reads the file's text.

        Raises:
            ConfigError: It is no plan, is of another schema version, or does not have the content that its hash says.
        """
        try:
            data = json.loads(text)
        except ValueError:
            raise ConfigError(f"{source} cannot be read (no JSON). Write it again with podbt plan.") from None
        found = data.get("schema_version") if isinstance(data, dict) else None
        if found != SCHEMA_VERSION:
            raise ConfigError(
                f"{source} has schema version {found}, and this podbt reads {SCHEMA_VERSION}. "
                "Use the same podbt in Airflow and in the dbt image."
            )
        file = PlanFile.parse_json(text, source=source)
        if content_hash(data) != file.hash:
            raise ConfigError(f"{source} was changed after it was written. Write it again with podbt plan.")
        try:
            first, *others = map(unpack, file.views)
        except (IndexError, KeyError, ValueError):
            raise ConfigError(f"{source} refers to what it does not hold. Write it again with podbt plan.") from None
        return cls(
            project=file.project, dbt_version=file.dbt_version, hash=file.hash, **vars(first), others=tuple(others)
        )


def load_plan(path: str | Path) -> Plan:
    """Reads a plan file once per process and modification.

    Args:
        path: The file, as the settings' `plan` names it or as an image bakes it.

    Raises:
        ConfigError: The file cannot be read, or as `Plan.parse_json`.
    """
    file = Path(path)
    try:
        state = file.stat()
    except OSError as error:
        raise ConfigError(
            f"Plan file '{file}' cannot be read ({error.strerror}). Copy plan.json out of the dbt image, or remove "
            "plan from the settings."
        ) from None
    return _load(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _load(file: Path, _modified: int, _size: int) -> Plan:
    try:
        text = file.read_bytes()
        if file.suffix == ".gz":
            text = gzip.decompress(text)
    except (OSError, EOFError, zlib.error) as error:
        said = getattr(error, "strerror", None) or error
        raise ConfigError(f"Plan file '{file}' cannot be read ({said}). Write it again with podbt plan.") from None
    return Plan.parse_json(text, source=f"Plan file '{file}'")
