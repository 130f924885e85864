"""Runtime docker against a daemon that refuses: what a retry can help, and what is said."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from airflow.providers.docker.hooks import docker as hook
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException
from docker.errors import APIError, NotFound
from requests import Response
from tests.support.plans import plan
from tests.support.settings import DOCKER

from podbt.airflow import DbtOperator
from podbt.airflow.runtimes import docker as module
from podbt.contract.exits import ExitReason
from podbt.contract.outcome import Outcome
from podbt.contract.record import RunIdentity
from podbt.contract.settings.docker import DockerSettings
from podbt.contract.step import Step
from podbt.errors import ConfigError

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


def container_run(monkeypatch: pytest.MonkeyPatch, daemon: Daemon, **changes: Any) -> module.ContainerRun:
    monkeypatch.setattr(module, "DockerHook", lambda **_: SimpleNamespace(api_client=daemon))
    settings = DockerSettings.parse({**DOCKER, **changes}, source="test")
    return module.ContainerRun(settings, Step(), IDENTITY, Log())


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


@pytest.mark.parametrize(
    "pull",
    [
        pytest.param((), id="the daemon says so"),
        pytest.param(({"error": "manifest for dbt:1 not found: manifest unknown: manifest unknown"},), id="no tag"),
        pytest.param(({"error": "pull access denied for dbt, repository does not exist"},), id="no repository"),
        pytest.param(({"error": "no matching manifest for linux/arm64 in the manifest list entries"},), id="platform"),
    ],
)
def test_an_image_that_is_not_there_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, pull: tuple[dict[str, str], ...]
) -> None:
    with pytest.raises(ConfigError, match=r"^Image 'dbt:1' cannot be had: .*mend image.*connection_id\.$") as error:
        run(monkeypatch, pull=pull)
    assert "\n" not in str(error.value)


@pytest.fixture
def operator(settings_file: Path) -> Callable[..., DbtOperator]:
    def made(**changes: Any) -> DbtOperator:
        settings_file.write_text(yaml.safe_dump({**DOCKER, **changes}))
        return DbtOperator(task_id="t", select="a", retries=5)

    return made


CONTEXT = {"ti": SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=-1, try_number=1)}


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("unix:///no/such/docker.sock", id="no socket"),
        pytest.param("tcp://127.0.0.1:1", id="nobody listens"),
    ],
)
def test_a_daemon_that_is_not_there_is_said_at_once(operator: Callable[..., DbtOperator], url: str) -> None:
    """The real provider and the real client. A retry may help: a daemon restarts."""
    with pytest.raises(
        AirflowException, match=f"The Docker daemon at {url} does not answer. Start it, mend docker_url"
    ) as error:
        operator(docker_url=url).execute(CONTEXT)
    assert not isinstance(error.value, AirflowFailException)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        pytest.param(None, "The conn_id `registry` isn't defined", id="missing"),
        pytest.param(Connection(conn_id="registry", conn_type="docker"), "No Docker Registry URL", id="no host"),
        pytest.param(
            Connection(conn_id="registry", conn_type="docker", host="r.example.com", password="needle"),
            "No Docker Registry username",
            id="no login",
        ),
    ],
)
def test_a_connection_that_cannot_be_used_fails_at_once(
    operator: Callable[..., DbtOperator], monkeypatch: pytest.MonkeyPatch, connection: Connection | None, said: str
) -> None:
    def get(*_: object) -> Connection:
        if connection is None:
            raise AirflowNotFoundException("The conn_id `registry` isn't defined")
        return connection

    monkeypatch.setattr(BaseHook, "get_connection", get)
    monkeypatch.setattr(hook, "APIClient", lambda **_: SimpleNamespace(ping=lambda: True))
    with pytest.raises(AirflowFailException, match=f"^connection_id 'registry' cannot be used: {said}") as error:
        operator(connection_id="registry").execute(CONTEXT)
    assert "\n" not in str(error.value)
    assert "needle" not in str(error.value)


def test_a_registry_that_refuses_the_login_is_a_mistake(monkeypatch: pytest.MonkeyPatch, settings_file: Path) -> None:
    def refuse(**_: Any) -> None:
        response = Response()
        response.status_code = 401
        raise APIError("unauthorized", response=response, explanation="incorrect username or password")

    class Hook:
        def __init__(self, **_: Any) -> None: ...

        @property
        def api_client(self) -> Any:
            return refuse()

    monkeypatch.setattr(module, "DockerHook", Hook)
    settings = DockerSettings.parse({**DOCKER, "connection_id": "registry"}, source="test")
    outcome = module.ContainerRun(settings, Step(), IDENTITY, Log()).execute()
    assert outcome.summary.exit_reason is ExitReason.CONFIG_ERROR
    assert "incorrect username or password" in outcome.line


def test_the_container_gets_what_its_models_demand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings_file: Path
) -> None:
    limits = {"cpu": "1500m", "memory": "8Gi"}
    made = plan("small", "large", large={"meta": {"podbt": {"resources": {"limits": limits}}}})
    (tmp_path / "plan.json").write_text(made.to_json())
    settings_file.write_text(yaml.safe_dump({**DOCKER, "plan": str(tmp_path / "plan.json")}))
    daemon = Daemon(pull=[{"status": "Pulled"}], create=400)
    monkeypatch.setattr(module, "DockerHook", lambda **_: SimpleNamespace(api_client=daemon))
    hosts = []
    for select in ("small", "large"):
        with pytest.raises(AirflowFailException, match="said so"):
            DbtOperator(task_id="t", select=select).execute(CONTEXT)
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
