"""Makes spans and metrics of facts by OpenTelemetry's own SDK, and sends them by OTLP over HTTP.

Nothing is set for the process as a whole: dbt and its libraries may have OpenTelemetry of their own.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from podbt.contract.kinds import CHECKS, NodeStatus, RunStatus
from podbt.contract.record import NodeRecord
from podbt.runner.process.telemetry_server import TelemetryServer
from podbt.runner.telemetry.facts import End, Fact, Phase, Run

TIMEOUT_SECONDS: Final = 3.0
_MANY: Final = 200
"""How many spans are sent at once."""
_TRIES: Final = 2
"""How often the server may fail before it is taken to be away."""
_SECONDS: Final = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""Bounds of durations, in seconds: from a small view to a night."""
_LOGGERS: Final = ("opentelemetry.exporter", "opentelemetry.sdk")


class _Ended(SpanProcessor):
    """Keeps the spans that have ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class Exporter:
    """Sends one run.

    Attributes:
        failed: How often the server did not take something, in a row.
    """

    def __init__(self, server: TelemetryServer, run: Run, version: str) -> None:
        _quiet()
        # Of the resource alone what few runs differ in: it is a part of every metric.
        resource = Resource({"service.name": server.service, "service.version": version})
        self._run = run
        self._server = server
        self._ended = _Ended()
        self._failed = 0
        self._lost = 0
        traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        traces.add_span_processor(self._ended)
        self._tracer = traces.get_tracer("podbt", version)
        # What a short process counts is a difference: whoever receives it adds up.
        delta: dict[type, AggregationTemporality] = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
        self._reader = InMemoryMetricReader(preferred_temporality=delta)
        metrics = MeterProvider([self._reader], resource=resource, shutdown_on_exit=False)
        meter = metrics.get_meter("podbt", version)
        counter, histogram = meter.create_counter, meter.create_histogram
        bounds = {"explicit_bucket_boundaries_advisory": _SECONDS}
        self._runs = counter("dbt.runs", unit="{run}", description="Commands of dbt that ended")
        self._duration = histogram("dbt.run.duration", unit="s", description="From beginning to end", **bounds)
        self._phases = histogram("dbt.run.phase.duration", unit="s", description="Queue, pod start, parse", **bounds)
        self._nodes = counter("dbt.nodes", unit="{node}", description="Nodes that ended")
        self._node_duration = histogram("dbt.node.duration", unit="s", description="Of nodes that ran", **bounds)
        self._rows = counter("dbt.rows", unit="{row}", description="Rows that statements of nodes affected")
        self._spans_to = OTLPSpanExporter(endpoint=f"{server.endpoint}/v1/traces", timeout=TIMEOUT_SECONDS)
        self._metrics_to = OTLPMetricExporter(endpoint=f"{server.endpoint}/v1/metrics", timeout=TIMEOUT_SECONDS)

    def send(self, facts: Iterator[Fact | None]) -> str | None:
        """Sends facts as they come. Returns what went wrong."""
        carrier = {"traceparent": self._server.parent} if self._server.parent else {}
        above = TraceContextTextMapPropagator().extract(carrier)
        began = min(filter(None, (self._server.queued_at, self._server.submitted_at, self._run.began)))
        root = self._tracer.start_span(
            f"dbt {self._run.command}", context=above, start_time=_ns(began), attributes=self._run.attributes
        )
        for fact in facts:
            if fact is None:
                self._flush()
            elif isinstance(fact, End):
                self._end(root, fact)
            elif isinstance(fact, Phase):
                self._phase(root, fact)
            else:
                self._node(root, fact)
            if len(self._ended.spans) >= _MANY:
                self._flush()
        if root.is_recording():  # stopped before its end was known
            root.set_status(Status(StatusCode.ERROR, "stopped"))
            root.end()
        self._flush()
        self._flush_metrics()
        return f"it does not take them; {self._lost} spans and sets of metrics are lost" if self._lost else None

    def _phase(self, root: Span, phase: Phase) -> None:
        self._tracer.start_span(phase.name, set_span_in_context(root), start_time=_ns(phase.began)).end(
            _ns(phase.ended)
        )
        known = {"dbt.run.phase": phase.name, "dbt.target": self._run.target}
        self._phases.record(max(0.0, (phase.ended - phase.began).total_seconds()), known)

    def _node(self, root: Span, node: NodeRecord) -> None:
        known = {"dbt.node.type": node.resource_type, "dbt.target": self._run.target}
        self._nodes.add(1, {**known, "dbt.node.status": node.status})
        if node.started_at is None or node.finished_at is None or node.status == NodeStatus.SKIPPED:
            return
        self._node_duration.record(node.seconds, known)
        if node.rows and node.resource_type not in CHECKS:
            self._rows.add(node.rows, known)
        told = {
            "dbt.node.unique_id": node.unique_id,
            "dbt.node.type": node.resource_type,
            "dbt.node.status": node.status,
            "db.collection.name": node.relation,
            "db.response.returned_rows": node.rows,
            "dbt.test.failures": node.failures,
            "thread.name": node.thread,
            "error.type": node.status if node.failed else None,
        }
        span = self._tracer.start_span(
            f"{node.resource_type} {node.name}",
            set_span_in_context(root),
            start_time=_ns(node.started_at),
            attributes={key: value for key, value in told.items() if value is not None},
        )
        if node.failed:
            span.set_status(Status(StatusCode.ERROR, node.message))
        span.end(_ns(node.finished_at))

    def _end(self, root: Span, end: End) -> None:
        summary = end.summary
        known = {"dbt.command": self._run.command, "dbt.target": self._run.target, "dbt.run.status": summary.status}
        self._runs.add(1, {**known, "podbt.exit_reason": summary.exit_reason})
        self._duration.record(max(0.0, (end.at - self._run.began).total_seconds()), known)
        root.set_attribute("podbt.exit_reason", summary.exit_reason)
        for status, count in summary.counts.items():
            root.set_attribute(f"dbt.nodes.{status.replace(' ', '_')}", count)
        if summary.artifacts:
            root.set_attribute("podbt.artifacts", summary.artifacts)
        if summary.status == RunStatus.FAILED:
            root.set_attribute("error.type", summary.exit_reason)
            root.set_status(Status(StatusCode.ERROR, summary.error))
        root.end(_ns(end.at))

    def _flush(self) -> None:
        spans, self._ended.spans = self._ended.spans, []
        if spans and self._failed < _TRIES:
            self._count(len(spans), taken=self._spans_to.export(spans) is SpanExportResult.SUCCESS)
        else:
            self._lost += len(spans)

    def _flush_metrics(self) -> None:
        data = self._reader.get_metrics_data()
        if data is None:
            return
        taken = self._failed < _TRIES and self._metrics_to.export(data) is MetricExportResult.SUCCESS
        self._count(1, taken=taken)

    def _count(self, number: int, *, taken: bool) -> None:
        self._failed = 0 if taken else self._failed + 1
        self._lost += 0 if taken else number


def _quiet() -> None:
    """The run says in one line of its own what its libraries would say in many."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(logging.NullHandler())


def _ns(time: datetime) -> int:
    return int(time.timestamp() * 1_000_000_000)
