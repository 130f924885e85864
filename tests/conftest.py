"""An Airflow home of the tests' own, set before anything imports Airflow."""

import os
import tempfile

_HOME = tempfile.TemporaryDirectory(prefix="podbt-airflow-")
os.environ |= {
    "AIRFLOW_HOME": _HOME.name,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME.name}/airflow.db",
}
