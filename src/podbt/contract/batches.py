"""The batches of a microbatch model, as spans of time: each from an instant up to another one, without that."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self, TypeAlias

from podbt.contract.model import Strict

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
