# ruff: noqa: INP001 - mounted into a pod as a single file
"""Probe: has this pod's Airflow job sent a heartbeat lately?

Usage: heartbeat.py JOB_TYPE --max-age SECONDS [--tolerate-database-failure]

`airflow jobs check` answers the same question for more than two seconds of CPU each time; this takes a twentieth.
"""

import argparse
import os
import socket
import sys
from contextlib import closing

import psycopg2

CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
QUERY = """
select extract(epoch from now() - latest_heartbeat)
from job
where job_type = %s and hostname = %s and state = 'running'
order by latest_heartbeat desc
limit 1
"""


def own_address() -> str:
    """The address Airflow registers its job under (hostname_callable = airflow.utils.net.get_host_ip_address)."""
    return socket.gethostbyname(socket.getfqdn())


def heartbeat_age(uri: str, job_type: str, hostname: str) -> float | None:
    """Seconds since the job's last heartbeat, or None if the database knows no such job."""
    with closing(psycopg2.connect(uri, connect_timeout=5)) as connection, connection.cursor() as cursor:
        cursor.execute(QUERY, (job_type, hostname))
        row = cursor.fetchone()
    return None if row is None or row[0] is None else float(row[0])


def main() -> None:
    """Exits with 0 if the heartbeat is young enough, else with 1 and one line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job_type")
    parser.add_argument("--max-age", type=float, required=True)
    parser.add_argument("--tolerate-database-failure", action="store_true")
    options = parser.parse_args()
    _, _, address = os.environ[CONNECTION].partition("://")
    hostname = own_address()
    try:
        age = heartbeat_age(f"postgresql://{address}", options.job_type, hostname)
    except psycopg2.Error as error:
        print(f"The metadata database does not answer: {str(error).strip().splitlines()[0]}")
        sys.exit(0 if options.tolerate_database_failure else 1)
    if age is None:
        sys.exit(f"No running {options.job_type} on {hostname}.")
    if age > options.max_age:
        sys.exit(f"The last heartbeat of {options.job_type} on {hostname} is {age:.0f} s old.")


if __name__ == "__main__":
    main()
