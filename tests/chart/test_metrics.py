"""Airflow's metrics: sent where the values say, and alerts and dashboard ask for none that Airflow does not send."""

import gzip
import json
import os
import re
import socket
import subprocess
import sys
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from tests.support.chart.manifests import CHART, EVALUATION, NAMESPACE, Manifests, render

OBSERVED = CHART / "ci" / "observed-values.yaml"
OTLP = {"otlp": {"endpoint": "http://collector.monitoring:4318"}, "rules": {"enabled": True}}
BY_OTLP = {**OTLP, "dashboard": {"enabled": True}, "statsd": {"exporter": {"enabled": False}}}
BY_OTLP["serviceMonitor"] = {"enabled": False}
SELECTOR = f'namespace="{NAMESPACE}",service="podbt-metrics"'
USED = re.compile(r"\bairflow_[a-z_]+")
# Sends some as the components do; AIRFLOW_CONFIG and the environment say where to.
EMIT = """
from datetime import timedelta
from airflow.configuration import conf
from airflow._shared.observability.metrics import stats
from airflow.observability.metrics import stats_utils
legacy = conf.getboolean("metrics", "legacy_names_on")
stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=legacy)
stats.incr("scheduler_heartbeat", 1, 1)
stats.timing("dagrun.duration.failed", timedelta(seconds=90), tags={"dag_id": "dental_nightly", "run_type": "manual"})
stats.gauge("pool.open_slots", 3, tags={"pool_name": "default_pool"})
"""


def airflow_folder() -> Path:
    spec = find_spec("airflow")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


@cache
def registry() -> dict[str, str]:
    """Airflow's own list of its metrics: Prometheus' name of each, and its type."""
    file = airflow_folder() / "_shared" / "observability" / "metrics" / "metrics_template.yaml"
    return {
        f"airflow_{one['name'].replace('.', '_')}": one["type"] for one in yaml.safe_load(file.read_text())["metrics"]
    }


@cache
def sent() -> str:
    """All that Airflow's source says of metrics: some stand in the list that nobody sends any more."""
    files = [airflow_folder() / name for name in ("jobs", "dag_processing", "executors", "models")]
    return "\n".join(path.read_text() for folder in files for path in sorted(folder.rglob("*.py")))


def rules(manifests: Manifests) -> list[dict[str, Any]]:
    (group,) = manifests.get("PrometheusRule", "podbt-metrics")["spec"]["groups"]
    return list(group["rules"])


def board(manifests: Manifests) -> dict[str, Any]:
    return dict(json.loads(manifests.get("ConfigMap", "podbt-dashboard")["data"]["podbt.json"]))


def queries(manifests: Manifests) -> list[str]:
    panels = board(manifests)["panels"]
    return [one["expr"] for one in rules(manifests)] + [one["expr"] for panel in panels for one in panel["targets"]]


def used(query: str) -> set[tuple[str, str]]:
    """Names in a query, and the type that each is asked as."""
    found = set()
    for name in USED.findall(query):
        timer = re.fullmatch(r"(airflow_\w+)_(?:count|sum)", name)
        counter = re.search(rf"(?:rate|increase)\({name}\{{", query) or "heartbeat" in name
        found.add((timer[1], "timer") if timer else (name, "counter" if counter else "gauge"))
    return found


def test_alerts_and_dashboard_ask_for_metrics_that_airflow_sends() -> None:
    asked = {one for query in queries(render(OBSERVED)) for one in used(query)}
    assert len(asked) > 15
    assert {(name, kind) for name, kind in asked if registry().get(name) != kind} == set()
    for name, _ in asked:
        # Of dagrun.duration.failed and the like the source says the state apart.
        words = name.removeprefix("airflow_").replace("dagrun_duration_success", "dagrun_duration_")
        assert re.search(rf'"{re.sub("_", "[._]", words)}|{re.sub("_", "[._]", words)}"', sent()), name


def test_every_query_asks_for_this_release_alone() -> None:
    for query in queries(render(OBSERVED)):
        assert len(USED.findall(query)) == query.count(SELECTOR), query
        assert query.count("(") == query.count(")")
    for query in queries(render(OBSERVED, metrics={"selector": {"airflow": "prod"}})):
        assert len(USED.findall(query)) == query.count('airflow="prod"'), query


def test_by_opentelemetry_they_have_its_names() -> None:
    """A counter ends in _total; a timer is a native histogram of milliseconds."""
    for query in queries(render(OBSERVED, metrics=BY_OTLP)):
        assert f'job="{NAMESPACE}/podbt"' in query
        assert not re.search(r"airflow_[a-z_]+_(count|sum)\b", query), query
        for name in USED.findall(query):
            bare = re.sub(r"_(total|milliseconds)$", "", name)
            ending = {"counter": "_total", "timer": "_milliseconds", "gauge": ""}[registry()[bare]]
            assert name == bare + ending
        for histogram in re.finditer(r"airflow_[a-z_]+_milliseconds", query):
            assert re.search(r"histogram_(count|sum)\((increase|rate)?\(?$", query[: histogram.start()]), query


