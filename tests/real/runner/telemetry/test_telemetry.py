"""The traces and metrics of real runs, as a collector gets them."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.collector import Collector, collector
from tests.support.postgres import PASSWORD
from tests.support.runner import Runner

pytestmark = pytest.mark.postgres

TRACE, ABOVE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
KEY = "k3y-0f-the-collector"
AIRFLOW = {
    "PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": "t", "PODBT_TRY_NUMBER": "2",
    "PODBT_QUEUED_AT": "2026-01-01T00:00:00+00:00", "PODBT_SUBMITTED_AT": "2026-01-01T00:00:05+00:00",
    "TRACEPARENT": f"00-{TRACE}-{ABOVE}-01",
}  # fmt: skip
SELECTED = ["good", "divides", "after", "codes"]
WORDS = ["build", "--select", *SELECTED, "--exclude", "tag:fails", "tag:warns", "--target", "dev"]


@pytest.fixture
def server() -> Iterator[Collector]:
    with collector() as running:
        yield running


@pytest.fixture
def asked(runner: Runner, server: Collector) -> Runner:
    headers = f"authorization=Bearer%20{KEY},x-team=data"
    runner.env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": server.url, "OTEL_EXPORTER_OTLP_HEADERS": headers}
    return runner


def attributes(one: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in one.attributes}


def points(metric: Any) -> dict[tuple[Any, ...], Any]:
    """The points of a metric by the values of their attributes, sorted by name."""
    found = getattr(metric, metric.WhichOneof("data")).data_points
    return {tuple(value for _, value in sorted(attributes(point).items())): point for point in found}


def test_a_run_is_one_trace_below_airflows(asked: Runner, server: Collector) -> None:
    ended = asked.run_with(AIRFLOW, *WORDS)
    assert ended.code == 1, ended.output
    assert "elemetry" not in ended.output
    spans = {span.name: span for span in server.spans()}
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    root = spans["dbt build"]
    assert root.parent_span_id.hex() == ABOVE
    assert {span.parent_span_id for name, span in spans.items() if name != "dbt build"} == {root.span_id}
    assert {"queue", "pod start", "parse", "seed codes", "model good", "model divides"} < set(spans)
    assert "model after" not in spans  # it was skipped, and took no time
    assert (spans["queue"].end_time_unix_nano - spans["queue"].start_time_unix_nano) == 5_000_000_000
    assert root.start_time_unix_nano == spans["queue"].start_time_unix_nano
    assert all(
        root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano <= root.end_time_unix_nano
        for span in spans.values()
    )
    known = attributes(root)
    assert known["airflow.dag_id"] == "d"
    assert known["airflow.task_instance.try_number"] == 2
    assert known["podbt.exit_reason"] == known["error.type"] == "node_failure"
    assert (root.status.code, root.status.message) == (2, asked.record()["error"])
    seeded, failed = attributes(spans["seed codes"]), spans["model divides"]
    assert seeded["db.response.returned_rows"] > 0
    assert seeded["dbt.node.unique_id"] == "seed.small.codes"
    assert failed.status.code == 2
    assert "division by zero" in failed.status.message


def test_metrics_are_few_and_have_no_ids(asked: Runner, server: Collector) -> None:
    asked.run_with(AIRFLOW, *WORDS)
    metrics = server.metrics()
    assert set(metrics) == {
        "dbt.runs", "dbt.run.duration", "dbt.run.phase.duration", "dbt.nodes", "dbt.node.duration", "dbt.rows",
    }  # fmt: skip
    assert [one.as_int for one in points(metrics["dbt.runs"]).values()] == [1]
    assert set(points(metrics["dbt.runs"])) == {("build", "failed", "dev", "node_failure")}
    counts = asked.record()["counts"]
    assert sum(one.as_int for one in points(metrics["dbt.nodes"]).values()) == counts["total"]
    assert points(metrics["dbt.nodes"])["skipped", "model", "dev"].as_int == 1
    assert points(metrics["dbt.rows"])["seed", "dev"].as_int > 0
    assert points(metrics["dbt.run.phase.duration"])["queue", "dev"].sum == 5
    assert set(points(metrics["dbt.run.phase.duration"])) == {(name, "dev") for name in ("queue", "pod start", "parse")}
    # A difference, and no running total: each run is a process of its own.
    assert {
        metric.sum.aggregation_temporality or metric.histogram.aggregation_temporality for metric in metrics.values()
    } == {1}
    names = {name for metric in metrics.values() for point in points_of(metric) for name in attributes(point)}
    assert names == BOUNDED
    assert not names & {"dbt.node.unique_id", "airflow.dag_run.run_id", "airflow.task_id"}


BOUNDED = {
    "dbt.command", "dbt.target", "dbt.run.status", "dbt.run.phase", "podbt.exit_reason", "dbt.node.type",
    "dbt.node.status",
}  # fmt: skip


def points_of(metric: Any) -> list[Any]:
    return list(getattr(metric, metric.WhichOneof("data")).data_points)


def test_a_person_has_a_trace_of_its_own(asked: Runner, server: Collector) -> None:
    assert asked.run("seed").code == 0
    (root,) = [span for span in server.spans() if span.name == "dbt seed"]
    assert root.parent_span_id == b""
    assert "queue" not in {span.name for span in server.spans()}


def test_keys_are_sent_and_nowhere_else(asked: Runner, server: Collector) -> None:
    ended = asked.run_with(AIRFLOW | {"DBT_VARS_X": KEY}, *WORDS)
    assert {one.headers["authorization"] for one in server.requests} == {f"Bearer {KEY}"}
    assert KEY not in ended.output
    left = [file for file in asked.folder.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]
    assert left == []
    assert PASSWORD.encode() not in b"".join(one.body for one in server.requests)


@pytest.mark.parametrize("how", ["refuses", "answers 500", "hangs"])
def test_a_collector_that_is_away_costs_one_line(asked: Runner, server: Collector, how: str) -> None:
    if how == "refuses":
        with collector() as gone:
            asked.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = gone.url
    server.status, server.hangs = 500, how == "hangs"
    ended = asked.run("seed")
    assert ended.code == 0, ended.output
    said = [line for line in ended.output.splitlines() if "elemetry" in line]
    assert len(said) == 1, ended.output
    assert said[0].startswith("podbt: Telemetry is not complete")
    assert asked.record()["exit_reason"] == "success"


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is no address"),
        ({"PODBT_QUEUED_AT": "yesterday"}, "PODBT_QUEUED_AT is 'yesterday'"),
        ({"PODBT_QUEUED_AT": "2026-01-01T00:00:00"}, "PODBT_QUEUED_AT is '2026-01-01T00:00:00'"),
    ],
    ids=["no scheme", "no time", "no zone"],
)
def test_what_is_no_address_or_time_is_refused(asked: Runner, env: dict[str, str], said: str) -> None:
    ended = asked.run_with(env, "seed")
    assert ended.code == 2
    assert said in ended.last_line


LOADED = """\
import sys
from podbt.cli import main
code = main()
print("LOADED", sorted({"openlineage", "openlineage_sql", "opentelemetry.sdk", "opentelemetry.exporter"}
             & set(sys.modules)))
raise SystemExit(code)
"""


def test_nothing_is_imported_unless_it_is_asked_for(runner: Runner) -> None:
    """A run that tells nobody pays for nobody."""
    words = [sys.executable, "-c", LOADED, "run", "--", "seed"]
    done = subprocess.run(words, env=runner.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "LOADED []" in done.stdout
