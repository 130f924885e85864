"""Lets days pass in data that is there: appointments happen, carriers answer, people pay, rows change and go."""

import datetime as dt

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import execute_values

from demo_data.advance_sql import AGEING, DAILY_STEPS
from demo_data.chance import Chance, at, edited, iso, workday
from demo_data.codes import CODES
from demo_data.contact import task
from demo_data.families import INTERVAL_DAYS, write_family
from demo_data.money import settle
from demo_data.people import Account, Line, Person, World
from demo_data.reference import HORIZON_DAYS, Practice, build_practice, write_schedule
from demo_data.sink import CopySink, Keys, sync_moment
from demo_data.state import State, read_state, write_state
from demo_data.tables import TABLES
from demo_data.visits import BROKEN, COMPLETE, history, next_check_up, treatment

NEW_FAMILIES = 50_000_000  # indexes that no initial family has

_TODAY = """
    select a."AptNum", a."PatNum", a."IsHygiene", a."AptDateTime"::time, p."Guarantor", p."ClinicNum", p."PriProv",
        p."SecProv", p."Birthdate" > %(day)s - 17 * 365, first."PlanNum", first."InsSubNum", second."PlanNum",
        second."InsSubNum", used.paid, used.deductible
    from raw.appointment as a
    join raw.patient as p on p."PatNum" = a."PatNum"
    left join lateral (
        select s."PlanNum", s."InsSubNum" from raw.patplan as c join raw.inssub as s using ("InsSubNum")
        where c."PatNum" = p."PatNum" and c."Ordinal" = 1
    ) as first on true
    left join lateral (
        select s."PlanNum", s."InsSubNum" from raw.patplan as c join raw.inssub as s using ("InsSubNum")
        where c."PatNum" = p."PatNum" and c."Ordinal" = 2
    ) as second on true
    left join lateral (
        select sum(l."InsPayEst") as paid, sum(l."DedApplied") as deductible
        from raw.procedurelog as o join raw.claimproc as l using ("ProcNum")
        where o."PatNum" = p."PatNum" and extract(year from l."ProcDate") = extract(year from %(day)s)
            and l."Status" in (0, 1)
    ) as used on true
    where a."AptStatus" = 1 and a."AptDateTime" >= %(day)s and a."AptDateTime" < %(day)s + 1
    order by a."AptNum"
"""
_PROCEDURES = """
    select "AptNum", "ProcNum", "CodeNum", "ProvNum", round("ProcFee"::numeric * 100)::bigint
    from raw.procedurelog where "AptNum" = any(%s) and "ProcStatus" = 1 order by "ProcNum"
"""
_FINISH_APPOINTMENTS = """
    update raw.appointment as a
    set "AptStatus" = v.status::smallint, "DateTimeArrived" = v.arrived::timestamp,
        "DateTimeSeated" = v.seated::timestamp, "DateTimeDismissed" = v.dismissed::timestamp,
        "DateTStamp" = v.edited::timestamp, _loaded_at = v.sync::timestamptz
    from (values %s) as v (num, status, arrived, seated, dismissed, edited, sync) where a."AptNum" = v.num
"""
_MOVE_APPOINTMENTS = """
    update raw.appointment as a
    set "AptDateTime" = v.day::date + a."AptDateTime"::time, "DateTStamp" = v.edited::timestamp,
        _loaded_at = v.sync::timestamptz
    from (values %s) as v (num, day, edited, sync) where a."AptNum" = v.num
"""
_FINISH_PROCEDURES = """
    update raw.procedurelog as p
    set "ProcStatus" = 2, "ProcDate" = v.day::date, "DateComplete" = v.day::date, "DateEntryC" = v.day::date,
        "DateTStamp" = v.edited::timestamp, _loaded_at = v.sync::timestamptz
    from (values %s) as v (num, day, edited, sync) where p."ProcNum" = v.num
"""


def advance(connection: Connection, days: int) -> int:
    """Let days pass, each in a transaction of its own, and return the number of rows written or changed."""
    touched = 0
    for _ in range(days):
        state = read_state(connection)
        with connection, connection.cursor() as cursor:
            touched += _pass_day(connection, cursor, state)
            write_state(cursor, State(seed=state.seed, patients=state.patients, as_of=state.as_of + 1))
    return touched


def _last_keys(cursor: Cursor) -> dict[str, int]:
    selects = [
        f"""select '{table}', coalesce(max("{columns[0][0]}"), 0) from raw."{table}" """  # noqa: S608 - own names
        for table, columns in TABLES.items()
    ]
    cursor.execute(" union all ".join(selects))
    return {str(table): int(last) for table, last in cursor.fetchall()}


