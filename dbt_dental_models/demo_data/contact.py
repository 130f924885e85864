"""Everything said around a visit: reminders, recalls, tasks and where a patient came from."""

from demo_data.chance import NO_STAMP, Chance, at, edited, iso
from demo_data.people import Person, World


def commlog(world: World, chance: Chance, person: Person, day: int, kind: int, *, received: bool = False) -> None:
    """Write one message, unless its day has not come."""
    if day >= world.as_of:
        return
    mode = chance.pick((1, 3, 5, 5))
    user = 0 if mode == 5 else chance.between(1, world.practice.users)  # texts are sent by the system
    row = (world.keys("commlog"), person.num, at(day, chance.between(500, 1080)), kind, "", mode)
    world.sink.add("commlog", day, *row, 2 if received else 1, user, edited(day))


def remind(world: World, chance: Chance, person: Person, day: int) -> None:
    """Remind of an appointment two days before; some answer."""
    commlog(world, chance, person, day - 2, 2701)
    if chance.under(0.4):
        commlog(world, chance, person, day - 1, 2701, received=True)


def recall(world: World, chance: Chance, person: Person, last: int, scheduled: int) -> None:
    """Write the patient's recall; 0 days mean never seen, or not scheduled."""
    kind = 2 if person.child else chance.pick((1, 1, 1, 1, 3))
    months = 3 if kind == 3 else 6
    due = last + months * 30 + 2 if last else 0
    status = 0
    if due and due < world.as_of and not scheduled:
        status = chance.pick((0, 1301, 1302, 1303))
        if status:
            commlog(world, chance, person, due + 1, 2704)
    edit = min(max(last, 1), world.as_of - 1) if last else world.as_of - 30
    # The interval is packed as OpenDental does: months in the third byte.
    row = (world.keys("recall"), person.num, iso(due), iso(due), iso(last), months << 16, status)
    world.sink.add("recall", edit, *row, int(chance.under(0.03)), kind, iso(scheduled), edited(edit))


def refer(world: World, chance: Chance, person: Person, day: int) -> None:
    """Note who sent the patient, and now and then to whom they were sent."""
    if chance.under(0.7):
        source = chance.between(11, world.practice.referrals)
        _attach(world, person, source, day, 1)
    if chance.under(0.06) and day + 40 < world.as_of:
        _attach(world, person, chance.between(1, 10), day + 40, 0)


def _attach(world: World, person: Person, referral: int, day: int, kind: int) -> None:
    row = (world.keys("refattach"), referral, person.num, 0, iso(day), kind, 0, 0)
    world.sink.add("refattach", day, *row, edited(day))


def task(world: World, chance: Chance, person: Person, day: int) -> None:
    """Write a to-do about the patient; old ones are done, a few stay open."""
    if not chance.under(0.1):
        return
    about = chance.pick((1, 1, 0))
    done = day + 6 < world.as_of and chance.under(0.85)
    edit = day + 5 if done else day
    row = (world.keys("task"), "Call back", 2 if done else chance.pick((0, 1)), about, person.num if about else 0)
    user = chance.between(1, world.practice.users)
    finished = at(day + 5, 600) if done else NO_STAMP
    world.sink.add("task", edit, *row, user, at(day, 560), finished, edited(edit))
