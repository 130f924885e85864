"""The part of the settings of every runtime that says who is told of runs."""

from typing import Annotated, Final

from pydantic import StringConstraints

from podbt.contract.model import Strict

SERVER_URL: Final = r"^https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~-]+)*/?$"
"""No user and no password: keys are secrets, and have places of their own."""


class OpenLineage(Strict):
    """The OpenLineage server that is told of runs. Its key, if it asks for one, is OPENLINEAGE_API_KEY for dbt.

    Pods get that by secret_env, containers and processes by env_file or env_names.
    """

    url: Annotated[str, StringConstraints(pattern=SERVER_URL)]
    """As https://marquez.example.org; events go to api/v1/lineage below it."""
    namespace: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    """Of dbt's jobs; the instance where it is left out."""

    def environment(self, instance: str) -> dict[str, str]:
        """What the runner is told, in OpenLineage's own variables."""
        return {"OPENLINEAGE_URL": self.url, "OPENLINEAGE_NAMESPACE": self.namespace or instance}


class Telemetry(Strict):
    """The OpenTelemetry collector that gets traces and metrics of runs, by OTLP over HTTP.

    What it asks for in headers is OTEL_EXPORTER_OTLP_HEADERS for dbt, which pods and others get as OpenLineage's key.
    """

    otlp_endpoint: Annotated[str, StringConstraints(pattern=SERVER_URL)]
    """As http://collector:4318, without v1/traces."""

    def environment(self) -> dict[str, str]:
        """What the runner is told, in OpenTelemetry's own variables."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.otlp_endpoint}


def told_to(lineage: OpenLineage | None, telemetry: Telemetry | None, *, instance: str) -> dict[str, str]:
    """What the runner is told of both."""
    return {
        **(lineage.environment(instance) if lineage else {}),
        **(telemetry.environment() if telemetry else {}),
    }
