"""The batches of a microbatch model, as spans of time: each from an instant up to another one, without that."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, Self, TypeAlias

from podbt.contract.model import StorePath, Strict

Span: TypeAlias = tuple[datetime, datetime]


class Batches(Strict):
    """What became of a model's batches. Neighbours are one span; dbt makes batches of it again by the batch's size."""

    done: list[Span] = []
    """What was built: by this run or, where it went on from an earlier one, by that."""
    left: list[Span] = []
    """What was to be built and was not: it failed, was skipped, or its turn never came."""

    @classmethod
    def of(cls, done: Iterable[Span], left: Iterable[Span]) -> Self:
        return cls(done=joined(done), left=joined(left))

    def built(self, batch: Span) -> Self:
        """With one more batch built."""
        return type(self)(done=joined([*self.done, batch]), left=without(self.left, batch))


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def without(spans: Iterable[Span], batch: Span) -> list[Span]:
    """What is left of spans where one is taken out."""
    parts = [part for start, end in spans for part in ((start, min(end, batch[0])), (max(start, batch[1]), end))]
    return joined((start, end) for start, end in parts if start < end)


class Gap(Strict):
    """Batches of a model that a run was to build, and that nobody has built since."""

    left: list[Span]
    run: StorePath
    """The folder of the run that left them last, relative to the root of the artifact store."""
    database: str | None = None
    """Hash of the connection that it wrote to."""


class Gaps(Strict):
    """targets/<target>/batches.json: what is missing of a target's microbatch models, by unique_id."""

    schema_version: Literal[1] = 1
    models: dict[str, Gap] = {}

    def after(self, batches: Mapping[str, Batches], *, run: str, database: str | None) -> Self:
        """As a run leaves them that was to build batches of some models."""
        models = dict(self.models)
        for unique_id, built in batches.items():
            known = models.pop(unique_id, None)
            left = known.left if known and known.database == database else []
            for span in built.done:
                left = without(left, span)
            if left or built.left:
                named = known.run if known and not built.left else run
                models[unique_id] = Gap(left=joined([*left, *built.left]), run=named, database=database)
        return self.model_copy(update={"models": models})
