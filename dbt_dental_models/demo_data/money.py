"""Who pays for a visit: the claim, the patient, discounts, reversals and what stays open."""

from demo_data.chance import Chance, edited, iso, money
from demo_data.claims import file_claim
from demo_data.people import Line, Person, World

PAYMENT_TYPES = (1001, 1002, 1003, 1003, 1003, 1004)
TREATMENT_PREPAYMENT = 2902


def pay(world: World, chance: Chance, person: Person, day: int, parts: list[tuple[int, int, int]]) -> bool:
    """Write a patient payment and its splits (procedure, provider, cents); False when the day has not come."""
    total = sum(cents for _, _, cents in parts)
    if day >= world.as_of or total == 0:
        return False
    write_payment(world, person, day, chance.pick(PAYMENT_TYPES), [(*part, 0) for part in parts])
    if chance.under(0.015) and day + 8 < world.as_of:
        # A bounced cheque: the same payment again, negative, and the charge is open once more.
        write_payment(world, person, day + 8, 1001, [(proc, prov, -cents, 0) for proc, prov, cents in parts])
        return False
    return True


def write_payment(world: World, person: Person, day: int, kind: int, parts: list[tuple[int, int, int, int]]) -> None:
    """Write one payment with splits (procedure, provider, cents, unearned type); kind 0 moves money, adding none."""
    total = sum(part[2] for part in parts)
    num = world.keys("payment")
    check = str(10_000 + num) if kind == 1001 else ""
    clinic = person.clinic.num
    world.sink.add(
        "payment", day, num, kind, iso(day), money(total), check, person.num, clinic, iso(day), edited(day)
    )  # fmt: skip
    for proc, provider, cents, unearned in parts:
        split = world.keys("paysplit")
        world.sink.add(
            "paysplit", day, split, money(cents), person.num, iso(day), num, provider, clinic, proc, 0, unearned,
            iso(day), edited(day),
        )  # fmt: skip
        person.post(day, -cents)


def adjust(world: World, person: Person, day: int, kind: int, *, cents: int, line: Line | None) -> None:
    """Write an adjustment; discounts are negative."""
    proc, provider = (line.num, line.provider) if line else (0, person.dentist)
    proc_day = iso(day) if line else iso(0)
    world.sink.add(
        "adjustment", day, world.keys("adjustment"), iso(day), money(cents), person.num, kind, provider, proc,
        proc_day, person.clinic.num, iso(day), edited(day),
    )  # fmt: skip
    person.post(day, cents)


def prepay(world: World, chance: Chance, person: Person, day: int) -> int:
    """Take money in advance of treatment and return it in cents, 0 when none was taken."""
    if not chance.under(0.08) or day >= world.as_of:
        return 0
    cents = chance.pick((10_000, 15_000, 20_000))
    write_payment(world, person, day, 1003, [(0, person.dentist, cents, TREATMENT_PREPAYMENT)])
    return cents


def settle(world: World, chance: Chance, person: Person, day: int, lines: list[Line], *, prepaid: int = 0) -> None:
    """Tell the whole money story of a completed visit, as far as it has happened by the as-of day."""
    for line in lines:
        person.post(day, line.cents)
    if prepaid:
        used = min(prepaid, lines[0].open)
        moved = [(0, person.dentist, -used, TREATMENT_PREPAYMENT), (lines[0].num, lines[0].provider, used, 0)]
        write_payment(world, person, day, 0, moved)
        lines[0].open -= used
    settled = day
    if person.plan and not chance.under(0.04):
        settled = file_claim(world, chance, person, day, lines)
    elif chance.under(0.14):
        line = lines[0]
        discount = line.cents // 1000 * 100
        adjust(world, person, day, chance.pick((101, 102, 103)), cents=-discount, line=line)
        line.open -= discount
    _collect(world, chance, person, day, lines, settled=settled)


def _collect(world: World, chance: Chance, person: Person, day: int, lines: list[Line], *, settled: int) -> None:
    due = [line for line in lines if line.open > 0]
    if not due:
        return
    if settled == day and chance.under(0.72):
        half = chance.under(0.12)
        parts = [(line.num, line.provider, line.open // 2 if half else line.open) for line in due]
        if pay(world, chance, person, day, parts):
            for line, part in zip(due, parts, strict=True):
                line.open -= part[2]
    open_cents = sum(line.open for line in due)
    billed = settled + 4
    if open_cents <= 0 or billed >= world.as_of:
        return
    _statement(world, chance, person, billed, open_cents)
    parts = [(line.num, line.provider, line.open) for line in due if line.open > 0]
    if chance.under(0.7):
        # One in four pays the account as a whole: the split names no procedure.
        if chance.under(0.25):
            parts = [(0, person.dentist, open_cents)]
        pay(world, chance, person, billed + chance.between(5, 50), parts)
        return
    _overdue(world, chance, person, settled, open_cents)


def _overdue(world: World, chance: Chance, person: Person, settled: int, open_cents: int) -> None:
    if settled + 75 < world.as_of and chance.under(0.3):
        adjust(world, person, settled + 75, 104, cents=open_cents // 60, line=None)
    if settled + 400 < world.as_of and chance.under(0.6):
        adjust(world, person, settled + 400, 106, cents=-open_cents, line=None)
    elif settled + 150 < world.as_of:
        person.account.overdue = True


def _statement(world: World, chance: Chance, person: Person, day: int, cents: int) -> None:
    row = (world.keys("statement"), person.account.guarantor, iso(day), chance.pick((0, 0, 2, 3)), 1, money(cents))
    world.sink.add("statement", day, *row, money(0), edited(day))
