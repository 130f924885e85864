"""The people and accounts the stories are about, and the ageing of what they owe."""

from dataclasses import dataclass, field

from demo_data.codes import Code
from demo_data.reference import Clinic, Plan, Practice
from demo_data.sink import Keys, Sink


@dataclass(frozen=True, kw_only=True)
class World:
    """Where stories are written and what they may refer to; days before ``as_of`` have happened."""

    practice: Practice
    sink: Sink
    keys: Keys
    as_of: int


@dataclass(kw_only=True)
class Account:
    """A family's money: every charge and credit by day, and what insurance is expected to pay."""

    guarantor: int
    entries: list[tuple[int, int]] = field(default_factory=list)
    expected: int = 0
    overdue: bool = False


@dataclass(kw_only=True)
class Person:
    """One patient as the stories need them; amounts in cents."""

    num: int
    account: Account
    clinic: Clinic
    dentist: int
    hygienist: int
    child: bool
    plan: Plan | None = None
    subscription: int = 0
    secondary: Plan | None = None
    secondary_subscription: int = 0
    balance: int = 0
    benefit_used: dict[int, int] = field(default_factory=dict)
    deductible_used: dict[int, int] = field(default_factory=dict)
    visits: int = 0

    def post(self, day: int, cents: int) -> None:
        """Put a charge (positive) or a credit (negative) on the account."""
        if cents:
            self.balance += cents
            self.account.entries.append((day, cents))


@dataclass(kw_only=True)
class Line:
    """A completed procedure and what of it is still unpaid."""

    num: int
    code: Code
    provider: int
    cents: int
    open: int


def aged(entries: list[tuple[int, int]], as_of: int) -> tuple[int, list[int]]:
    """Return the total and what is open after 0-30, 31-60, 61-90 and more days; credits pay the oldest charge first.

    An account in credit shows it, negative, in the first bucket.
    """
    credit = -sum(cents for _, cents in entries if cents < 0)
    buckets = [0, 0, 0, 0]
    for day, cents in sorted(entry for entry in entries if entry[1] > 0):
        paid = min(cents, credit)
        credit -= paid
        age = as_of - day
        buckets[0 if age <= 30 else 1 if age <= 60 else 2 if age <= 90 else 3] += cents - paid
    buckets[0] -= credit
    return sum(buckets), buckets
