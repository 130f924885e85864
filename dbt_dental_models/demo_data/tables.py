"""The replicated tables: OpenDental's names and column order, as Postgres columns.

Money is ``double precision`` and dates are never null, as in the source: an empty date is 0001-01-01 and a missing
foreign key is 0. The replicator adds ``_loaded_at``, the moment it last wrote the row.
"""

from typing import Final

LOADED_AT: Final = "_loaded_at"

_TYPES: Final = {
    "key": "bigint",
    "enum": "smallint",
    "int": "integer",
    "money": "double precision",
    "text": "text",
    "date": "date",
    "time": "time",
    "stamp": "timestamp",
}

# One entry a table: "type: columns". The first column is the primary key. Order is the order of the rows' values.
_LAYOUT: Final = {
    "adjustment": "key AdjNum, date AdjDate, money AdjAmt, key PatNum, key AdjType, key ProvNum, key ProcNum,"
    " date ProcDate, key ClinicNum, date DateEntry, stamp SecDateTEdit",
    "appointment": "key AptNum, key PatNum, enum AptStatus, text Pattern, key Confirmed, key Op, key ProvNum,"
    " key ProvHyg, stamp AptDateTime, enum IsNewPatient, enum IsHygiene, key ClinicNum, key AppointmentTypeNum,"
    " stamp DateTimeArrived, stamp DateTimeSeated, stamp DateTimeDismissed, stamp SecDateTEntry, stamp DateTStamp",
    "appointmenttype": "key AppointmentTypeNum, text AppointmentTypeName, int AppointmentTypeColor, int ItemOrder,"
    " enum IsHidden, text Pattern",
    "benefit": "key BenefitNum, key PlanNum, key PatPlanNum, key CovCatNum, enum BenefitType, enum Percent,"
    " money MonetaryAmt, enum TimePeriod, enum CoverageLevel, key CodeNum, stamp SecDateTEdit",
    "carrier": "key CarrierNum, text CarrierName, text City, text State, text ElectID, enum NoSendElect,"
    " enum IsHidden, stamp SecDateTEdit",
    "claim": "key ClaimNum, key PatNum, date DateService, date DateSent, text ClaimStatus, date DateReceived,"
    " key PlanNum, key InsSubNum, text ClaimType, key ProvTreat, key ProvBill, key ClinicNum, money ClaimFee,"
    " money InsPayEst, money InsPayAmt, money DedApplied, money WriteOff, stamp SecDateTEdit",
    "claimpayment": "key ClaimPaymentNum, date CheckDate, money CheckAmt, text CheckNum, date DateIssued,"
    " text CarrierName, key ClinicNum, key PayType, enum IsPartial, stamp SecDateTEdit",
    "claimproc": "key ClaimProcNum, key ProcNum, key ClaimNum, key PatNum, key ProvNum, money FeeBilled,"
    " money InsPayEst, money DedApplied, enum Status, money InsPayAmt, key ClaimPaymentNum, key PlanNum,"
    " key InsSubNum, date DateCP, money WriteOff, date ProcDate, key ClinicNum, stamp SecDateTEdit",
    "claimtracking": "key ClaimTrackingNum, key ClaimNum, text TrackingType, key UserNum, stamp DateTimeEntry,"
    " key TrackingDefNum, text Note",
    "clinic": "key ClinicNum, text Description, text Abbr, text City, text State, enum IsHidden",
    "commlog": "key CommlogNum, key PatNum, stamp CommDateTime, key CommType, text Note, enum Mode_,"
    " enum SentOrReceived, key UserNum, stamp DateTStamp",
    "covcat": "key CovCatNum, text Description, enum DefaultPercent, int CovOrder, enum IsHidden",
    "covspan": "key CovSpanNum, key CovCatNum, text FromCode, text ToCode",
    "definition": "key DefNum, enum Category, int ItemOrder, text ItemName, text ItemValue, enum IsHidden",
    "employer": "key EmployerNum, text EmpName",
    "fee": "key FeeNum, money Amount, key FeeSched, key CodeNum, key ClinicNum, key ProvNum, stamp SecDateTEdit",
    "feesched": "key FeeSchedNum, text Description, enum FeeSchedType, int ItemOrder, enum IsHidden,"
    " stamp SecDateTEdit",
    "histappointment": "key HistApptNum, key HistUserNum, stamp HistDateTStamp, enum HistApptAction, key AptNum,"
    " key PatNum, enum AptStatus, stamp AptDateTime",
    "inssub": "key InsSubNum, key PlanNum, key Subscriber, date DateEffective, date DateTerm, text SubscriberID,"
    " stamp SecDateTEdit",
    "insplan": "key PlanNum, text GroupName, text GroupNum, key FeeSched, text PlanType, key CarrierNum,"
    " key EmployerNum, enum IsHidden, enum MonthRenew, stamp SecDateTEdit",
    "operatory": "key OperatoryNum, text OpName, text Abbrev, int ItemOrder, enum IsHidden, key ProvDentist,"
    " key ProvHygienist, enum IsHygiene, key ClinicNum, stamp DateTStamp",
    "patient": "key PatNum, text LName, text FName, enum PatStatus, enum Gender, date Birthdate, key Guarantor,"
    " key PriProv, key SecProv, key ClinicNum, key FeeSched, key BillingType, money EstBalance, money BalTotal,"
    " money Bal_0_30, money Bal_31_60, money Bal_61_90, money BalOver90, money InsEst, text Email, enum TxtMsgOk,"
    " date DateFirstVisit, date SecDateEntry, stamp DateTStamp",
    "patplan": "key PatPlanNum, key PatNum, enum Ordinal, key InsSubNum, enum Relationship, enum IsPending,"
    " stamp SecDateTEdit",
    "payment": "key PayNum, key PayType, date PayDate, money PayAmt, text CheckNum, key PatNum, key ClinicNum,"
    " date DateEntry, stamp SecDateTEdit",
    "paysplit": "key SplitNum, money SplitAmt, key PatNum, date DatePay, key PayNum, key ProvNum, key ClinicNum,"
    " key ProcNum, key AdjNum, key UnearnedType, date DateEntry, stamp SecDateTEdit",
    "procedurecode": "key CodeNum, text ProcCode, text Descript, text AbbrDesc, key ProcCat, enum TreatArea,"
    " enum IsHygiene, text ProcTime, stamp DateTStamp",
    "procedurelog": "key ProcNum, key PatNum, key AptNum, key CodeNum, date ProcDate, money ProcFee, text Surf,"
    " text ToothNum, enum ProcStatus, key ProvNum, key ClinicNum, int UnitQty, int BaseUnits, date DateTP,"
    " date DateComplete, date DateEntryC, stamp DateTStamp",
    "provider": "key ProvNum, text Abbr, text LName, text FName, text Suffix, key FeeSched, key Specialty,"
    " enum IsHidden, enum IsSecondary, enum ProvStatus, stamp DateTStamp",
    "recall": "key RecallNum, key PatNum, date DateDueCalc, date DateDue, date DatePrevious, int RecallInterval,"
    " key RecallStatus, enum IsDisabled, key RecallTypeNum, date DateScheduled, stamp DateTStamp",
    "recalltype": "key RecallTypeNum, text Description, int DefaultInterval, text Procedures",
    "refattach": "key RefAttachNum, key ReferralNum, key PatNum, int ItemOrder, date RefDate, enum RefType,"
    " enum RefToStatus, key ProcNum, stamp DateTStamp",
    "referral": "key ReferralNum, text LName, text FName, enum NotPerson, key Specialty, enum IsDoctor,"
    " enum IsHidden, key PatNum, stamp DateTStamp",
    "schedule": "key ScheduleNum, date SchedDate, time StartTime, time StopTime, enum SchedType, key ProvNum,"
    " key BlockoutType, enum Status, key ClinicNum, stamp DateTStamp",
    "statement": "key StatementNum, key PatNum, date DateSent, enum Mode_, enum IsSent, money BalTotal,"
    " money InsEst, stamp DateTStamp",
    "task": "key TaskNum, text Descript, enum TaskStatus, enum ObjectType, key KeyNum, key UserNum,"
    " stamp DateTimeEntry, stamp DateTimeFinished, stamp SecDateTEdit",
    "treatplan": "key TreatPlanNum, key PatNum, date DateTP, text Heading, enum TPStatus, stamp SecDateTEdit",
    "treatplanattach": "key TreatPlanAttachNum, key TreatPlanNum, key ProcNum, key Priority",
    "userod": "key UserNum, text UserName, key ProvNum, key ClinicNum, enum IsHidden",
}

TABLES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    table: tuple((name, kind) for kind, name in (column.split() for column in layout.split(",")))
    for table, layout in _LAYOUT.items()
}

# Lookups that the advance statements and a person at the prompt make; the models read whole tables.
_INDEXES: Final = (
    ("appointment", "AptDateTime"),
    ("appointment", "PatNum"),
    ("claimproc", "ClaimNum"),
    ("claimproc", "ProcNum"),
    ("paysplit", "PayNum"),
    ("procedurelog", "AptNum"),
    ("procedurelog", "PatNum"),
)


def create_table(table: str) -> str:
    """Return the statement that creates one raw table, without its key."""
    columns = ", ".join(f'"{name}" {_TYPES[kind]} not null' for name, kind in TABLES[table])
    return f'create table raw."{table}" ({columns}, {LOADED_AT} timestamptz not null)'


def finish_statements() -> list[str]:
    """Return the statements that follow the load: keys, indexes and statistics (cheaper than before it)."""
    keys = [f'alter table raw."{table}" add primary key ("{columns[0][0]}")' for table, columns in TABLES.items()]
    indexes = [f'create index on raw."{table}" ("{column}")' for table, column in _INDEXES]
    return keys + indexes + [f'analyze raw."{table}"' for table in TABLES]
