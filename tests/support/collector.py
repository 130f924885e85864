"""A server that takes what is sent to it, as a lineage or telemetry server does, and keeps it."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest as MetricsRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest as TraceRequest


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Collector:
    """What it got, and how it behaves.

    Attributes:
        status: What it answers.
        hangs: Whether it takes a request and never answers.
    """

    url: str
    status: int = 200
    hangs: bool = False
    requests: list[Request] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def events(self) -> list[dict[str, Any]]:
        """The lineage events, in the order in which they came."""
        return [request.json() for request in list(self.requests) if request.path.endswith("/lineage")]

    def spans(self) -> list[Any]:
        """The spans of OTLP, in the order in which they came."""
        found = [TraceRequest.FromString(one.body) for one in list(self.requests) if one.path.endswith("/v1/traces")]
        return [
            span
            for request in found
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Any]:
        """The metrics of OTLP by name."""
        found = [MetricsRequest.FromString(one.body) for one in list(self.requests) if one.path.endswith("/v1/metrics")]
        return {
            metric.name: metric
            for request in found
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    @property
    def text(self) -> str:
        """All that it was sent, headers too."""
        return "\n".join(f"{one.path} {one.headers} {one.body!r}" for one in list(self.requests))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    collector: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.collector.requests.append(Request(self.path, dict(self.headers), body))
        if self.collector.hangs:
            self.collector.over.wait()
            self.close_connection = True
            return
        self.send_response(self.collector.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def collector() -> Iterator[Collector]:
    """Runs one until the block ends."""

    class Handler(_Handler): ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    Handler.collector = made
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
