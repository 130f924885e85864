"""Airflow through its REST API, logged in as the admin of the Secret."""

import json
import time
from typing import Any
from urllib.parse import quote

import httpx

URL = "http://127.0.0.1:30080"
DAG = "dental_nightly"
_PATIENCE_SECONDS = 180
_NOT_FOUND, _UNAUTHORIZED, _SERVER_ERROR = 404, 401, 500


def answers() -> bool:
    """Whether Airflow itself answers at its address.

    After its node lost power, the address leads for a while to where the pod was before: out of the cluster, where
    anything may answer.
    """
    try:
        return httpx.get(f"{URL}/api/v2/version", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


class Airflow:
    """A client that outlives restarts of the api-server and of its own login."""

    def __init__(self, username: str, password: str) -> None:
        self._login = {"username": username, "password": password}
        # No proxy lies between this machine and itself.
        self._client = httpx.Client(base_url=URL, timeout=60, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def log_in_as(self, username: str, password: str) -> None:
        """From the next log-in on."""
        self._login = {"username": username, "password": password}

    def get(self, path: str, **params: Any) -> Any:
        """What is there, or None."""
        return self._call("GET", path, params=params)

    def post(self, path: str, body: object) -> Any:
        return self._call("POST", path, body=body)

    def patch(self, path: str, body: object) -> Any:
        return self._call("PATCH", path, body=body)

    def delete(self, path: str) -> None:
        self._call("DELETE", path)

    def runs(self, **params: Any) -> list[dict[str, Any]]:
        """The DAG's runs, newest first."""
        return list(self.get(f"/dags/{DAG}/dagRuns", order_by="-run_after", limit=100, **params)["dag_runs"])

    def task(self, run_id: str, task_id: str) -> dict[str, Any]:
        return dict(self.get(f"{run_path(run_id)}/taskInstances/{task_id}"))

    def tries(self, run_id: str, task_id: str) -> list[dict[str, Any]]:
        return list(self.get(f"{run_path(run_id)}/taskInstances/{task_id}/tries")["task_instances"])

    def log(self, run_id: str, task_id: str, try_number: int) -> str:
        """The log of one try as the page shows it, one message under the other."""
        found = self.get(f"{run_path(run_id)}/taskInstances/{task_id}/logs/{try_number}", full_content=True)
        return "\n".join(_line(item) for item in found["content"])

    def return_value(self, run_id: str, task_id: str) -> Any:
        """The task's XCom; triggers leave it as JSON text."""
        found = self.get(f"{run_path(run_id)}/taskInstances/{task_id}/xcomEntries/return_value")
        value = found["value"] if found else None
        return json.loads(value) if isinstance(value, str) else value

    def _call(self, method: str, path: str, *, params: Any = None, body: object = None) -> Any:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                if "Authorization" not in self._client.headers:
                    token = self._client.post("/auth/token", json=self._login).raise_for_status().json()
                    self._client.headers["Authorization"] = f"Bearer {token['access_token']}"
                answer = self._client.request(method, f"/api/v2{path}", params=params, json=body)
            except httpx.HTTPError as error:
                failed = f"{type(error).__name__}: {error}"
            else:
                if answer.status_code == _NOT_FOUND and method in {"GET", "DELETE"}:
                    return None
                if answer.status_code == _UNAUTHORIZED:
                    del self._client.headers["Authorization"]  # it expires
                elif answer.status_code < _SERVER_ERROR:
                    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
                    return answer.json() if answer.content else None
                failed = f"{answer.status_code} {answer.text[:300]}"
            assert time.monotonic() < deadline, f"Airflow does not answer {method} {path}: {failed}"
            time.sleep(1)


def run_path(run_id: str) -> str:
    return f"/dags/{DAG}/dagRuns/{quote(run_id, safe='')}"


def _line(item: Any) -> str:
    """A message as the page shows it, with the exception that it carries."""
    if not isinstance(item, dict):
        return str(item)
    errors = [f"{error['exc_type']}: {error['exc_value']}" for error in item.get("error_detail") or []]
    return "\n".join([str(item["event"]), *errors])
