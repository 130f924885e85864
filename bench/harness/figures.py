"""The few figures that a list of measurements is told by."""

import math
from collections.abc import Sequence
from statistics import median


def middle(values: Sequence[float]) -> float | None:
    """The median; None where there is nothing."""
    return median(values) if values else None


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile: a value that was measured, never one in between."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def ratio(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base


def written(value: float | None, digits: int = 1) -> str:
    """A figure as a table shows it; a dash for what was not measured."""
    return "-" if value is None else f"{value:,.{digits}f}"
