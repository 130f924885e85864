"""The nightly run as `up` shows it: under way, and what came of it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from localcluster import nightly
from localcluster.airflow import Airflow
from localcluster.places import NAMESPACE, URL

if TYPE_CHECKING:
    from localcluster.nightly import Run
    from localcluster.session import Session

LOGIN = "{{.data.username | base64decode}} {{.data.password | base64decode}}"
FAILURES_SHOWN = 10
AGAIN = "Airflow tries again in some minutes (Ctrl-C leaves it to that; `up` finds the run again)"


def nightly_run(session: Session, inputs: str) -> int:
    """Run the nightly DAG, unless it ran well with these inputs, and print its result; return the exit code."""
    with session.phase("nightly", f"the DAG {nightly.DAG}") as (phase, shell):
        airflow = Airflow.of_cluster(shell)
        nightly.wait_parsed(airflow)
        run_id, state = nightly.earlier(airflow, inputs)
        if not run_id:
            run_id = nightly.start(airflow, inputs)
            phase.note(f"run {run_id} started")
        quiet = state == "success"
        say = (lambda _: None) if quiet else phase.note

        def why(run: Run) -> list[str]:
            return [*failures(nightly.summary(airflow, run) or nightly.latest_failure(shell)), AGAIN]

        run = nightly.follow(airflow, run_id, say, why, lambda: nightly.pending(shell))
        phase.result = f"{run.state}{' before, with the same images, chart and data' if quiet else ''}"
    summary = nightly.summary(airflow, run)
    plain = session.console.plain
    if artifacts := summary.get("artifacts"):
        with session.phase("result", f"podbt runs show {artifacts}") as (_, shell):
            shown = nightly.show(shell, str(artifacts))
        plain()
        plain(shown)
    plain()
    for line in result(summary) if run.ok else failure(run, summary):
        plain(line)
    for line in pointers(session, run):
        plain(line)
    return 0 if run.ok else 1


def result(summary: dict[str, Any]) -> list[str]:
    """Return the lines on a run that ended well."""
    return [f"{nightly.DAG} succeeded: {_counts(summary)}", f"artifacts: {summary.get('artifacts', 'none')}"]


def failure(run: Run, summary: dict[str, Any]) -> list[str]:
    """Return the lines on a run that failed: which tasks, and which of dbt's nodes."""
    failed = [task["task_id"] for task in run.tasks if task["state"] == "failed"]
    lines = [f"{nightly.DAG} FAILED in {', '.join(failed) or 'no task of its own'}: {_counts(summary)}"]
    lines += failures(summary)
    lines += [f"artifacts: {summary.get('artifacts', 'none')}"]
    lines += [f"log of {task}: {run.url}/tasks/{task}" for task in failed]
    return lines


def pointers(session: Session, run: Run) -> list[str]:
    """Return where to go on; how to print the login rather than the login."""
    command = f"kubectl -n {NAMESPACE} get secret podbt-admin -o go-template={shlex.quote(LOGIN)}"
    driver = shlex.quote(str(session.places.root / "k8s" / "local"))
    return [
        f"this run:  {run.url}",
        f"Airflow:   {URL}",
        f'login:     eval "$(python3 {driver} env)" && {command}',
    ]


def _counts(summary: dict[str, Any]) -> str:
    counts = summary.get("counts") or {}
    parts = [f"{number} {word}" for word, number in counts.items() if number]
    return ", ".join(parts) or str(summary.get("exit_reason") or "no dbt step reported")


def failures(summary: dict[str, Any]) -> list[str]:
    """Return why a dbt step failed: its error, if it has one, and its failing nodes."""
    nodes = summary.get("failures", [])
    # Where nodes failed, the error only repeats the first of them.
    error = [f"  {summary['error']}"] if summary.get("error") and not nodes else []
    lines = [f"  {one['unique_id']}: {one['message']}" for one in nodes[:FAILURES_SHOWN]]
    more = [f"  and {len(nodes) - FAILURES_SHOWN} more"] if len(nodes) > FAILURES_SHOWN else []
    return error + lines + more
