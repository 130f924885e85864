"""Seeded chance and dates, kept to what gives the same answer on every machine and Python version.

Only ``Random.random`` is promised to repeat for a seed across Python versions; everything here builds on it alone.
Days travel as ordinals (``date.toordinal``) and become text once, where a row is written.
"""

import datetime as dt
import random
from collections.abc import Sequence
from functools import cache
from typing import Final, TypeVar

T = TypeVar("T")

NO_DATE: Final = "0001-01-01"
OLD_NO_DATE: Final = "1900-01-01"
NO_STAMP: Final = "0001-01-01 00:00:00"


class Chance:
    """A stream of decisions that depends on nothing but the numbers it was made from."""

    def __init__(self, *parts: int) -> None:
        seed = 0
        for part in parts:
            seed = seed * 1_000_003 + part
        self.unit = random.Random(seed).random  # made-up data, not secrets

    def under(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.unit() < probability

    def between(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + int(self.unit() * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[int(self.unit() * len(options))]


@cache
def iso(day: int) -> str:
    """Return a day as text; 0 is OpenDental's empty date."""
    return dt.date.fromordinal(day).isoformat() if day else NO_DATE


@cache
def edited(day: int) -> str:
    """Return the moment at which the practice last touched a row on that day."""
    return f"{iso(day)} 18:05:00"


def at(day: int, minute: int) -> str:
    """Return a moment of that day, minutes counted from midnight."""
    return f"{iso(day)} {minute // 60:02d}:{minute % 60:02d}:00"


@cache
def is_weekend(day: int) -> bool:
    """Return True on the days the practice is closed."""
    return dt.date.fromordinal(day).weekday() >= 5  # Saturday


def workday(day: int) -> int:
    """Return the day, or the Friday before when it falls on a weekend."""
    while is_weekend(day):
        day -= 1
    return day


def money(cents: int) -> str:
    """Return an amount as the text Postgres reads, from whole cents."""
    return f"{cents / 100:.2f}"
