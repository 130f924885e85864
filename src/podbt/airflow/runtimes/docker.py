"""Runtime docker: the dbt image as a container of a Docker host, watched by a worker."""

import contextlib
import io
import os
import re
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final

from airflow.providers.docker.hooks.docker import DockerHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from podbt import constants
from podbt.airflow.runtimes.container import MESSAGE_FILE, MESSAGE_FOLDER, build_container, task_labels, try_labels
from podbt.airflow.runtimes.environment import configured
from podbt.airflow.runtimes.watched import End, WatchedRun
from podbt.contract.exits import ExitReason
from podbt.contract.names import run_name
from podbt.contract.outcome import Outcome, failure
from podbt.contract.record import RunIdentity
from podbt.contract.settings.docker import DockerSettings
from podbt.contract.step import Step
from podbt.errors import ConfigError

_SOCKET: Final = "unix:///var/run/docker.sock"
_POLL_SECONDS: Final = 1.0
_SILENT_SECONDS: Final = 120.0
_UNREACHABLE: Final = (RequestException, DockerException, OSError)
_LOST_CODE: Final = -1
_PASSING: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
"""Refusals that pass: a container that is just being removed, a registry's limit."""
_NO_SUCH_IMAGE = re.compile(
    r"manifest unknown|not found|does not exist|access denied|unauthorized|no matching manifest"
)
"""What a registry says when it has no such image, or none for this login: asking again gets the same answer."""


class _NoImageError(Exception):
    """The image did not come. Worth a retry, as for a pod: a registry may be away for a while."""


class _SilentError(Exception):
    """The daemon does not answer when the run begins. Worth a retry: it may be restarting."""


def _no_such_image(image: str, said: object) -> ConfigError:
    return ConfigError(f"Image '{image}' cannot be had: {said}. Push it, mend image, or name a login by connection_id.")


