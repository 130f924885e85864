"""Throwaway servers for the artifact store, S3 and GCS, on loopback ports; and a proxy with faults."""

import itertools
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlencode

import pytest
from tests.support.proxies import ProxyHandler, listening

from podbt.store.location import Location
from podbt.store.store import Store

BUCKET = "podbt-tests"
S3_KEY, S3_SECRET = "test-access-key", "test-secret-d41d8cd98f00b204"

_NUMBERS = itertools.count()


@dataclass(frozen=True)
class StoreServer:
    """A running server with one bucket.

    Attributes:
        url: The bucket's address.
        endpoint: Where the server is.
        env: Variables that let a client in.
    """

    url: str
    endpoint: str
    env: dict[str, str]

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])

    def environment(self, prefix: str) -> dict[str, str]:
        """What the pod builder gives a dbt container, and the credentials beside it."""
        return {"PODBT_ARTIFACTS": f"{self.url}/{prefix}", "PODBT_ARTIFACTS_ENDPOINT_URL": self.endpoint, **self.env}


def program(name: str) -> str:
    """A server's program: on PATH, or where tests/support/store-servers puts it."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "podbt"
    folder = Path(os.environ.get("PODBT_CACHE") or default) / "bin"
    found = shutil.which(name) or shutil.which(name, path=folder)
    if not found:
        raise RuntimeError(f"{name} is neither on PATH nor in {folder}. Run `make store-servers` once; it needs Go.")
    return found


@contextmanager
def s3(folder: Path) -> Iterator[StoreServer]:
    """Runs the S3 gateway on a folder."""
    (folder / "objects" / BUCKET).mkdir(parents=True)
    port = _free_port()
    env = os.environ | {"ROOT_ACCESS_KEY": S3_KEY, "ROOT_SECRET_KEY": S3_SECRET}
    command = [program("versitygw"), "--quiet", "--port", f"127.0.0.1:{port}", "posix", str(folder / "objects")]
    client = {"AWS_ACCESS_KEY_ID": S3_KEY, "AWS_SECRET_ACCESS_KEY": S3_SECRET, "AWS_REGION": "us-east-1"}
    with _running(command, env, port):
        yield StoreServer(f"s3://{BUCKET}", f"http://127.0.0.1:{port}", client)


@contextmanager
def gcs(folder: Path) -> Iterator[StoreServer]:
    """Runs the GCS server on a folder, behind what makes its uploads those of GCS's XML API."""
    (folder / "objects" / BUCKET).mkdir(parents=True)
    port, front = _free_port(), _free_port()
    root, public = str(folder / "objects"), f"127.0.0.1:{front}"
    command = [program("fake-gcs-server"), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
    command += ["-backend", "filesystem", "-filesystem-root", root, "-public-host", public]
    # A key that asks for no token, in the form that the client takes.
    key = {"gcs_base_url": f"http://{public}", "disable_oauth": True}
    key |= {"client_email": "", "private_key": "", "private_key_id": ""}
    env = {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(key)}
    with (
        _running(command, dict(os.environ), port),
        proxy(StoreServer(f"gs://{BUCKET}", f"http://127.0.0.1:{port}", env), Faults(), port=front) as server,
    ):
        yield server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], env: dict[str, str], port: int) -> Iterator[None]:
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    assert process.poll() is None, f"{command[0]} ended"
                    assert time.monotonic() < deadline, f"{command[0]} does not listen"
                    time.sleep(0.1)
            yield
        finally:
            process.terminate()


@dataclass
class Faults:
    """What a proxy does to requests, by number (from 1) and method: a status to answer with, or None to let pass."""

    fault: Callable[[int, str], int | None] = lambda _number, _method: None
    delay_seconds: float = 0.0
    seen: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def _as_json_upload(path: str, headers: Mapping[str, str]) -> tuple[str, str]:
    """The upload of GCS's XML API as the one of its JSON API: the server takes the first only with a signed address."""
    bucket, _, name = unquote(path).removeprefix("/").partition("/")
    query = {"uploadType": "media", "name": name}
    for key, value in headers.items():
        if key.lower() == "x-goog-if-generation-match":
            query["ifGenerationMatch"] = value
    return "POST", f"/upload/storage/v1/b/{bucket}/o?{urlencode(query)}"


@contextmanager
def proxy(server: StoreServer, faults: Faults, *, port: int = 0) -> Iterator[StoreServer]:
    """A server between client and store that fails or slows requests."""
    upload = _as_json_upload if server.url.startswith("gs:") else None

    class Handler(ProxyHandler):
        def handle_any(self) -> None:
            body = self.body()
            with faults.lock:
                faults.seen += 1
                number = faults.seen
            time.sleep(faults.delay_seconds)
            if status := faults.fault(number, self.command):
                self.answer(status, {}, b"<Error><Code>Injected</Code></Error>")
                return
            method, path = self.command, self.path
            translated = upload is not None and method == "PUT"
            if upload and translated:
                method, path = upload(self.path, dict(self.headers))
            status, headers, content = self.ask(server.port, method, path, body)
            if translated and status == HTTPStatus.OK:
                made = json.loads(content)
                headers |= {"ETag": made["etag"], "x-goog-generation": made["generation"]}
            self.answer(status, headers, content)

    with listening(Handler, port) as front:
        yield StoreServer(server.url, f"http://127.0.0.1:{front}", server.env)


def open_store(server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of the test's own in the server's bucket."""
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    return Location.read(env=server.environment(f"store-{next(_NUMBERS)}")).open()
