"""Appointments and the procedures done, planned or left undone in them."""

from demo_data.chance import NO_STAMP, Chance, at, edited, iso, money, workday
from demo_data.claims import preauthorise
from demo_data.codes import BY_CODE, TREATMENTS, Code
from demo_data.contact import commlog, remind
from demo_data.money import adjust, prepay, settle
from demo_data.people import Line, Person, World

SCHEDULED, COMPLETE, UNSCHEDULED, ASAP, BROKEN, PLANNED = 1, 2, 3, 4, 5, 6
TREATMENT_PLANNED, DONE, EXISTING, REFERRED, DELETED = 1, 2, 3, 5, 6
PATTERNS = {1: "//XXXXXX/XXX", 2: "/XXXXXXXXXXX/", 3: "//XXXXXXXXXXXXX/", 4: "XXXXXX"}
CROWN_CENTS = 100_000


def appointment(  # one row of a wide table
    world: World, chance: Chance, person: Person, day: int, *, status: int, kind: int, booked: int
) -> int:
    """Write an appointment and its history; a day of 0 is one not yet on the calendar."""
    num = world.keys("appointment")
    hygiene = kind in (1, 3)
    start = chance.between(96, 198) * 5
    known = status in (COMPLETE, BROKEN)
    edit = day if known else min(booked, world.as_of - 1)
    chair = chance.pick(person.clinic.hygiene_chairs if hygiene else person.clinic.chairs)
    times = (NO_STAMP, NO_STAMP, NO_STAMP)
    if status == COMPLETE:
        arrived = start + chance.between(-15, 10)
        seated = max(arrived, start) + chance.between(0, 25)
        # The front desk forgets to dismiss one patient in fifteen.
        left = NO_STAMP if chance.under(0.07) else at(day, seated + len(PATTERNS[kind]) * 5 + chance.between(-10, 20))
        times = (at(day, arrived), at(day, seated), left)
    when = at(day, start) if day else NO_STAMP
    confirmed = 203 if status == COMPLETE else chance.pick((201, 202, 204))
    clinic = 0 if chance.under(0.02) else person.clinic.num
    staff = (person.dentist, person.hygienist if hygiene else 0)
    new = int(kind == 3)
    world.sink.add(
        "appointment", edit, num, person.num, status, PATTERNS[kind], confirmed, chair if day else 0, *staff, when,
        new, int(hygiene), clinic, kind, *times, edited(min(booked, edit)), edited(edit),
    )  # fmt: skip
    history(world, chance, person, (num, SCHEDULED, when), min(booked, edit), action=0)
    if day and chance.under(0.2) and booked + 3 < edit:
        history(world, chance, person, (num, SCHEDULED, when), booked + 3, action=1)
    if status == BROKEN:
        history(world, chance, person, (num, BROKEN, when), day, action=chance.pick((2, 3)))
    return num


def history(
    world: World, chance: Chance, person: Person, state: tuple[int, int, str], day: int, *, action: int
) -> None:
    """Write what was done to an appointment (0 created, 1 changed, 2 missed, 3 cancelled, 4 deleted)."""
    num, status, when = state
    user = chance.between(1, world.practice.users)
    row = (world.keys("histappointment"), user, edited(day), action, num, person.num, status, when)
    world.sink.add("histappointment", day, *row)


def procedure(  # one row of a wide table
    world: World, chance: Chance, person: Person, code: Code, *, status: int, day: int, planned: int, visit: int
) -> Line:
    """Write a procedure; planned is the day it was put on a treatment plan, 0 for none."""
    num = world.keys("procedurelog")
    cents = code.cents
    if person.clinic.num == 2:  # the clinic with fees of its own
        cents += 500 if code.category == 1101 else 0
        cents += 6000 if code.category == 1104 and person.dentist == person.clinic.dentists[0] else 0
    if chance.under(0.03):
        cents = cents * 9 // 1000 * 100
    provider = person.hygienist if code.hygiene and code.category != 1101 else person.dentist
    tooth = str(chance.between(1, 32)) if code.area in (1, 2) else ""
    surface = chance.pick(("O", "MO", "DO", "B")) if code.area == 1 else ""
    done = status == DONE
    edit = min(day if done else planned or day, world.as_of - 1)
    complete = iso(day) if done else iso(0)
    world.sink.add(
        "procedurelog", edit, num, person.num, visit, code.num, iso(day), money(cents), surface, tooth, status,
        provider, person.clinic.num, 1, 0, iso(planned), complete, complete, edited(edit),
    )  # fmt: skip
    return Line(num=num, code=code, provider=provider, cents=cents, open=cents)


