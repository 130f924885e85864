"""Families: who they are, how they are insured, and the order in which their visits happened."""

import datetime as dt

from demo_data.chance import NO_DATE, OLD_NO_DATE, Chance, edited, iso, money, workday
from demo_data.codes import FIRST_NAMES, LAST_NAMES, STAFF
from demo_data.contact import recall, refer, task
from demo_data.people import Account, Person, World, aged
from demo_data.visits import check_up, next_check_up

INTERVAL_DAYS = 182
SIZES = (1, 1, 1, 2, 2, 3, 4)


def write_family(world: World, seed: int, index: int, room: int, *, fresh: bool = False) -> int:
    """Write one family with everything that happened to it.

    Args:
        world: Where to write.
        seed: The run's seed; with the index it decides the whole story.
        index: The family's position, which also spreads visits over the calendar.
        room: How many patients may still be written.
        fresh: A family that is new today: no past, a first appointment ahead.

    Returns:
        The number of patients written.
    """
    chance = Chance(seed, 1_000 + index)
    size = min(room, chance.pick(SIZES))
    clinic = world.practice.clinics[index % len(world.practice.clinics)]
    guarantor = world.keys("patient")
    account = Account(guarantor=guarantor)
    plan = chance.pick(world.practice.plans) if chance.under(0.66) else None
    family = [
        Person(
            num=guarantor if position == 0 else world.keys("patient"),
            account=account,
            clinic=clinic,
            dentist=chance.pick(clinic.dentists),
            hygienist=chance.pick(clinic.hygienists),
            child=position > 1,
            plan=plan,
        )
        for position in range(size)
    ]
    # The last visit of family 0 was yesterday, of the next ones spread over half a year: every sync has news.
    anchor = world.as_of - 1 - (index * 37) % INTERVAL_DAYS
    lost = index % 7 == 3
    if lost:
        anchor -= chance.between(250, 600)
    past = 0 if fresh else chance.between(1, 5)
    first = workday(anchor - INTERVAL_DAYS * max(past - 1, 0)) if past else 0
    joined = first - chance.between(1, 20) if past else world.as_of - 1
    _insure(world, chance, family, plan, joined)
    facts = []
    for person in family:
        last = _visits(world, chance, person, anchor, past)
        following = workday(anchor + INTERVAL_DAYS + chance.between(-3, 12)) if past else world.as_of + 9
        scheduled = following if not lost and following >= world.as_of and (fresh or chance.under(0.65)) else 0
        if scheduled:
            next_check_up(world, chance, person, scheduled, last or world.as_of - 1)
        recall(world, chance, person, last, scheduled)
        refer(world, chance, person, joined)
        task(world, chance, person, last or joined)
        facts.append((person, first if person.visits else 0))
    for person, first_visit in facts:
        _patient(world, chance, person, joined, first_visit, last=anchor, lost=lost)
    return size


def _visits(world: World, chance: Chance, person: Person, anchor: int, past: int) -> int:
    """Tell a person's past visits and return the day of the last one, 0 for none."""
    last = 0
    for back in range(past - 1, -1, -1):
        day = workday(anchor - INTERVAL_DAYS * back)
        check_up(world, chance, person, day, max(last, day - chance.between(20, 170)))
        last = day
    return last


def _insure(world: World, chance: Chance, family: list[Person], plan: object, joined: int) -> None:
    if plan is None:
        return
    subscription = _subscribe(world, family, family[0].plan.num if family[0].plan else 0, joined)
    # A spouse's own plan pays second, for a few families.
    second = chance.pick(world.practice.plans) if len(family) > 1 and chance.under(0.12) else None
    second_subscription = _subscribe(world, family, second.num, joined) if second else 0
    for position, person in enumerate(family):
        person.subscription = subscription
        _cover(world, person, 1, subscription, relation=min(position, 2), joined=joined)
        if second and second is not person.plan:
            person.secondary, person.secondary_subscription = second, second_subscription
            _cover(world, person, 2, second_subscription, relation=min(position, 2), joined=joined)


def _subscribe(world: World, family: list[Person], plan: int, joined: int) -> int:
    num = world.keys("inssub")
    # One subscription in six has no start date, as they are often typed in.
    start = NO_DATE if num % 6 == 0 else iso(joined - 200)
    row = (num, plan, family[0].num, start, NO_DATE, f"S{700_000 + num}")
    world.sink.add("inssub", joined, *row, edited(joined))
    return num


def _cover(world: World, person: Person, ordinal: int, subscription: int, *, relation: int, joined: int) -> None:
    row = (world.keys("patplan"), person.num, ordinal, subscription, relation, 0)
    world.sink.add("patplan", joined, *row, edited(joined))


def _birthdate(chance: Chance, person: Person, joined: int) -> str:
    if chance.under(0.03):
        return chance.pick((NO_DATE, OLD_NO_DATE))
    years = chance.between(4, 15) if person.child else chance.between(21, 84)
    year = dt.date.fromordinal(joined).year - years
    return iso(dt.date(year, chance.between(1, 12), chance.between(1, 28)).toordinal())


def _patient(world: World, chance: Chance, person: Person, joined: int, first: int, *, last: int, lost: bool) -> None:
    account = person.account
    total, buckets = aged(account.entries, world.as_of) if person.num == account.guarantor else (0, [0, 0, 0, 0])
    expected = account.expected if person.num == account.guarantor else 0
    status = chance.pick((2, 2, 3, 1, 5)) if lost else 0
    billing = 403 if account.overdue and chance.under(0.5) else chance.pick((401, 401, 401, 401, 402, 404))
    schedule = STAFF if chance.under(0.02) else 0
    first_name = chance.pick(FIRST_NAMES)
    last_name = LAST_NAMES[account.guarantor % len(LAST_NAMES)]
    # The nightly ageing touches every account that owes something.
    edit = world.as_of - 1 if total else min(last, world.as_of - 1)
    second = person.hygienist if chance.under(0.9) else 0
    amounts = (money(cents) for cents in (person.balance, total, *buckets, expected))
    world.sink.add(
        "patient", edit, person.num, last_name, first_name, status, chance.pick((0, 1, 1, 0, 2)),
        _birthdate(chance, person, joined), account.guarantor, person.dentist, second, person.clinic.num, schedule,
        billing, *amounts, f"patient{person.num}@example.com" if chance.under(0.8) else "", chance.between(0, 2),
        iso(first), iso(joined), edited(edit),
    )  # fmt: skip
