"""Runtime docker against a daemon that refuses: what a retry can help, and what is said."""

from typing import Any

import pytest
from docker.errors import APIError, NotFound
from requests import Response
from tests.unit.contract.test_runtimes import DOCKER

from podbt.airflow.runtimes import docker as module
from podbt.contract.exits import ExitReason
from podbt.contract.outcome import Outcome
from podbt.contract.record import RunIdentity
from podbt.contract.runtimes import DockerSettings
from podbt.contract.step import Step


class Log:
    def info(self, message: str, *args: object) -> None: ...
    def warning(self, message: str, *args: object) -> None: ...


class Daemon:
    """A daemon without containers and images, whose pulls and creations end as told."""

    def __init__(self, *, pull: list[dict[str, str]], create: int) -> None:
        self._pull, self._create = pull, create

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        return []

    def inspect_container(self, name: str) -> dict[str, Any]:
        raise NotFound(f"No such container: {name}")

    def inspect_image(self, name: str) -> dict[str, Any]:
        raise NotFound(f"No such image: {name}")

    def pull(self, *_: object, **__: object) -> list[dict[str, str]]:
        return self._pull

    def create_container_from_config(self, *_: object) -> dict[str, Any]:
        response = Response()
        response.status_code = self._create
        raise APIError("refused", response=response, explanation="said so")


def run(monkeypatch: pytest.MonkeyPatch, *, pull: tuple[dict[str, str], ...] = (), create: int = 400) -> Outcome:
    class Hook:
        def __init__(self, **_: Any) -> None:
            self.api_client = Daemon(pull=list(pull), create=create)

    monkeypatch.setattr(module, "DockerHook", Hook)
    settings = DockerSettings.parse(DOCKER, source="test")
    return module.ContainerRun(settings, Step(), RunIdentity(dag_id="d", run_id="r", task_id="t"), Log()).execute()


def test_an_image_that_does_not_come_is_retried_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a pod: a registry may be away for a while."""
    outcome = run(monkeypatch, pull=({"status": "Pulling"}, {"error": "connection reset"}))
    assert outcome.retryable
    assert outcome.line.endswith("cannot be pulled: connection reset")
    assert outcome.line.startswith("Image '")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, ExitReason.CONFIG_ERROR),
        (403, ExitReason.CONFIG_ERROR),
        (409, ExitReason.LOST),
        (429, ExitReason.LOST),
        (500, ExitReason.LOST),
    ],
)
def test_a_refusal_is_retried_where_it_may_pass(
    monkeypatch: pytest.MonkeyPatch, status: int, reason: ExitReason
) -> None:
    outcome = run(monkeypatch, create=status)
    assert outcome.summary.exit_reason is reason
    assert outcome.line.endswith("said so")
