"""Where a run sends its trace and its metrics, in OpenTelemetry's own variables, and what it knows of its beginning."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from podbt import constants
from podbt.errors import ConfigError
from podbt.runner.process.server_address import address

ENV_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


@dataclass(frozen=True, kw_only=True)
class TelemetryServer:
    """Where telemetry goes to. Its headers, which may hold a key, OpenTelemetry's own library reads.

    Attributes:
        endpoint: Of OTLP over HTTP, without v1/traces.
        service: Name of the service.
        parent: W3C's traceparent of what the run is a part of; None where nothing is known of it.
        queued_at: When the try came to be in Airflow.
        submitted_at: When its pod or container was asked for.
    """

    endpoint: str
    service: str
    parent: str | None = None
    queued_at: datetime | None = None
    submitted_at: datetime | None = None

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> Self | None:
        """What the environment says; None where telemetry is off.

        Raises:
            ConfigError: The address is none, or a time is none.
        """
        endpoint = address(
            env, ENV_ENDPOINT, off="OTEL_SDK_DISABLED", example="http://collector:4318",
            key="a key belongs into OTEL_EXPORTER_OTLP_HEADERS",
        )  # fmt: skip
        if endpoint is None:
            return None
        return cls(
            endpoint=endpoint,
            service=env.get("OTEL_SERVICE_NAME") or "podbt",
            parent=env.get("TRACEPARENT") or None,
            queued_at=_time(env, constants.ENV_QUEUED_AT),
            submitted_at=_time(env, constants.ENV_SUBMITTED_AT),
        )


def _time(env: Mapping[str, str], name: str) -> datetime | None:
    text = env.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ConfigError(f"{name} is '{text}'. Set it to a time such as 2026-11-30T02:00:00+00:00.")
    return found