def test_a_dag_that_has_to_be_fresh_has_an_alert() -> None:
    (stale,) = [one for one in rules(render(OBSERVED)) if one["alert"] == "PodbtDataStale"]
    assert stale["labels"]["dag_id"] == "dental_nightly"
    assert 'airflow_dagrun_duration_success_count{dag_id="dental_nightly",' in stale["expr"]
    assert "[26h]" in stale["expr"]
    nobody = {"rules": {"enabled": True, "freshHours": {"dental_nightly": None}}}
    assert "PodbtDataStale" not in {one["alert"] for one in rules(render(OBSERVED, metrics=nobody))}


def test_all_alerts_say_what_they_mean() -> None:
    for rule in rules(render(OBSERVED)):
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["description"].endswith(".")


def test_who_finds_what() -> None:
    manifests = render(OBSERVED)
    monitor = manifests.get("ServiceMonitor", "podbt-metrics")
    service = manifests.get("Service", "podbt-metrics")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint == {"port": "metrics", "interval": "15s"}
    assert "metrics" in {port["name"] for port in service["spec"]["ports"]}
    for one in (monitor, manifests.get("PrometheusRule", "podbt-metrics")):
        assert one["metadata"]["labels"]["release"] == "monitoring"
    found = manifests.get("ConfigMap", "podbt-dashboard")["metadata"]
    assert (found["labels"]["grafana_dashboard"], found["annotations"]) == ("1", {"grafana_folder": "Data"})
    assert board(manifests)["title"] == "podbt: Airflow podbt"


def test_nothing_of_it_by_default() -> None:
    manifests = render(EVALUATION)
    assert not {one["kind"] for one in manifests.objects} & {"ServiceMonitor", "PrometheusRule"}
    assert "podbt-metrics" not in str(manifests.objects)
    assert "OTEL_" not in str(manifests.objects)


def emit(folder: Path, manifests: Manifests, *, changes: dict[str, str], env: dict[str, str]) -> None:
    """Lets Airflow send some, with the configuration that the chart gives the scheduler."""
    text = manifests.get("ConfigMap", "podbt-airflow-config")["data"]["airflow.cfg"].replace(
        "/opt/airflow", str(folder)
    )
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "airflow.cfg").write_text(text)
    home = {"AIRFLOW_HOME": str(folder), "AIRFLOW_CONFIG": str(folder / "airflow.cfg")}
    done = subprocess.run(
        [sys.executable, "-c", EMIT], env={**os.environ, **home, **env}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_by_statsd_names_and_labels_arrive(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        changes = {
            "statsd_host = podbt-metrics": "statsd_host = 127.0.0.1",
            "statsd_port = 8125": f"statsd_port = {port}",
        }
        emit(tmp_path, render(OBSERVED), changes=changes, env={})
        server.settimeout(0)
        lines = set()
        while True:
            try:
                lines |= set(server.recv(65535).decode().splitlines())
            except BlockingIOError:
                break
    assert "airflow.scheduler_heartbeat:1|c" in lines
    assert "airflow.dagrun.duration.failed,dag_id=dental_nightly,run_type=manual:90000.000000|ms" in lines
    assert "airflow.pool.open_slots,pool_name=default_pool:3|g" in lines
    # Those that hold a DAG's name would be a metric of its own for each.
    assert not [line for line in lines if "dental_nightly" in line.partition(",")[0]]


def test_by_opentelemetry_each_pod_is_an_instance(tmp_path: Path) -> None:
    received: list[ExportMetricsServiceRequest] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/metrics"
            received.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    manifests = render(OBSERVED, metrics={**BY_OTLP, "otlp": {"endpoint": endpoint}})
    given = {one["name"]: one.get("value") for one in manifests.pod("scheduler").main["env"]}
    env = {name: value for name, value in given.items() if name.startswith("OTEL_") and value}
    env["OTEL_RESOURCE_ATTRIBUTES"] = env["OTEL_RESOURCE_ATTRIBUTES"].replace("$(PODBT_POD_NAME)", "podbt-scheduler-1")
    try:
        emit(tmp_path, manifests, changes={}, env=env)
    finally:
        server.shutdown()
        server.server_close()
    resources = [resource for one in received for resource in one.resource_metrics]
    assert resources
    for resource in resources:
        attributes = {one.key: one.value.string_value for one in resource.resource.attributes}
        assert attributes["service.name"] == "podbt"
        assert attributes["service.namespace"] == NAMESPACE
        assert attributes["service.instance.id"] == "podbt-scheduler-1"
    found = {
        metric.name: metric.WhichOneof("data")
        for resource in resources
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert found["airflow.scheduler_heartbeat"] == "sum"
    assert found["airflow.pool.open_slots"] == "gauge"
    # What Prometheus calls a native histogram.
    assert found["airflow.dagrun.duration.failed"] == "exponential_histogram"


def test_a_token_for_the_collector_comes_from_a_secret() -> None:
    otlp = {"endpoint": "https://otlp.example.com", "headersSecret": "otlp", "headersKey": "token"}
    env = {one["name"]: one for one in render(EVALUATION, metrics={"otlp": otlp}).pod("triggerer").main["env"]}
    source = env["OTEL_EXPORTER_OTLP_HEADERS"]["valueFrom"]["secretKeyRef"]
    assert source == {"name": "otlp", "key": "token"}
