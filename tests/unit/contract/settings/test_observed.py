"""Who else is told of runs, as the settings say it: addresses without credentials."""

import pytest

from podbt.contract.settings.observed import OpenLineage, Telemetry, told_to
from podbt.errors import ConfigError


def test_what_the_runner_is_told() -> None:
    lineage, telemetry = OpenLineage(url="https://host/base"), Telemetry(otlp_endpoint="http://[::1]:4318")
    assert told_to(lineage, telemetry, instance="prod") == {
        "OPENLINEAGE_URL": "https://host/base",
        "OPENLINEAGE_NAMESPACE": "prod",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1]:4318",
    }
    assert told_to(OpenLineage(url="http://h", namespace="n"), None, instance="prod")["OPENLINEAGE_NAMESPACE"] == "n"
    assert told_to(None, None, instance="prod") == {}


@pytest.mark.parametrize("url", ["host", "https://user:word@host", "https://host/?key=word", "kafka://host"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="url"):
        OpenLineage.parse({"url": url}, source="settings")
    with pytest.raises(ConfigError, match="otlp_endpoint"):
        Telemetry.parse({"otlp_endpoint": url}, source="settings")
