"""Claims: estimate, sending, the carrier's answer, its check, and the second carrier."""

import datetime as dt

from demo_data.chance import Chance, at, edited, iso, money
from demo_data.people import Line, Person, World
from demo_data.reference import Plan, category_of, fee_cents


def estimate(person: Person, plan: Plan, year: int, line: Line) -> tuple[int, int, int]:
    """Return what the plan should pay, the write-off and the deductible for one procedure, using up the benefits."""
    allowed = min(line.cents, fee_cents(plan.fee_schedule, line.code.cents)) if plan.kind == "p" else line.cents
    percent = plan.percents[category_of(line.code.code)]
    deductible = 0
    if percent < 100:  # prevention carries no deductible
        deductible = min(allowed, plan.deductible - person.deductible_used.get(year, 0))
        person.deductible_used[year] = person.deductible_used.get(year, 0) + deductible
    used = person.benefit_used.get(year, 0)
    pays = min((allowed - deductible) * percent // 100, plan.yearly_max - used)
    person.benefit_used[year] = used + pays
    return pays, line.cents - allowed, deductible


def file_claim(world: World, chance: Chance, person: Person, day: int, lines: list[Line]) -> int:
    """Write the claim of a visit and return the day the patient's share is known."""
    plan = person.plan
    assert plan is not None  # noqa: S101 - the caller asked
    year = dt.date.fromordinal(day).year
    sent = day + chance.between(0, 3)
    received = sent + chance.between(9, 45)
    status = "R" if received < world.as_of else "S" if sent < world.as_of else chance.pick(("W", "U"))
    denied = chance.under(0.05)
    short = chance.under(0.1)
    num = world.keys("claim")
    check = world.keys("claimpayment") if status == "R" and not denied else 0
    edit = {"R": received, "S": sent}.get(status, day)
    totals = [0, 0, 0, 0, 0]
    for line in lines:
        pays, write_off, deductible = estimate(person, plan, year, line)
        paid = 0
        if status == "R":
            paid = 0 if denied else pays * 9 // 10 if short else pays
            write_off = 0 if denied else write_off
            person.post(received, -paid)
            person.post(received, -write_off)
            line.open -= paid + write_off
        else:
            person.account.expected += pays + write_off
            line.open -= pays + write_off
        amounts = (line.cents, pays, paid, deductible, write_off)
        totals = [total + amount for total, amount in zip(totals, amounts, strict=True)]
        _claimproc(
            world,
            person,
            plan,
            num,
            line=line,
            amounts=amounts,
            state=(int(status == "R"), check if paid else 0, day, edit),
        )
    if check and totals[2] <= 0:
        check = 0
    sent_text = iso(sent) if status in "RS" else iso(0)
    received_text = iso(received) if status == "R" else iso(0)
    sums = [money(total) for total in totals]
    provider = lines[0].provider
    world.sink.add(
        "claim", edit, num, person.num, iso(day), sent_text, status, received_text, plan.num, person.subscription,
        "P", provider, person.dentist, person.clinic.num, *sums, edited(edit),
    )  # fmt: skip
    if check:
        _check(world, person, plan, check, day=received, cents=totals[2])
    if status in "RS":
        _track(world, chance, num, sent, 4501)
    if status == "R":
        _track(world, chance, num, received, 4504 if denied else 4503)
        _later(world, chance, person, received, claim=(num, plan), line=lines[0])
        _second_claim(world, chance, person, (day, received), lines)
        return received
    # The second carrier waits for the first one's answer.
    _second_claim(world, chance, person, (day, 0), lines)
    if chance.under(0.2) and sent + 8 < world.as_of:
        _track(world, chance, num, sent + 8, 4502)
    return day


def preauthorise(world: World, chance: Chance, person: Person, day: int, line: Line) -> None:
    """Ask the carrier what a planned crown would get; nothing is owed or paid."""
    plan = person.plan
    if plan is None or not chance.under(0.5):
        return
    num = world.keys("claim")
    pays = line.cents // 2
    fee, est, none = money(line.cents), money(pays), money(0)
    _claimproc(world, person, plan, num, line=line, amounts=(line.cents, pays, 0, 0, 0), state=(2, 0, day, day))
    world.sink.add(
        "claim", day, num, person.num, iso(day), iso(day), "S", iso(0), plan.num, person.subscription, "PreAuth",
        line.provider, person.dentist, person.clinic.num, fee, est, none, none, none, edited(day),
    )  # fmt: skip


def _claimproc(  # one row of a wide table
    world: World,
    person: Person,
    plan: Plan,
    claim: int,
    *,
    line: Line,
    amounts: tuple[int, int, int, int, int],
    state: tuple[int, int, int, int],
) -> None:
    fee, est, paid, ded, off = (money(amount) for amount in amounts)
    status, check, day, edit = state
    posted = iso(edit) if status in (1, 4) else iso(0)
    subscription = person.subscription if plan is person.plan else person.secondary_subscription
    world.sink.add(
        "claimproc", edit, world.keys("claimproc"), line.num, claim, person.num, line.provider, fee, est, ded, status,
        paid, check, plan.num, subscription, posted, off, iso(day), person.clinic.num, edited(edit),
    )  # fmt: skip


def _check(world: World, person: Person, plan: Plan, num: int, *, day: int, cents: int) -> None:
    row = (num, iso(day), money(cents), str(500_000 + num), iso(day - 3), plan.carrier, person.clinic.num)
    world.sink.add("claimpayment", day, *row, 3201 if num % 3 else 3202, 0, edited(day))


def _track(world: World, chance: Chance, claim: int, day: int, kind: int) -> None:
    user = chance.between(1, world.practice.users)
    row = (world.keys("claimtracking"), claim, "StatusHistory", user, at(day, chance.between(540, 1000)), kind)
    world.sink.add("claimtracking", day, *row, "")


def _later(world: World, chance: Chance, person: Person, received: int, *, claim: tuple[int, Plan], line: Line) -> None:
    """Now and then the carrier pays something more after an appeal: a supplemental row with a check of its own."""
    day = received + 30
    if line.open < 1_000 or not chance.under(0.12) or day >= world.as_of:
        return
    num, plan = claim
    more = line.open // 2
    check = world.keys("claimpayment")
    _claimproc(world, person, plan, num, line=line, amounts=(0, 0, more, 0, 0), state=(4, check, day, day))
    _check(world, person, plan, check, day=day, cents=more)
    person.post(day, -more)
    line.open -= more


def _second_claim(world: World, chance: Chance, person: Person, days: tuple[int, int], lines: list[Line]) -> None:
    plan = person.secondary
    due = [line for line in lines if line.open > 0]
    if plan is None or not due:
        return
    day, sent = days
    received = sent + chance.between(9, 30)
    done = bool(sent) and received < world.as_of
    edit = received if done else sent or day
    num = world.keys("claim")
    check = world.keys("claimpayment") if done else 0
    total = 0
    for line in due:
        pays = line.open * 4 // 5
        total += pays
        if done:
            person.post(received, -pays)
        else:
            person.account.expected += pays
        line.open -= pays
        amounts = (line.cents, pays, pays if done else 0, 0, 0)
        _claimproc(
            world,
            person,
            plan,
            num,
            line=line,
            amounts=amounts,
            state=(int(done), check if pays and done else 0, day, edit),
        )
    if check and total:
        _check(world, person, plan, check, day=received, cents=total)
    fee, est, none = money(sum(line.cents for line in due)), money(total), money(0)
    status = "R" if done else "S" if sent else "H"
    world.sink.add(
        "claim", edit, num, person.num, iso(day), iso(sent), status, iso(received if done else 0),
        plan.num, person.secondary_subscription, "S", due[0].provider, person.dentist, person.clinic.num, fee, est,
        est if done else none, none, none, edited(edit),
    )  # fmt: skip
