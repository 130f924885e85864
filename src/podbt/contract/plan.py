"""Plan: what dbt knows about a project, compiled by dbt when the image is built.

Airflow loads this small file and never a manifest. Selectors are resolved by dbt; nothing here reimplements them.
"""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from podbt.contract.model import Strict

SCHEMA_VERSION = 1


class PlanNode(Strict):
    """A node that a dbt command can run."""

    name: str
    resource_type: Literal["model", "seed", "snapshot", "test", "unit_test", "operation", "function"]
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


class Plan(Strict):
    """A project as DAGs see it. Keys of the maps are dbt's unique_ids and selector names."""

    schema_version: Literal[1] = 1
    project: str
    dbt_version: str
    nodes: dict[str, PlanNode]
    sources: dict[str, PlanSource]
    selectors: dict[str, PlanSelector]
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @classmethod
    def seal(cls, **content: Any) -> Self:
        """Builds a plan and computes its hash, which covers everything but itself."""
        draft = cls(hash="0" * 64, **content)
        return draft.model_copy(update={"hash": draft.computed_hash()})

    def computed_hash(self) -> str:
        content = self.model_dump(mode="json", exclude={"hash"})
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
