"""The practice itself: clinics, staff, fees, insurance plans and the working calendar."""

from dataclasses import dataclass
from typing import Final

from demo_data.chance import Chance, edited, is_weekend, iso, money
from demo_data.codes import (
    APPOINTMENT_TYPES,
    CITIES,
    CODES,
    COVERAGE,
    DEFINITIONS,
    FEE_SCHEDULES,
    LAST_NAMES,
    OUT_OF_NETWORK,
    PPO_BLUE,
    PPO_GREEN,
    RECALL_TYPES,
    STANDARD,
)
from demo_data.sink import Keys, Sink

HISTORY_DAYS = 3 * 365
HORIZON_DAYS = 120
MAX_CLINICS: Final = 40
PATIENTS_PER_CLINIC: Final = 5_000


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An insurance plan as a claim needs it; percents by coverage category, money in cents."""

    num: int
    kind: str
    fee_schedule: int
    carrier: str
    percents: dict[int, int]
    yearly_max: int
    deductible: int


@dataclass(frozen=True, kw_only=True)
class Clinic:
    """Where and by whom a patient is seen."""

    num: int
    dentists: tuple[int, ...]
    hygienists: tuple[int, ...]
    chairs: tuple[int, ...]
    hygiene_chairs: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Practice:
    """What every story draws on."""

    clinics: tuple[Clinic, ...]
    plans: tuple[Plan, ...]
    users: int
    referrals: int


def category_of(code: str) -> int:
    """Return the coverage category (CovCatNum) a procedure code falls into."""
    return next(num for num, (_, _, low, high) in COVERAGE.items() if low <= code <= high)


def fee_cents(fee_schedule: int, standard_cents: int) -> int:
    """Return the fee of a code in a schedule, whole dollars."""
    return int(standard_cents * FEE_SCHEDULES[fee_schedule][2]) // 100 * 100


def build_practice(seed: int, patients: int) -> Practice:
    """Return the practice for this size; nothing is written."""
    count = max(2, min(MAX_CLINICS, patients // PATIENTS_PER_CLINIC))
    clinics = []
    for index in range(count):
        first = index * 4 + 1
        clinics.append(
            Clinic(
                num=index + 1,
                dentists=(first, first + 1),
                hygienists=(first + 2, first + 3),
                chairs=(first, first + 1),
                hygiene_chairs=(first + 2, first + 3),
            )
        )
    chance = Chance(seed, 11)
    plans = []
    for num in range(1, 31):
        kind, schedule = chance.pick((("p", PPO_BLUE), ("p", PPO_GREEN), ("", 0), ("", OUT_OF_NETWORK)))
        percents = {key: row[1] - chance.pick((0, 0, 10)) for key, row in COVERAGE.items()}
        plans.append(
            Plan(
                num=num,
                kind=kind,
                fee_schedule=schedule,
                carrier=f"Carrier {(num - 1) % 12 + 1:02d}",
                percents=percents,
                yearly_max=chance.pick((100_000, 150_000, 200_000)),
                deductible=chance.pick((0, 5_000, 7_500)),
            )
        )
    return Practice(clinics=tuple(clinics), plans=tuple(plans), users=count * 3, referrals=24)


def write_lists(sink: Sink, day: int) -> None:
    """Write the vendor lists, which do not depend on the practice's size."""
    for order, (num, (category, name, value)) in enumerate(DEFINITIONS.items()):
        sink.add("definition", day, num, category, order, name, value, 0)
    for code in CODES:
        names = (code.code, code.text, code.text[:12])
        details = (code.category, code.area, int(code.hygiene), "XXXX" if code.hygiene else "XXXXXX")
        sink.add("procedurecode", day, code.num, *names, *details, edited(day))
    for num, (text, kind, _) in FEE_SCHEDULES.items():
        sink.add("feesched", day, num, text, kind, num, 0, edited(day))
    for num, (text, percent, low, high) in COVERAGE.items():
        sink.add("covcat", day, num, text, percent, num, 0)
        sink.add("covspan", day, num, num, low, high)
    for num, (text, months, codes) in RECALL_TYPES.items():
        sink.add("recalltype", day, num, text, months, codes)
    for num, (text, pattern) in APPOINTMENT_TYPES.items():
        sink.add("appointmenttype", day, num, text, num * 1000, num, 0, pattern)


