"""What is signed about an image: the predicates of podbt's attestations, and their types."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, TypeVar

from pydantic import Field

from podbt.contract.model import Strict

DIGEST: Final = r"^sha256:[0-9a-f]{64}$"
Digest = Annotated[str, Field(pattern=DIGEST)]
SBOM: Final = "cyclonedx"
"""cosign's word for its type."""


class Statement(Strict):
    """A predicate of podbt's own, of which the newest counts."""

    type: ClassVar[str]
    what: ClassVar[str]
    """For a person."""

    at: datetime

    def to_json(self) -> str:
        return self.model_dump_json(exclude_none=True)


S = TypeVar("S", bound=Statement)


class Build(Statement):
    """What an image was built of."""

    type = "https://podbt.io/attestations/build/v1"
    what = "of its build"

    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")]
    """The git commit."""
    project: str
    plan_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    dbt_version: str
    podbt_version: str


class Check(Strict):
    """One thing that was tried."""

    name: str
    outcome: Literal["passed", "failed"]
    message: str = ""
    seconds: float = 0.0
    counts: dict[str, int] = {}
    """Nodes by status."""


class Tests(Statement):
    """What was tried before the image was signed, and how it ended."""

    type = "https://podbt.io/attestations/tests/v1"
    what = "of its tests"

    outcome: Literal["passed", "failed"]
    checks: list[Check]


class Outcome(StrEnum):
    """How far an image came in a stage."""

    APPROVED = "approved"  # may run there; what came of it is not known yet
    PASSED = "passed"
    FAILED = "failed"


class Action(StrEnum):
    PROMOTE = "promote"
    ROLLBACK = "rollback"


class Promoted(Statement):
    """A stage's word on an image."""

    type = "https://podbt.io/attestations/promotion/v1"
    what = "that it passed there"

    id: str
    """Of the promotion; the same from its beginning to its end, however often it died."""
    stage: str
    action: Action
    outcome: Outcome
    by: str
    previous: str = ""
    """The digest that ran there before; empty for the first."""
    tests: str = ""
    """What `helm test` ran: their names, or that there are none."""


def newest(found: list[S]) -> S | None:
    """The one that counts."""
    return max(found, key=lambda one: one.at, default=None)