def hygiene_codes(chance: Chance, person: Person, *, first: bool) -> list[Code]:
    """Return what a check-up consists of."""
    codes = ["D0150" if first else "D0120", "D1120" if person.child else chance.pick(("D1110", "D1110", "D4910"))]
    if person.child:
        codes.append("D1206")
    if first or chance.under(0.3):
        codes.append("D0210" if first else "D0274")
    return [BY_CODE[code] for code in codes]


def check_up(world: World, chance: Chance, person: Person, day: int, booked: int) -> None:
    """Tell one past check-up: kept, broken or lost, with what follows from it."""
    first = person.visits == 0
    kind = 3 if first else 1
    remind(world, chance, person, day)
    if chance.under(0.1):
        appointment(world, chance, person, day, status=BROKEN, kind=kind, booked=booked)
        if chance.under(0.2):
            adjust(world, person, day, 105, cents=5_000, line=None)
        if chance.under(0.3):
            lost = (UNSCHEDULED, ASAP) if day + 5 < world.as_of else (UNSCHEDULED,)
            appointment(world, chance, person, 0, status=chance.pick(lost), kind=kind, booked=day)
        return
    person.visits += 1
    visit = appointment(world, chance, person, day, status=COMPLETE, kind=kind, booked=booked)
    lines = [
        procedure(world, chance, person, code, status=DONE, day=day, planned=0, visit=visit)
        for code in hygiene_codes(chance, person, first=first)
    ]
    if first and chance.under(0.3):
        old = chance.pick((EXISTING, 4, 7, REFERRED))
        procedure(world, chance, person, chance.pick(TREATMENTS), status=old, day=day, planned=0, visit=0)
    settle(world, chance, person, day, lines)
    if chance.under(0.4):
        treatment(world, chance, person, day)


def treatment(world: World, chance: Chance, person: Person, day: int) -> None:
    """Tell what a treatment plan of that day led to: done, scheduled, postponed or dropped."""
    codes = [chance.pick(TREATMENTS) for _ in range(chance.between(1, 3))]
    due = workday(day + chance.between(10, 50))
    accepted = chance.under(0.62)
    status, visit, prepaid = TREATMENT_PLANNED, 0, 0
    if accepted and due < world.as_of and chance.under(0.9):
        prepaid = prepay(world, chance, person, day + 1)
        visit = appointment(world, chance, person, due, status=COMPLETE, kind=2, booked=day)
        status = DONE
    elif accepted and due >= world.as_of:
        visit = appointment(world, chance, person, due, status=SCHEDULED, kind=2, booked=day)
    elif chance.under(0.25):
        appointment(world, chance, person, 0, status=PLANNED, kind=2, booked=day)
    elif chance.under(0.04):
        status = DELETED
    plan = world.keys("treatplan")
    state = 1 if status == TREATMENT_PLANNED else 0 if status == DONE else 2
    edit = due if status == DONE else day
    heading = "Treatment plan" if state == 1 else "Signed plan"
    world.sink.add("treatplan", edit, plan, person.num, iso(day), heading, state, edited(edit))
    lines = []
    for order, code in enumerate(codes):
        when = due if status == DONE else day
        line = procedure(world, chance, person, code, status=status, day=when, planned=day, visit=visit)
        attach = (world.keys("treatplanattach"), plan, line.num, order)
        world.sink.add("treatplanattach", day, *attach)
        lines.append(line)
        if code.cents > CROWN_CENTS:
            preauthorise(world, chance, person, day, line)
    if status == DONE:
        person.visits += 1
        settle(world, chance, person, due, lines, prepaid=prepaid)
    elif not visit:
        commlog(world, chance, person, day + 20, 2705)


def next_check_up(world: World, chance: Chance, person: Person, day: int, booked: int) -> None:
    """Put the next check-up on the calendar, its procedures planned."""
    kind = 1 if person.visits or booked < world.as_of - 1 else 3
    visit = appointment(world, chance, person, day, status=SCHEDULED, kind=kind, booked=booked)
    for code in hygiene_codes(chance, person, first=False):
        procedure(world, chance, person, code, status=TREATMENT_PLANNED, day=day, planned=booked, visit=visit)