def write_practice(sink: Sink, keys: Keys, practice: Practice, seed: int, as_of: int) -> None:
    """Write clinics, staff, fees, plans, referral sources and the calendar."""
    start = as_of - HISTORY_DAYS - 30
    chance = Chance(seed, 12)
    write_lists(sink, start)
    for clinic in practice.clinics:
        city, state = CITIES[clinic.num % len(CITIES)]
        sink.add("clinic", start, clinic.num, f"{city} dental {clinic.num}", f"C{clinic.num:02d}", city, state, 0)
        staff = clinic.dentists + clinic.hygienists
        for position, provider in enumerate(staff):
            hygienist = provider in clinic.hygienists
            # The first dentist bills the standard schedule; 0 means the practice's default.
            schedule = STANDARD if position == 0 else 0
            specialty = 3502 if hygienist else chance.pick((3501, 3501, 3503, 3504))
            name = (
                f"P{provider:03d}",
                LAST_NAMES[provider % len(LAST_NAMES)],
                f"Pat{provider}",
                "RDH" if hygienist else "DMD",
            )
            hidden = int(clinic.num > 1 and position == 3)
            sink.add("provider", start, provider, *name, schedule, specialty, hidden, int(hygienist), 0, edited(start))
            sink.add(
                "operatory", start, provider, f"Room {provider}", f"R{provider}", provider, 0,
                0 if hygienist else provider, provider if hygienist else 0, int(hygienist), clinic.num, edited(start),
            )  # fmt: skip
        for _ in range(3):
            user = keys("userod")
            sink.add("userod", start, user, f"user{user:03d}", 0, clinic.num, 0)
    _write_fees(sink, keys, practice, start)
    _write_plans(sink, keys, practice, chance, start)
    for num in range(1, practice.referrals + 1):
        doctor, place = int(num <= 10), int(num > 18)
        last = f"Source {num}" if place else LAST_NAMES[num % len(LAST_NAMES)]
        first = "" if place else f"Sam{num}"
        sink.add("referral", start, num, last, first, place, 3501 if doctor else 0, doctor, 0, 0, edited(start))
    for day in range(start, as_of + HORIZON_DAYS):
        write_schedule(sink, keys, practice, day, min(day, as_of - 1))


def write_schedule(sink: Sink, keys: Keys, practice: Practice, day: int, entered: int) -> None:
    """Write one day of the calendar: every provider, and lunch."""
    if is_weekend(day):
        return
    for clinic in practice.clinics:
        for provider in clinic.dentists + clinic.hygienists:
            hours = ("08:00:00", "17:00:00", 1, provider, 0, 0, clinic.num)
            sink.add("schedule", entered, keys("schedule"), iso(day), *hours, edited(entered))
        lunch = ("12:00:00", "13:00:00", 2, 0, 2501, 0, clinic.num)
        sink.add("schedule", entered, keys("schedule"), iso(day), *lunch, edited(entered))


def _write_fees(sink: Sink, keys: Keys, practice: Practice, day: int) -> None:
    for schedule in FEE_SCHEDULES:
        for code in CODES:
            amount = money(fee_cents(schedule, code.cents))
            sink.add("fee", day, keys("fee"), amount, schedule, code.num, 0, 0, edited(day))
    # Overrides: the second clinic charges more for exams, its first dentist more again for crowns.
    second = practice.clinics[1]
    for code in CODES:
        if code.category == 1101:
            raised = money(code.cents + 500)
            sink.add("fee", day, keys("fee"), raised, STANDARD, code.num, second.num, 0, edited(day))
        if code.category == 1104:
            raised = money(code.cents + 6000)
            sink.add("fee", day, keys("fee"), raised, STANDARD, code.num, second.num, second.dentists[0], edited(day))


def _write_plans(sink: Sink, keys: Keys, practice: Practice, chance: Chance, day: int) -> None:
    for num in range(1, 13):
        city, state = CITIES[num % len(CITIES)]
        carrier_row = (num, f"Carrier {num:02d}", city, state, f"{60000 + num}", int(num == 12), 0)
        sink.add("carrier", day, *carrier_row, edited(day))
        sink.add("employer", day, num, f"Employer {num:02d}")
    for plan in practice.plans:
        employer = chance.between(0, 12)
        terms = (plan.fee_schedule, plan.kind, (plan.num - 1) % 12 + 1, employer, 0, 0)
        names = (f"Group {plan.num:02d}", f"G{1000 + plan.num}")
        sink.add("insplan", day, plan.num, *names, *terms, edited(day))
        for category, percent in plan.percents.items():
            sink.add("benefit", day, keys("benefit"), plan.num, 0, category, 1, percent, -1, 2, 0, 0, edited(day))
        limit, deductible = money(plan.yearly_max), money(plan.deductible)
        sink.add("benefit", day, keys("benefit"), plan.num, 0, 0, 5, -1, limit, 2, 1, 0, edited(day))
        sink.add("benefit", day, keys("benefit"), plan.num, 0, 0, 2, -1, deductible, 2, 1, 0, edited(day))
