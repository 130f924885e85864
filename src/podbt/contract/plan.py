"""Plan: what dbt knows about a project, compiled by dbt when the image is built.

Airflow loads this small file and never a manifest. dbt resolves selectors and groups; nothing here reimplements that.
"""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field

from podbt.contract.kinds import CHECKS, PLANNED, ResourceType
from podbt.contract.model import Strict
from podbt.errors import ConfigError

SCHEMA_VERSION = 2


def _planned(kind: ResourceType) -> ResourceType:
    if kind not in PLANNED:
        raise ValueError(f"a {kind} is no node that a dbt command can run")
    return kind


class PlanNode(Strict):
    """A node that a dbt command can run."""

    name: str
    resource_type: Annotated[ResourceType, AfterValidator(_planned)]
    path: str
    tags: list[str] = []
    materialized: str | None = None
    depends_on: list[str] = []
    """unique_ids of the nodes and sources it reads."""
    meta: dict[str, Any] = {}
    description: str = ""


class PlanSource(Strict):
    """A table that somebody else writes."""

    name: str
    source_name: str
    has_freshness: bool = False


class PlanSelector(Strict):
    """A selector of selectors.yml and the nodes that dbt resolves it to."""

    description: str = ""
    nodes: list[str]


class PlanGroup(Strict):
    """A dbt group and the nodes that dbt resolves `group:<name>` to: those in it, and the tests that read them."""

    owner: str | None = None
    """Whose it is: the owner's name, else the first of its addresses."""
    nodes: list[str]


class Plan(Strict):
    """A project as DAGs see it. Keys of the maps are dbt's unique_ids, and names of selectors and groups."""

    schema_version: Literal[2] = 2
    project: str
    dbt_version: str
    nodes: dict[str, PlanNode]
    sources: dict[str, PlanSource]
    selectors: dict[str, PlanSelector]
    groups: dict[str, PlanGroup] = {}
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @classmethod
    def seal(cls, **content: Any) -> Self:
        """Builds a plan and computes its hash, which covers everything but itself."""
        draft = cls(hash="0" * 64, **content)
        return draft.model_copy(update={"hash": draft.computed_hash()})

    def owner_of(self, unique_id: str) -> str | None:
        """Whose a node is: its meta's owner, else the owner of its dbt group. A test is with what it reads."""
        node = self.nodes.get(unique_id)
        if node is None:
            return None
        if owner := node.meta.get("owner"):
            return str(owner)
        if node.resource_type in CHECKS:  # it may be with the nodes of several groups
            return next(filter(None, map(self.owner_of, node.depends_on)), None)
        return next((group.owner for group in self.groups.values() if unique_id in group.nodes), None)

    def computed_hash(self) -> str:
        content = self.model_dump(mode="json", exclude={"hash"})
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def load_plan(path: str | Path) -> Plan:
    """Reads a plan file once per process and modification.

    Args:
        path: The file, as the settings' `plan` names it or as an image bakes it.

    Raises:
        ConfigError: The file cannot be read, is of another schema version, or does not have the content that its hash
            says.
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
        data = json.loads(text)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no JSON"
        raise ConfigError(f"Plan file '{file}' cannot be read ({why}). Write it again with podbt plan.") from None
    found = data.get("schema_version") if isinstance(data, dict) else None
    if found != SCHEMA_VERSION:
        raise ConfigError(
            f"Plan file '{file}' has schema version {found}, and this podbt reads {SCHEMA_VERSION}. "
            "Use the same podbt in Airflow and in the dbt image."
        )
    plan = Plan.parse_json(text, source=f"Plan file '{file}'")
    if plan.computed_hash() != plan.hash:
        raise ConfigError(f"Plan file '{file}' was changed after it was written. Write it again with podbt plan.")
    return plan
