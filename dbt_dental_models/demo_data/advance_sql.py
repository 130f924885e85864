"""What happens in a day besides today's visits, one statement a step.

Which rows a step takes follows from their keys and the day (``n``, an ordinal), so that the same data moves on the
same way everywhere. Every row written carries the night's sync moment, except the late ones.
"""

# ruff: noqa: S608 - the statements are put together from the constants of this module alone

from typing import Final

_STAMP: Final = "\"SecDateTEdit\" = %(day)s + time '18:05', _loaded_at = %(sync)s::timestamptz"
_EDITED: Final = "%(day)s + time '18:05'"
_NIGHT: Final = f"{_EDITED}, %(sync)s::timestamptz"
# Batches from a clinic that was offline: written to its own log before the last night, and only now here.
_LATE: Final = f"{_EDITED}, %(sync)s::timestamptz - interval '26 hours'"

_SEND_CLAIMS: Final = f"""
    update raw.claim set "ClaimStatus" = 'S', "DateSent" = %(day)s, {_STAMP}
    where ("ClaimStatus" in ('W', 'U') and "DateService" < %(day)s - 1)
        or ("ClaimStatus" = 'H' and exists (
            select 1 from raw.claim as first
            where first."PatNum" = claim."PatNum" and first."DateService" = claim."DateService"
                and first."ClaimType" = 'P' and first."ClaimStatus" = 'R'
        ))
"""
_CHOOSE_ANSWERED: Final = """
    create temporary table answered on commit drop as
    select c."ClaimNum", mod(c."ClaimNum", 20) = 7 as denied, sum(l."InsPayEst"::numeric) as amount,
        (select coalesce(max("ClaimPaymentNum"), 0) from raw.claimpayment)
            + row_number() over (order by c."ClaimNum") as check_num
    from raw.claim as c join raw.claimproc as l on l."ClaimNum" = c."ClaimNum"
    where c."ClaimStatus" = 'S' and c."ClaimType" in ('P', 'S') and c."DateSent" <= %(day)s - 10
        and mod(c."ClaimNum" * 31 + %(n)s, 5) = 0
    group by c."ClaimNum"
"""
_WRITE_CHECKS: Final = f"""
    insert into raw.claimpayment
    select a.check_num, %(day)s, a.amount, (500000 + a.check_num)::text, %(day)s - 3, r."CarrierName", c."ClinicNum",
        3201, 0, {_NIGHT}
    from answered as a join raw.claim as c using ("ClaimNum") join raw.insplan as p using ("PlanNum")
    join raw.carrier as r using ("CarrierNum") where not a.denied and a.amount > 0
"""
_ANSWER_LINES: Final = f"""
    update raw.claimproc as l set "Status" = 1, "DateCP" = %(day)s,
        "InsPayAmt" = case when a.denied then 0 else l."InsPayEst" end,
        "WriteOff" = case when a.denied then 0 else l."WriteOff" end,
        "ClaimPaymentNum" = case when a.denied or l."InsPayEst" = 0 then 0 else a.check_num end, {_STAMP}
    from answered as a where a."ClaimNum" = l."ClaimNum"
"""
_ANSWER_CLAIMS: Final = f"""
    update raw.claim as c set "ClaimStatus" = 'R', "DateReceived" = %(day)s,
        "InsPayAmt" = case when a.denied then 0 else a.amount end,
        "WriteOff" = case when a.denied then 0 else c."WriteOff" end, {_STAMP}
    from answered as a where a."ClaimNum" = c."ClaimNum"
"""
_TRACK_CLAIMS: Final = """
    insert into raw.claimtracking
    select
        (select coalesce(max("ClaimTrackingNum"), 0) from raw.claimtracking) + row_number() over (order by "ClaimNum"),
        "ClaimNum", 'StatusHistory', 1, %(day)s + time '10:00', case when denied then 4504 else 4503 end, '',
        %(sync)s::timestamptz
    from answered
"""
_PAY_BALANCES: Final = f"""
    with payers as (
        select p.*, (select coalesce(max("PayNum"), 0) from raw.payment) + row_number() over (order by "PatNum") as pay,
            (select coalesce(max("SplitNum"), 0) from raw.paysplit) + row_number() over (order by "PatNum") as split
        from raw.patient as p where "EstBalance" > 20 and mod("PatNum" * 17 + %(n)s, 40) = 0
    ), paid as (
        insert into raw.payment
        select pay, 1003, %(day)s, "EstBalance", '', "PatNum", "ClinicNum", %(day)s, {_NIGHT} from payers
    )
    insert into raw.paysplit
    select split, "EstBalance", "PatNum", %(day)s, pay, "PriProv", "ClinicNum", 0, 0, 0, %(day)s, {_NIGHT} from payers
"""
_REVERSE_PAYMENTS: Final = f"""
    with bounced as (
        select p.*, (select max("PayNum") from raw.payment) + row_number() over (order by "PayNum") as new_pay
        from raw.payment as p
        where "PayDate" = %(day)s - 8 and "PayAmt" > 0 and mod("PayNum", 40) = 11
    ), back as (
        insert into raw.payment
        select new_pay, 1001, %(day)s, -"PayAmt", '', "PatNum", "ClinicNum", %(day)s, {_NIGHT} from bounced
    )
    insert into raw.paysplit
    select (select max("SplitNum") from raw.paysplit) + row_number() over (order by s."SplitNum"), -s."SplitAmt",
        s."PatNum", %(day)s, b.new_pay, s."ProvNum", s."ClinicNum", s."ProcNum", s."AdjNum", s."UnearnedType",
        %(day)s, {_NIGHT}
    from bounced as b join raw.paysplit as s on s."PayNum" = b."PayNum"
"""
_LATE_ADJUSTMENTS: Final = f"""
    insert into raw.adjustment
    select (select coalesce(max("AdjNum"), 0) from raw.adjustment) + row_number() over (order by "PatNum"),
        %(day)s - 45, 25, "PatNum", 105, "PriProv", 0, date '0001-01-01', "ClinicNum", %(day)s - 1, {_LATE}
    from raw.patient where "PatStatus" = 0 and mod("PatNum" * 11 + %(n)s, 150) = 0
"""
_LATE_MESSAGES: Final = f"""
    insert into raw.commlog
    select (select max("CommlogNum") from raw.commlog) + row_number() over (order by "PatNum"), "PatNum",
        %(day)s - 2 + time '11:20', 2705, '', 3, 2, 1, {_LATE}
    from raw.patient where "PatStatus" = 0 and mod("PatNum" * 19 + %(n)s, 120) = 0
"""
_REMINDERS: Final = f"""
    insert into raw.commlog
    select (select max("CommlogNum") from raw.commlog) + row_number() over (order by "AptNum"), "PatNum",
        %(day)s + time '09:30', 2701, '', 5, 1, 0, {_NIGHT}
    from raw.appointment
    where "AptStatus" = 1 and "AptDateTime" >= %(day)s + 2 and "AptDateTime" < %(day)s + 3
"""
_STATEMENTS: Final = f"""
    insert into raw.statement
    select
        (select coalesce(max("StatementNum"), 0) from raw.statement) + row_number() over (order by "PatNum"), "PatNum",
        %(day)s, 2, 1, "BalTotal", "InsEst", {_NIGHT}
    from raw.patient where "BalTotal" - "InsEst" > 5 and mod("PatNum" + %(n)s, 30) = 0
"""
_CHANGES: Final = (
    f"""update raw.patient set "BillingType" = case "BillingType" when 401 then 402 else 401 end,
        "DateTStamp" = {_EDITED}, _loaded_at = %(sync)s::timestamptz where mod("PatNum" * 5 + %(n)s, 250) = 0""",
    f"""update raw.patient set "PatStatus" = 2, "DateTStamp" = {_EDITED}, _loaded_at = %(sync)s::timestamptz
        where "PatStatus" = 0 and mod("PatNum" * 7 + %(n)s, 700) = 0""",
    f"""update raw.patient set "Guarantor" = "PatNum", "DateTStamp" = {_EDITED}, _loaded_at = %(sync)s::timestamptz
        where "PatNum" <> "Guarantor" and mod("PatNum" * 3 + %(n)s, 400) = 0""",
    f"""update raw.provider set "IsHidden" = 1 - "IsHidden", "DateTStamp" = {_EDITED},
        _loaded_at = %(sync)s::timestamptz where mod("ProvNum" + %(n)s, 24) = 0""",
    f"""update raw.fee set "Amount" = "Amount" + 1, {_STAMP}
        where "FeeSched" = 1 and "ClinicNum" = 0 and mod("CodeNum" + %(n)s, 13) = 0""",
    f"""update raw.commlog set "CommType" = 2703, "DateTStamp" = {_EDITED}, _loaded_at = %(sync)s::timestamptz
        where mod("CommlogNum" * 5 + %(n)s, 400) = 0""",
    f"""update raw.adjustment set "AdjAmt" = "AdjAmt" - 1, {_STAMP}
        where "AdjAmt" < 0 and mod("AdjNum" * 7 + %(n)s, 120) = 0""",
    # Money given to a procedure goes back to the account as a whole.
    f"""update raw.paysplit set "ProcNum" = 0, {_STAMP}
        where "ProcNum" <> 0 and "UnearnedType" = 0 and mod("SplitNum" * 3 + %(n)s, 300) = 0""",
    f"""update raw.procedurelog set "ProcFee" = "ProcFee" - 5, "DateTStamp" = {_EDITED},
        _loaded_at = %(sync)s::timestamptz where "ProcStatus" = 2 and mod("ProcNum" * 7 + %(n)s, 500) = 0""",
    f"""update raw.task set "TaskStatus" = 2, "DateTimeFinished" = {_EDITED}, {_STAMP}
        where "TaskStatus" < 2 and mod("TaskNum" + %(n)s, 5) = 0""",
    # A procedure charged in error is struck out; one nobody paid for, so that no money hangs on it.
    f"""update raw.procedurelog as p set "ProcStatus" = 6, "DateTStamp" = {_EDITED},
        _loaded_at = %(sync)s::timestamptz
        where "ProcStatus" = 2 and mod("ProcNum" * 3 + %(n)s, 300) = 0
        and not exists (select 1 from raw.claimproc as l where l."ProcNum" = p."ProcNum")
        and not exists (select 1 from raw.paysplit as s where s."ProcNum" = p."ProcNum")
        and not exists (select 1 from raw.adjustment as a where a."ProcNum" = p."ProcNum")""",
)
_DELETES: Final = (
    """with wrong as (
        delete from raw.payment where "PayDate" between %(day)s - 30 and %(day)s - 1
        and mod("PayNum" * 13 + %(n)s, 60) = 0 returning "PayNum"
    ) delete from raw.paysplit using wrong where paysplit."PayNum" = wrong."PayNum" """,
    """delete from raw.commlog where mod("CommlogNum" * 3 + %(n)s, 500) = 0""",
    """delete from raw.adjustment as a where mod("AdjNum" * 3 + %(n)s, 100) = 0
        and not exists (select 1 from raw.paysplit as s where s."AdjNum" = a."AdjNum")""",
    """with withdrawn as (
        delete from raw.claim where "ClaimStatus" in ('U', 'W') and mod("ClaimNum" + %(n)s, 5) = 0 returning "ClaimNum"
    ) delete from raw.claimproc using withdrawn where claimproc."ClaimNum" = withdrawn."ClaimNum" """,
    f"""with gone as (
        delete from raw.appointment where "AptStatus" = 1 and "AptDateTime" > %(day)s + 1
        and mod("AptNum" * 7 + %(n)s, 120) = 0 returning "AptNum", "PatNum", "AptDateTime"
    ), noted as (
        insert into raw.histappointment
        select (select max("HistApptNum") from raw.histappointment) + row_number() over (order by "AptNum"), 1,
            {_EDITED}, 4, "AptNum", "PatNum", 1, "AptDateTime", %(sync)s::timestamptz from gone
    ) update raw.procedurelog as p set "AptNum" = 0, "DateTStamp" = {_EDITED}, _loaded_at = %(sync)s::timestamptz
    from gone where p."AptNum" = gone."AptNum" """,
    """with dropped as (
        delete from raw.procedurelog as p
        where "ProcStatus" = 1 and "AptNum" = 0 and mod("ProcNum" * 3 + %(n)s, 150) = 0
        and not exists (select 1 from raw.claimproc as l where l."ProcNum" = p."ProcNum") returning "ProcNum"
    ) delete from raw.treatplanattach using dropped where treatplanattach."ProcNum" = dropped."ProcNum" """,
    """delete from raw.fee where "ProvNum" <> 0 and mod("FeeNum" + %(n)s, 11) = 0""",
)
DAILY_STEPS: Final = (
    _SEND_CLAIMS,
    "drop table if exists answered",
    _CHOOSE_ANSWERED,
    _WRITE_CHECKS,
    _ANSWER_LINES,
    _ANSWER_CLAIMS,
    _TRACK_CLAIMS,
    _PAY_BALANCES,
    _REVERSE_PAYMENTS,
    _LATE_ADJUSTMENTS,
    _LATE_MESSAGES,
    _REMINDERS,
    _STATEMENTS,
    *_CHANGES,
    *_DELETES,
)
# The source's own nightly run: balances of patients, and by age of guarantors. Credits pay the oldest charge first.
AGEING: Final = f"""
    with entries as (
        select "PatNum", "ProcDate" as day, "ProcFee"::numeric * greatest("BaseUnits" + "UnitQty", 1) as amount
        from raw.procedurelog where "ProcStatus" = 2
        union all select "PatNum", "AdjDate", "AdjAmt"::numeric from raw.adjustment
        union all select "PatNum", "DatePay", -"SplitAmt"::numeric from raw.paysplit
        union all select "PatNum", "DateCP", -"InsPayAmt"::numeric from raw.claimproc where "Status" in (1, 4, 5)
        union all select "PatNum", "DateCP", -"WriteOff"::numeric from raw.claimproc where "Status" in (1, 4, 5)
    ), own as (select "PatNum", sum(amount) as balance from entries group by "PatNum"),
    accounts as (select p."Guarantor", e.day, e.amount from entries as e join raw.patient as p using ("PatNum")),
    totals as (
        select "Guarantor", sum(amount) as total, -coalesce(sum(amount) filter (where amount < 0), 0) as credit
        from accounts group by "Guarantor"
    ), charges as (
        select "Guarantor", %(day)s + 1 - day as age, amount,
            sum(amount) over (partition by "Guarantor" order by day rows unbounded preceding) as so_far
        from accounts where amount > 0
    ), open as (
        select c."Guarantor", c.age, greatest(0, least(c.amount, c.so_far - t.credit)) as amount
        from charges as c join totals as t using ("Guarantor")
    ), aged as (
        select t."Guarantor", t.total,
            least(t.total, 0) + coalesce(sum(o.amount) filter (where o.age <= 30), 0) as b1,
            coalesce(sum(o.amount) filter (where o.age between 31 and 60), 0) as b2,
            coalesce(sum(o.amount) filter (where o.age between 61 and 90), 0) as b3,
            coalesce(sum(o.amount) filter (where o.age > 90), 0) as b4
        from totals as t left join open as o using ("Guarantor") group by t."Guarantor", t.total
    ), expected as (
        select p."Guarantor", sum(l."InsPayEst"::numeric + l."WriteOff"::numeric) as amount
        from raw.claimproc as l join raw.patient as p using ("PatNum") where l."Status" = 0 group by p."Guarantor"
    ), fresh as (
        select p."PatNum", coalesce(own.balance, 0) as own, coalesce(a.total, 0) as total, coalesce(a.b1, 0) as b1,
            coalesce(a.b2, 0) as b2, coalesce(a.b3, 0) as b3, coalesce(a.b4, 0) as b4, coalesce(x.amount, 0) as ins
        from raw.patient as p left join own using ("PatNum")
        left join aged as a on a."Guarantor" = p."PatNum" left join expected as x on x."Guarantor" = p."PatNum"
    )
    update raw.patient as p set "EstBalance" = f.own, "BalTotal" = f.total, "Bal_0_30" = f.b1, "Bal_31_60" = f.b2,
        "Bal_61_90" = f.b3, "BalOver90" = f.b4, "InsEst" = f.ins, "DateTStamp" = {_EDITED},
        _loaded_at = %(sync)s::timestamptz
    from fresh as f where f."PatNum" = p."PatNum"
    and (p."EstBalance", p."BalTotal", p."Bal_0_30", p."Bal_31_60", p."Bal_61_90", p."BalOver90", p."InsEst")
        is distinct from (f.own::float8, f.total::float8, f.b1::float8, f.b2::float8, f.b3::float8, f.b4::float8,
            f.ins::float8)
"""