class ContainerRun(WatchedRun):
    """One try of a step in a container, named after it: another worker that gets the same try attaches to it."""

    what = "container"

    def __init__(
        self,
        settings: DockerSettings,
        step: Step,
        identity: RunIdentity,
        log: Any,
        on_line: Callable[[str], bool] | None = None,
    ) -> None:
        super().__init__(settings, log, on_line)
        self._settings, self._step, self._identity = settings, step, identity
        self._name = run_name(identity, settings.instance)
        self._url = settings.docker_url or os.environ.get("DOCKER_HOST") or _SOCKET
        self._api: Any = None
        self._id: str | None = None
        self._next_look = 0.0
        self._last_answer = time.monotonic()

    def execute(self) -> Outcome:
        """As the base does; a daemon that cannot be reached, or refuses, is an outcome too."""
        try:
            return super().execute()
        except (_NoImageError, _SilentError) as error:
            return failure(ExitReason.LOST, str(error))
        except APIError as error:
            said = f"Docker refuses container {self._name}: {error.explanation or error}"
            code = error.status_code
            wrong = code is not None and code < HTTPStatus.INTERNAL_SERVER_ERROR and code not in _PASSING
            return failure(ExitReason.CONFIG_ERROR if wrong else ExitReason.LOST, said)
        except _UNREACHABLE as error:
            return failure(ExitReason.LOST, f"The Docker daemon at {self._url} does not answer: {error}")

    def start(self) -> None:
        """Ends what an earlier try left, then creates and starts the container, or attaches to this try's own.

        Raises:
            ConfigError: There is no such connection or image.
        """
        environment = configured(self._settings, plain=self._step.env)
        self._api = self._connect()
        self._end_earlier_tries()
        try:
            found = self._api.inspect_container(self._name)
        except NotFound:
            found = self._create(environment)
        self._refuse_foreign(found)
        self._id = str(found["Id"])
        if found["State"]["Status"] == "created":
            self._api.put_archive(self._id, MESSAGE_FOLDER, _empty_message())
            self._api.start(self._id)
            self._log.info("Container %s started on %s", self._name, self._url)
        else:
            self._log.info("Container %s is there already, attached", self._name)

    def lines(self) -> Iterator[str]:
        """The container's log from its beginning."""
        rest = b""
        with contextlib.suppress(*_UNREACHABLE):
            for chunk in self._api.logs(self._id, stream=True, follow=True, stdout=True, stderr=True):
                *full, rest = (rest + chunk).split(b"\n")
                for line in full:
                    yield line.decode(errors="replace").rstrip("\r")
        if rest:
            yield rest.decode(errors="replace")

    def poll(self) -> End | None:
        """Looks at the container, at most once a second; a daemon that is away for two minutes has lost it."""
        now = time.monotonic()
        if now < self._next_look:
            return None
        self._next_look = now + _POLL_SECONDS
        try:
            state = self._api.inspect_container(self._id)["State"]
        except NotFound:
            return End(code=_LOST_CODE, why="it was removed while it ran")
        except _UNREACHABLE as error:
            if now - self._last_answer > _SILENT_SECONDS:
                return End(code=_LOST_CODE, why=f"the Docker daemon does not answer any more: {error}")
            return None
        self._last_answer = now
        if state["Status"] in {"created", "running", "paused", "restarting", "removing"}:
            return None
        return End(
            code=int(state["ExitCode"]), why=state.get("Error") or "", out_of_memory=bool(state.get("OOMKilled"))
        )

    def ask(self) -> None:
        """`docker stop`: the daemon itself kills the container after the grace period, whatever becomes of us."""
        grace = self._settings.termination_grace_seconds

        def stop() -> None:
            with contextlib.suppress(*_UNREACHABLE):
                self._api.stop(self._id, timeout=grace)

        threading.Thread(target=stop, name="podbt-stop", daemon=True).start()

    def kill(self) -> None:
        """SIGKILL, should the daemon not have done it."""
        with contextlib.suppress(*_UNREACHABLE):
            self._api.kill(self._id)

    def message(self) -> str:
        """The file in the container's own volume."""
        try:
            stream, _ = self._api.get_archive(self._id, f"{MESSAGE_FOLDER}/{MESSAGE_FILE}")
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
                file = archive.extractfile(MESSAGE_FILE)
                return file.read().decode(errors="replace") if file else ""
        except (*_UNREACHABLE, tarfile.TarError, KeyError):
            return ""

    def clean_up(self, *, ended: bool) -> None:
        """Removes the container with its volume."""
        if self._id is None:
            return
        with contextlib.suppress(*_UNREACHABLE):
            if not ended:
                self._api.stop(self._id, timeout=self._settings.termination_grace_seconds)
            self._api.remove_container(self._id, v=True, force=True)

    def _connect(self) -> Any:
        """The daemon's client, logged in at the registry."""
        connection = self._settings.connection_id
        silent = _SilentError(
            f"The Docker daemon at {self._url} does not answer. Start it, mend docker_url, or let the worker use it."
        )
        try:
            return DockerHook(docker_conn_id=connection, base_url=self._url, version="auto", timeout=60).api_client
        except APIError:
            raise
        except _UNREACHABLE:
            raise silent from None
        except (AirflowNotFoundException, ValueError) as error:  # no such connection, or one that is no registry's
            raise ConfigError(
                f"connection_id '{connection}' cannot be used: {error}. Create that connection in Airflow (type "
                "docker, with the registry's host and login), or mend connection_id."
            ) from None
        except AirflowException:  # the hook's word for the same; it has logged why
            raise silent from None

    def _create(self, environment: dict[str, str]) -> dict[str, Any]:
        self._provide_image()
        body = build_container(self._settings, self._step, self._identity, environment)
        created = self._api.create_container_from_config(body, self._name)
        return dict(self._api.inspect_container(created["Id"]))

    def _refuse_foreign(self, found: dict[str, Any]) -> None:
        """A name says less than labels do: whose container it is, and of which task instance."""
        labels = found["Config"].get("Labels") or {}
        wanted = {**task_labels(self._identity), **try_labels(self._settings, self._identity)}
        other = {key: value for key, value in wanted.items() if labels.get(key) != value}
        if other:
            key, value = next(iter(other.items()))
            raise ConfigError(
                f"Container {self._name} is there already with {key}={labels.get(key)}, and this try has {value}. Give "
                "each Airflow a name of its own (instance in the settings), or remove that container."
            )

    def _provide_image(self) -> None:
        image, policy = self._settings.image, self._settings.image_pull_policy
        if policy != "Always":
            with contextlib.suppress(NotFound):
                self._api.inspect_image(image)
                return
            if policy == "Never":
                raise ConfigError(
                    f"Image '{image}' is not on the Docker host, and image_pull_policy is Never. Load it."
                )
        self._log.info("Pulling %s", image)
        seconds = self._settings.startup_timeout_seconds
        deadline = time.monotonic() + seconds
        try:
            events = self._api.pull(image, stream=True, decode=True)
        except NotFound as error:
            raise _no_such_image(image, error.explanation or error) from None
        for event in events:
            if "error" in event:
                if _NO_SUCH_IMAGE.search(event["error"]):
                    raise _no_such_image(image, event["error"])
                raise _NoImageError(f"Image '{image}' cannot be pulled: {event['error']}")
            if self._stopping or time.monotonic() > deadline:
                raise _NoImageError(f"Image '{image}' was not pulled within {seconds} s.")

    def _end_earlier_tries(self) -> None:
        """A worker that was killed leaves its container, and two of them would write the same tables."""
        labels = [f"{key}={value}" for key, value in task_labels(self._identity).items()]
        for found in self._api.containers(all=True, filters={"label": labels}):
            whose = (found.get("Labels") or {}).get(constants.INSTANCE_LABEL, self._settings.instance)
            if f"/{self._name}" in found["Names"] or whose != self._settings.instance:
                continue
            self._log.warning("Container %s of an earlier try is ended and removed", found["Names"][0].strip("/"))
            with contextlib.suppress(NotFound):
                self._api.stop(found["Id"], timeout=self._settings.termination_grace_seconds)
                self._api.remove_container(found["Id"], v=True, force=True)


def _empty_message() -> bytes:
    """An archive with the empty file that the runner may write its summary to."""
    file = tarfile.TarInfo(MESSAGE_FILE)
    file.mode, file.uid, file.gid = 0o600, constants.USER, constants.USER
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(file, io.BytesIO())
    return buffer.getvalue()
