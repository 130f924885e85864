"""A Kubernetes API that has a few objects, as far as Helm asks one while it renders: `lookup` finds them there."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from tests.support.chart.kubernetes_schemas import KINDS

_IRREGULAR = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}


def _plural(kind: str) -> str:
    return _IRREGULAR.get(kind, f"{kind.lower()}s")


def _root(version: str) -> str:
    return f"/api/{version}" if version == "v1" else f"/apis/{version}"


def _resources(version: str) -> dict[str, Any]:
    found = [
        {
            "name": _plural(kind),
            "singularName": kind.lower(),
            "namespaced": True,
            "kind": kind,
            "verbs": ["get", "list"],
        }
        for group, kind in sorted(KINDS)
        if group == version
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": found}


def _answers(objects: list[dict[str, Any]]) -> Mapping[str, Any]:
    versions = {version for version, _ in KINDS}
    groups = [
        {"name": version.partition("/")[0], "versions": [one], "preferredVersion": one}
        for version in sorted(versions - {"v1"})
        for one in [{"groupVersion": version, "version": "v1"}]
    ]
    answers: dict[str, Any] = {
        "/version": {"major": "1", "minor": "37", "gitVersion": "v1.37.2"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
        **{_root(version): _resources(version) for version in versions},
    }
    for one in objects:
        metadata, plural = one["metadata"], _plural(one["kind"])
        answers[f"{_root(one['apiVersion'])}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"] = one
    return answers


@contextmanager
def cluster(folder: Path, *objects: dict[str, Any]) -> Iterator[Path]:
    """Runs it until the block ends.

    Args:
        folder: Where the kubeconfig goes.
        objects: What is there.

    Yields:
        The kubeconfig.
    """
    answers = _answers(list(objects))

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path.partition("?")[0])
            missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
            body = json.dumps(missing if found is None else found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = folder / "kubeconfig"
    config.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "it",
                "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
                "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
                "users": [{"name": "it", "user": {}}],
            }
        )
    )
    try:
        yield config
    finally:
        server.shutdown()
        server.server_close()
