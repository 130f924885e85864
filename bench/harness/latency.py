"""How long after dbt's own event a model's Airflow task ended."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from bench.harness.airflow import Airflow, Run
from bench.harness.kube import Pods, kubectl

from podbt import constants
from podbt.contract.plan import Plan


def of_group(airflow: Airflow, run: Run, plan: Plan) -> list[float]:
    """DbtModelGroup: a model's task ends with the last of its model and that model's tests; times from nodes.jsonl."""
    root = f"{constants.ARTIFACTS_PATH}/runs/{run.dag_id}/{run.run_id}"
    text = kubectl(
        "exec", "deploy/podbt-api-server", "-c", "api-server", "--",
        "find", root, "-name", constants.NODES_FILE, "-exec", "cat", "{}", "+",
    )  # fmt: skip
    ended = {}
    for line in text.splitlines():
        node = json.loads(line)
        if node.get("finished_at"):
            ended[node["unique_id"]] = datetime.fromisoformat(node["finished_at"])
    return _behind(airflow, run, _with_tests(ended, plan))


def of_watcher(airflow: Airflow, run: Run, pods: Pods) -> list[float]:
    """Cosmos: `<model>_run` tasks against dbt's NodeFinished events in the log of the producer's pod, which stays."""
    producers = [life for life in pods.lives() if life.run == run.run_id and "producer" in life.task]
    ended = {}
    for producer in producers:
        for line in kubectl("logs", producer.name).splitlines():
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("info", {}).get("name") == "NodeFinished":
                node = event["data"]["node_info"]
                when = datetime.fromisoformat(node["node_finished_at"]).replace(tzinfo=UTC)
                ended[node["unique_id"]] = when
        kubectl("delete", "pod", producer.name, "--wait=false")
    return _behind(airflow, run, ended)


def _with_tests(ended: Mapping[str, datetime], plan: Plan) -> dict[str, datetime]:
    """For each model the end of the last of it and the tests that read it."""
    last = {key: when for key, when in ended.items() if key.startswith("model.")}
    for key, node in plan.nodes.items():
        if node.resource_type == "test" and key in ended:
            for parent in node.depends_on:
                if parent in last:
                    last[parent] = max(last[parent], ended[key])
    return last


def _behind(airflow: Airflow, run: Run, ended: Mapping[str, datetime]) -> list[float]:
    """Seconds from each model's event to the end of the task that carries the model's name."""
    by_name = {key.split(".", 2)[2]: when for key, when in ended.items() if key.startswith("model.")}
    seconds = []
    for task in airflow.tasks(run):
        name = task.task_id.rpartition(".")[2] if task.task_id.count(".") == 1 else task.task_id.split(".")[-2]
        when = by_name.get(name) or by_name.get(name.removesuffix("_run"))
        is_model = when is not None and not task.task_id.endswith(("test", "tests"))
        if is_model and when is not None and task.ended is not None:
            seconds.append((task.ended - when).total_seconds())
    return seconds
