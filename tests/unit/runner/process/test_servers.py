"""Who is told of a run, as the environment says it."""

from datetime import UTC, datetime

import pytest

from podbt.errors import ConfigError
from podbt.runner.process.lineage_server import LineageServer
from podbt.runner.process.secrets import secrets_of
from podbt.runner.process.telemetry_server import TelemetryServer


def test_nobody_is_told_unless_there_is_an_address() -> None:
    assert LineageServer.read({"OPENLINEAGE_API_KEY": "k"}) is None
    assert LineageServer.read({"OPENLINEAGE_URL": "http://host", "OPENLINEAGE_DISABLED": "True"}) is None
    assert TelemetryServer.read({"TRACEPARENT": "x"}) is None
    assert TelemetryServer.read({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://host", "OTEL_SDK_DISABLED": "true"}) is None


def test_a_lineage_server() -> None:
    found = LineageServer.read({"OPENLINEAGE_URL": "https://host/base", "OPENLINEAGE_API_KEY": "geheim"})
    assert found is not None
    assert (found.url, found.endpoint, found.namespace) == ("https://host/base/", "api/v1/lineage", "dbt")
    assert found.api_key == "geheim"
    assert "geheim" not in repr(found)


def test_a_collector() -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://host:4318/", "PODBT_QUEUED_AT": "2026-01-01T00:00:00Z"}
    found = TelemetryServer.read(env)
    assert found is not None
    assert (found.endpoint, found.service, found.parent) == ("http://host:4318", "podbt", None)
    assert found.queued_at == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("url", ["host:5000", "ftp://host", "https://u:geheim@host", "http://a b"])
def test_what_is_no_address_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ConfigError, match="OPENLINEAGE_URL is no address") as refused:
        LineageServer.read({"OPENLINEAGE_URL": url})
    assert url not in str(refused.value)
    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_ENDPOINT is no address"):
        TelemetryServer.read({"OTEL_EXPORTER_OTLP_ENDPOINT": url})


def test_what_headers_hold_is_secret() -> None:
    env = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20geheim1, x-key=geheim2"}
    assert {"Bearer geheim1", "geheim1", "geheim2"} <= set(secrets_of(None, env))
    assert "geheim3" in secrets_of(None, {"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "a=geheim3"})
