"""What a run is told of its task: its trace, and since when it was wanted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import uuid6
import yaml
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span
from tests.support.fake_airflow import FakeTaskInstance
from tests.support.settings import SETTINGS
from tests.support.steps import run, succeed

from podbt.airflow.observe import trace
from podbt.airflow.observe.told import told
from podbt.contract.settings.observed import Telemetry
from podbt.contract.step import Step

TRACED = SETTINGS.model_copy(update={"telemetry": Telemetry(otlp_endpoint="http://collector:4318")})
ABOVE = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(0))


def test_a_run_is_told_nothing_that_nobody_asks_for() -> None:
    step = Step(env={"A": "b"})
    assert told(step, SETTINGS, FakeTaskInstance("t")) is step


def test_times_before_the_pod() -> None:
    instance = FakeTaskInstance("t", id=uuid6.uuid7())
    env = told(Step(env={"A": "b"}), TRACED, instance).env
    queued, submitted = (datetime.fromisoformat(env[f"PODBT_{name}_AT"]) for name in ("QUEUED", "SUBMITTED"))
    assert (datetime.now(UTC) - queued).total_seconds() < 600
    assert queued <= submitted
    assert env["A"] == "b"
    assert "TRACEPARENT" not in env


def test_where_airflow_sends_no_traces_the_run_decides() -> None:
    with use_span(NonRecordingSpan(ABOVE)):
        assert trace.environment(None)["TRACEPARENT"] == f"00-{0xABC:032x}-{0xDEF:016x}-01"


def test_where_airflow_sends_traces_it_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: TracerProvider(sampler=ALWAYS_OFF))
    with use_span(NonRecordingSpan(ABOVE)):
        assert trace.environment(None)["TRACEPARENT"].endswith("-00")


def test_a_task_that_is_not_understood_keeps_no_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trace, "environment", lambda _: 1 // 0)
    step = Step()
    assert told(step, TRACED, None) is step
    assert "told nothing of its task: ZeroDivisionError" in caplog.text


def test_the_pod_gets_it(monkeypatch: pytest.MonkeyPatch, settings_file: Path) -> None:
    given = yaml.safe_load(settings_file.read_text())
    given |= {"telemetry": {"otlp_endpoint": "http://collector:4318"}, "openlineage": {"url": "http://marquez:5000"}}
    settings_file.write_text(yaml.safe_dump(given))
    _, fake = run(monkeypatch, succeed)
    env = {one["name"]: one.get("value") for one in fake.created[0]["spec"]["containers"][0]["env"]}
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"
    assert (env["OPENLINEAGE_URL"], env["OPENLINEAGE_NAMESPACE"]) == ("http://marquez:5000", "airflow")
    assert "PODBT_SUBMITTED_AT" in env