def _pass_day(connection: Connection, cursor: Cursor, state: State) -> int:
    day = state.as_of
    practice = build_practice(state.seed, state.patients)
    sink = CopySink(connection, day + 1)
    world = World(practice=practice, sink=sink, keys=Keys(_last_keys(cursor)), as_of=day + 1)
    touched = _todays_visits(cursor, world, state.seed, day)
    write_schedule(sink, world.keys, practice, day + HORIZON_DAYS, day)
    for family in range(max(1, state.patients // 2_000)):
        write_family(world, state.seed, NEW_FAMILIES + day * 1_000 + family, 4, fresh=True)
    sink.flush()
    values = {"day": dt.date.fromordinal(day), "n": day, "sync": sync_moment(day, day + 1)}
    for statement in (*DAILY_STEPS, AGEING):
        cursor.execute(statement, values)
        touched += max(cursor.rowcount, 0)
    return touched + sink.rows.total()


def _todays_visits(cursor: Cursor, world: World, seed: int, day: int) -> int:
    cursor.execute(_TODAY, {"day": dt.date.fromordinal(day)})
    rows = cursor.fetchall()
    lines: dict[int, list[Line]] = {}
    cursor.execute(_PROCEDURES, ([row[0] for row in rows],))
    for visit, num, code, provider, cents in cursor.fetchall():
        line = Line(num=num, code=CODES[code - 1], provider=provider, cents=cents, open=cents)
        lines.setdefault(visit, []).append(line)
    sync, edit = sync_moment(day, day + 1), edited(day)
    finished: list[tuple[object, ...]] = []
    moved: list[tuple[object, ...]] = []
    done: list[tuple[object, ...]] = []
    seen: list[tuple[object, ...]] = []
    for row in rows:
        visit, patient, hygiene, start = row[:4]
        chance = Chance(seed, 2, visit, day)
        person = _person(world.practice, row, day)
        none = iso(0)
        if chance.under(0.08):
            finished.append((visit, BROKEN, none, none, none, edit, sync))
            history(world, chance, person, (visit, BROKEN, f"{iso(day)} {start}"), day, action=2)
        elif chance.under(0.06) or visit not in lines:
            to = workday(day + chance.between(7, 21))
            moved.append((visit, iso(to), edit, sync))
            history(world, chance, person, (visit, 1, f"{iso(to)} {start}"), day, action=1)
        else:
            minute = start.hour * 60 + start.minute
            left = at(day, minute + chance.between(35, 75))
            finished.append((visit, COMPLETE, at(day, minute - 4), at(day, minute + 6), left, edit, sync))
            done.extend((line.num, iso(day), edit, sync) for line in lines[visit])
            settle(world, chance, person, day, lines[visit])
            task(world, chance, person, day)
            if hygiene:
                seen.append((patient, iso(day), edit, sync))
                if chance.under(0.7):
                    next_check_up(world, chance, person, workday(day + INTERVAL_DAYS), day)
                if chance.under(0.4):
                    treatment(world, chance, person, day)
    for statement, values in (
        (_FINISH_APPOINTMENTS, finished),
        (_MOVE_APPOINTMENTS, moved),
        (_FINISH_PROCEDURES, done),
        (_RECALLS, seen),
    ):
        if values:
            execute_values(cursor, statement, values)
    return len(finished) + len(moved) + len(done) + len(seen)


_RECALLS = """
    update raw.recall as r
    set "DatePrevious" = v.day::date, "DateDue" = v.day::date + ("RecallInterval" >> 16) * 30 + 2,
        "DateDueCalc" = v.day::date + ("RecallInterval" >> 16) * 30 + 2, "RecallStatus" = 0,
        "DateTStamp" = v.edited::timestamp, _loaded_at = v.sync::timestamptz
    from (values %s) as v (num, day, edited, sync) where r."PatNum" = v.num
"""


def _person(practice: Practice, row: tuple[object, ...], day: int) -> Person:
    patient, guarantor, clinic_num, dentist, hygienist = (int(str(row[index])) for index in (1, 4, 5, 6, 7))
    clinic = practice.clinics[clinic_num - 1]
    first, first_sub, second, second_sub = (int(str(value)) if value else 0 for value in row[9:13])
    year = dt.date.fromordinal(day).year
    person = Person(
        num=patient,
        account=Account(guarantor=guarantor),
        clinic=clinic,
        dentist=dentist,
        hygienist=hygienist or clinic.hygienists[0],
        child=bool(row[8]),
        plan=practice.plans[first - 1] if first else None,
        subscription=first_sub,
        secondary=practice.plans[second - 1] if second else None,
        secondary_subscription=second_sub,
        visits=1,
    )
    person.benefit_used[year] = round(float(str(row[13] or 0)) * 100)
    person.deductible_used[year] = round(float(str(row[14] or 0)) * 100)
    return person
