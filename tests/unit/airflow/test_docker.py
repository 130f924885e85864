"""Runtime docker against a daemon that refuses: what a retry can help, and what is said."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, NotFound
from requests import Response
from tests.support.plans import plan
from tests.unit.contract.test_runtimes import DOCKER

from podbt.airflow.runtimes import docker as module
from podbt.contract.exits import ExitReason
from podbt.contract.outcome import Outcome
from podbt.contract.record import RunIdentity
from podbt.contract.runtimes import DockerSettings
from podbt.contract.step import Step

IDENTITY = RunIdentity(dag_id="d", run_id="r", task_id="t")


class Log:
    def info(self, message: str, *args: object) -> None: ...
    def warning(self, message: str, *args: object) -> None: ...


class Daemon:
    """A daemon without containers and images, whose pulls and creations end as told."""

    def __init__(self, *, pull: list[dict[str, str]], create: int) -> None:
        self._pull, self._create = pull, create
        self.asked: list[dict[str, Any]] = []

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        return []

    def inspect_container(self, name: str) -> dict[str, Any]:
        raise NotFound(f"No such container: {name}")

    def inspect_image(self, name: str) -> dict[str, Any]:
        raise NotFound(f"No such image: {name}")

    def pull(self, *_: object, **__: object) -> list[dict[str, str]]:
        if not self._pull:
            raise NotFound("404", explanation="manifest for dbt:1 not found: manifest unknown")
        return self._pull

    def create_container_from_config(self, body: dict[str, Any], _name: str) -> dict[str, Any]:
        self.asked.append(body)
        response = Response()
        response.status_code = self._create
        raise APIError("refused", response=response, explanation="said so")


def container_run(
    monkeypatch: pytest.MonkeyPatch, daemon: Daemon, step: Step | None = None, **changes: Any
) -> module.ContainerRun:
    monkeypatch.setattr(module, "DockerHook", lambda **_: SimpleNamespace(api_client=daemon))
    settings = DockerSettings.parse({**DOCKER, **changes}, source="test")
    return module.ContainerRun(settings, step or Step(), IDENTITY, Log())


def run(
    monkeypatch: pytest.MonkeyPatch, *, pull: tuple[dict[str, str], ...] = ({"status": "Pulled"},), create: int = 400
) -> Outcome:
    return container_run(monkeypatch, Daemon(pull=list(pull), create=create)).execute()


def test_an_image_that_does_not_come_is_retried_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a pod: a registry may be away for a while."""
    outcome = run(monkeypatch, pull=({"status": "Pulling"}, {"error": "connection reset"}))
    assert outcome.retryable
    assert outcome.line.endswith("cannot be pulled: connection reset")
    assert outcome.line.startswith("Image '")


def test_the_container_gets_what_its_models_demand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limits = {"cpu": "1500m", "memory": "8Gi"}
    made = plan("small", "large", large={"meta": {"podbt": {"resources": {"limits": limits}}}})
    (tmp_path / "plan.json").write_text(made.model_dump_json(exclude_none=True))
    daemon = Daemon(pull=[{"status": "Pulled"}], create=400)
    hosts = []
    for select in ("small", "large"):
        container_run(monkeypatch, daemon, Step.of(select=select), plan=str(tmp_path / "plan.json")).execute()
        hosts.append(daemon.asked[-1]["HostConfig"])
    assert (hosts[0]["Memory"], hosts[0].get("NanoCpus")) == (2 * 2**30, None)
    assert (hosts[1]["Memory"], hosts[1]["NanoCpus"]) == (8 * 2**30, 1_500_000_000)


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
