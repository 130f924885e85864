"""How long after dbt's own event a model's Airflow task ended."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from bench.harness.airflow import Airflow, Run
from bench.harness.kube import Pods, kubectl

from podbt import constants
from podbt.airflow.group.graph import graph_of
from podbt.contract.plan import Plan

_GROUP = "dbt"


def of_group(airflow: Airflow, run: Run, plan: Plan, tag: str) -> list[float]:
    """DbtModelGroup: a task stands for a model with its tests, so the event is the last of theirs in nodes.jsonl."""
    root = f"{constants.ARTIFACTS_PATH}/runs/{run.dag_id}/{run.run_id}"
    text = kubectl(
        "exec", "deploy/podbt-api-server", "-c", "api-server", "--",
        "find", root, "-name", constants.NODES_FILE, "-exec", "cat", "{}", "+",
    )  # fmt: skip
    nodes = [json.loads(line) for line in text.splitlines()]
    ended = {node["unique_id"]: datetime.fromisoformat(node["finished_at"]) for node in nodes if "finished_at" in node}
    events = {}
    for member in graph_of(plan, tags=[tag] if tag else []).members.values():
        times = [ended[one] for one in (member.unique_id, *member.checks) if one in ended]
        if times:
            events[f"{_GROUP}.{member.label}"] = max(times)
    return behind(airflow, run, events)


def of_watcher(airflow: Airflow, run: Run, pods: Pods) -> list[float]:
    """Cosmos: a model's task `run` against dbt's NodeFinished in the log of the producer's pod, which stays."""
    producers = [life for life in pods.lives() if life.run == run.run_id and "producer" in life.task]
    events = {}
    for producer in producers:
        for line in kubectl("logs", producer.name).splitlines():
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("info", {}).get("name") == "NodeFinished":
                node = event["data"]["node_info"]
                when = datetime.fromisoformat(node["node_finished_at"]).replace(tzinfo=UTC)
                events[f"{_GROUP}.{node['node_name']}.run"] = when
        kubectl("delete", "pod", producer.name, "--wait=false")
    return behind(airflow, run, events)


def behind(airflow: Airflow, run: Run, events: Mapping[str, datetime]) -> list[float]:
    """Seconds from each event to the end of the task of that name."""
    return [
        (task.ended - events[task.task_id]).total_seconds()
        for task in airflow.tasks(run)
        if task.task_id in events and task.ended is not None
    ]
