"""Airflow's REST API, as much of it as a run needs."""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localcluster.places import KUBECTL, URL
from localcluster.shell import LocalError, Prints

if TYPE_CHECKING:
    from localcluster.shell import Shell

ANSWER_SECONDS = 30.0
PATIENCE_SECONDS = 120.0
RETRY_SECONDS = 1.0
UNAUTHORIZED, NOT_FOUND, CONFLICT, SERVER_ERROR = 401, 404, 409, 500


@dataclass(kw_only=True)
class Airflow:
    """A client that logs in by itself, and waits through a restart of the API server."""

    username: str
    password: str = field(repr=False)
    url: str = URL
    patience_seconds: float = PATIENCE_SECONDS
    _token: str = field(default="", repr=False)

    @classmethod
    def of_cluster(cls, shell: Shell) -> Airflow:
        """Return a client with the login from the Secret podbt-admin."""
        answer = shell.run(*KUBECTL, "get", "secret", "podbt-admin", "-o", "json", prints=Prints.SECRET)
        held = {key: base64.b64decode(value).decode() for key, value in json.loads(answer)["data"].items()}
        return cls(username=held["username"], password=held["password"])

    def get(self, path: str) -> Any:
        """Return what is at this path of the API; None where nothing is."""
        return self._call("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        return self._call("POST", path, body)

    def patch(self, path: str, body: object) -> Any:
        return self._call("PATCH", path, body)

    def _call(self, method: str, path: str, body: object) -> Any:
        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                if not self._token:
                    login = {"username": self.username, "password": self.password}
                    self._token = self._send("POST", "/auth/token", login)["access_token"]
                return self._send(method, f"/api/v2{path}", body)
            except urllib.error.HTTPError as error:
                detail = _detail(error)
                # Airflow says why it refuses. Whoever does not is another: what an address that no pod has any more
                # leads to, after a restart of the nodes, until the Service is corrected.
                if detail is not None:
                    if error.code == NOT_FOUND and method == "GET":
                        return None
                    if error.code == UNAUTHORIZED and self._token:
                        self._token = ""  # it expires
                    elif error.code < SERVER_ERROR:
                        raise LocalError(f"Airflow refused {method} {path}: {error.code} {detail}") from None
                failure: str = f"{error.code}" if detail else f"{error.code} {error.reason}, not from Airflow"
            except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: not JSON
                failure = str(error)
            if time.monotonic() > deadline:
                raise LocalError(f"Airflow at {self.url} did not answer {method} {path}: {failure}") from None
            time.sleep(RETRY_SECONDS)

    def _send(self, method: str, path: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        # No proxy lies between this machine and itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=ANSWER_SECONDS) as response:
            return json.loads(response.read() or b"null")


def quoted(part: str) -> str:
    """Return a part of a path with its special characters escaped."""
    return urllib.parse.quote(part, safe="")


def _detail(error: urllib.error.HTTPError) -> str | None:
    """Return Airflow's reason; None where the answer is not Airflow's."""
    try:
        return str(json.loads(error.read())["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        return None
