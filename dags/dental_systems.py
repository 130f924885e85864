"""### One business system, by itself

Each of the three systems is a DAG of its own: it is triggered, paused, cleared and looked at without the others, has
its own schedule and owner, and writes no table that another one writes.

- `dental_system_a_fee_processing`: procedures and their fees. No schedule: trigger it when a fee schedule was loaded.
- `dental_system_b_insurance`: claims, payments and estimates. On weekdays at 9:30, 13:30 and 17:30, when carriers have
  answered.
- `dental_system_c_appointments`: appointments, schedules and recalls. On weekdays every hour from 7:45 to 17:45, for
  the front desk.

All build on target `prod` upon what `foundation` made, which `dental_nightly` does every night.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from podbt.airflow import DbtOperator, notifications

SYSTEMS = {
    "system_a_fee_processing": ("billing", None),
    "system_b_insurance": ("insurance-desk", "30 9-17/4 * * 1-5"),
    "system_c_appointments": ("front-desk", "45 7-17 * * 1-5"),
}

for name, (owner, schedule) in SYSTEMS.items():
    with DAG(
        dag_id=f"dental_{name}",
        schedule=schedule,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": owner, "retries": 2, "retry_delay": timedelta(minutes=5)},
        doc_md=__doc__,
        tags=["dbt", "dental", "system"],
        **notifications(),
    ):
        DbtOperator(task_id=name, selector=name, target="prod")
