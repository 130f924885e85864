# ruff: noqa: INP001 - mounted into a pod as a single file
"""Probe: has this pod's Airflow job sent a heartbeat lately?

Usage: heartbeat.py JOB_TYPE --max-age SECONDS [--patience SECONDS] [--tolerate-database-failure]

A process that is stopped, or whose loop is stuck, sends none: the heartbeat comes from the loop itself, and the
triggerer's also waits for a sign of its event loop. `airflow jobs check` answers the same question for more than two
seconds of CPU each time; this takes a twentieth.
"""

import argparse
import os
import socket
import sys
import threading
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


def answer(options: argparse.Namespace, uri: str) -> str | None:
    """What is wrong with the job, or None; a database that fails is wrong unless that is tolerated."""
    hostname = own_address()
    try:
        age = heartbeat_age(uri, options.job_type, hostname)
    except psycopg2.Error as error:
        said = f"The metadata database does not answer: {str(error).strip().splitlines()[0]}"
        return silent_database(options, said)
    if age is None:
        return f"No running {options.job_type} on {hostname}."
    if age > options.max_age:
        return f"The last heartbeat of {options.job_type} on {hostname} is {age:.0f} s old."
    return None


def silent_database(options: argparse.Namespace, said: str) -> str | None:
    """Whether a failure of the database counts: restarting Airflow would not mend it."""
    if options.tolerate_database_failure:
        print(said)
        return None
    return said


def main() -> None:
    """Exits with 0 if the heartbeat is young enough, else with 1 and one line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job_type")
    parser.add_argument("--max-age", type=float, required=True)
    parser.add_argument("--patience", type=float, default=8)
    parser.add_argument("--tolerate-database-failure", action="store_true")
    options = parser.parse_args()
    _, _, address = os.environ[CONNECTION].partition("://")
    found: list[str | None] = []
    # In a thread: libpq has no time limit for a query, and the kubelet calls a probe that says nothing a failed one.
    asking = threading.Thread(target=lambda: found.append(answer(options, f"postgresql://{address}")), daemon=True)
    asking.start()
    asking.join(options.patience)
    said = found[0] if found else None
    if not found and asking.is_alive():
        said = silent_database(options, f"The metadata database does not answer within {options.patience:g} s.")
    elif not found:
        said = "The probe itself failed."
    if said:
        print(said)
    sys.stdout.flush()
    os._exit(1 if said else 0)  # the thread may still wait for the database


if __name__ == "__main__":
    main()
