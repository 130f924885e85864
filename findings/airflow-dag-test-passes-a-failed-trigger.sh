#!/usr/bin/env bash
# Airflow 3.3.2
#
# Expected: a trigger that yields TaskFailedEvent ends its task as failed, without a worker: that is what the event is for,
# and what the scheduler makes of it. `dag.test()`, the way to try a DAG in one process, comes to the same state.
# Seen: `dag.test()` starts the task again and hands it the word 'failed' as the event. A resume method that expects its
# trigger's payload, or nothing, returns, and the task and the run are a success.
# Output:
#   resumed with: 'failed'
#   task waits: success
#   run: success

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment apache-airflow==3.3.2 'fastapi<0.137'
export AIRFLOW_HOME=$folder/airflow AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR PYTHONPATH=$folder/airflow/dags
mkdir -p airflow/dags

cat >airflow/dags/failing.py <<'PYTHON'
from datetime import datetime

from airflow.sdk import DAG, BaseOperator
from airflow.triggers.base import BaseTrigger, TaskFailedEvent


class FailingTrigger(BaseTrigger):
    def serialize(self):
        return "failing.FailingTrigger", {}

    async def run(self):
        yield TaskFailedEvent()


class Waits(BaseOperator):
    def execute(self, context):
        self.defer(trigger=FailingTrigger(), method_name="resume")

    def resume(self, context, event=None):
        with open("resumed.txt", "w") as file:
            file.write(repr(event))


with DAG("failing", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    Waits(task_id="waits")
PYTHON
cat >run.py <<'PYTHON'
from failing import dag

run = dag.test()
print("resumed with:", open("resumed.txt").read())
for task in run.get_task_instances():
    print(f"task {task.task_id}: {task.state}")
print("run:", run.state)
PYTHON

airflow db migrate >airflow.txt 2>&1
python run.py 2>>airflow.txt | grep -E '^(resumed with|task [a-z]+|run):' | verdict
