# ruff: noqa: INP001 - mounted into a pod as a single file
"""Tells Airflow the plan of the dbt image that it runs in: puts it into a ConfigMap, beside those of the images before.

Usage: publish_plan.py --namespace NAME --config-map NAME --image IMAGE [--release VERSION] [--keep NUMBER]

With the standard library alone, so that it runs in any dbt image. It may patch that one ConfigMap and nothing else.
"""

import argparse
import base64
import gzip
import http.client
import json
import os
import ssl
import sys
import time
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
BAKED = "/opt/podbt/baked"
INDEX = "plans.json"
MANIFEST = "manifest.json.gz"
LIMIT_BYTES = 1_000_000  # of a ConfigMap's 1 MiB
ATTEMPTS, PAUSE_SECONDS, TIMEOUT_SECONDS = 30, 5, 30
OK, CONFLICT, NOT_FOUND, FORBIDDEN = 200, 409, 404, 403

# What Cosmos reads of a manifest. The SQL, the columns and the macros are most of it.
MANIFEST_KEYS = ("metadata", "nodes", "sources", "exposures", "selectors")
NODE_KEYS_LEFT_OUT = ("raw_code", "compiled_code", "columns", "checksum", "docs", "refs", "extra_ctes", "description")


class AgainError(Exception):
    """The API server did not answer, or somebody else wrote at the same moment."""


def packed(data: bytes) -> bytes:
    """The same bytes for the same content."""
    return gzip.compress(data, mtime=0)


def slim(manifest: bytes) -> bytes:
    """A manifest as far as Cosmos reads it."""
    data = json.loads(manifest)
    kept = {key: data[key] for key in MANIFEST_KEYS if key in data}
    for kind in ("nodes", "sources", "exposures"):
        for node in kept.get(kind, {}).values():
            for key in NODE_KEYS_LEFT_OUT:
                node.pop(key, None)
    return json.dumps(kept, separators=(",", ":")).encode()


def change(found: dict[str, Any], image: str, plan: bytes, manifest: bytes | None, keep: int) -> dict[str, Any]:
    """The patch that puts a plan last, and takes away what the newest `keep` images do not need.

    Args:
        found: The ConfigMap.
        image: Whose plan it is.
        plan: plan.json.
        manifest: manifest.json; None where the image has none.
        keep: How many images' plans stay.

    Returns:
        A JSON merge patch.
    """
    held = found.get("binaryData") or {}
    sizes = {name: len(base64.b64decode(content)) for name, content in held.items()}
    plan_hash = json.loads(plan)["hash"]
    name = f"plan-{plan_hash[:16]}.json.gz"
    new = {name: packed(plan)}
    if manifest is not None:
        new[MANIFEST] = packed(slim(manifest))
    entries = [one for one in json.loads((found.get("data") or {}).get(INDEX) or "[]") if one["image"] != image]
    entries = [*entries, {"image": image, "hash": plan_hash, "file": name}][-keep:]
    sizes.update({key: len(content) for key, content in new.items()})

    def total() -> int:
        return sum(sizes.get(one, 0) for one in {MANIFEST, *(entry["file"] for entry in entries)})

    while total() > LIMIT_BYTES and len(entries) > 1:
        entries.pop(0)
    if total() > LIMIT_BYTES and MANIFEST in new:
        print(f"The manifest has {sizes[MANIFEST]:,} bytes and no room beside the plan: Cosmos gets none", flush=True)
        del new[MANIFEST]
        sizes[MANIFEST] = 0
    if total() > LIMIT_BYTES:
        sys.exit(
            f"The plan has {sizes[name]:,} bytes after gzip, more than a ConfigMap holds ({LIMIT_BYTES:,}). Build it "
            "into the Airflow image instead: dbt.plan.fromImage=false and dbt.plan.path."
        )
    files = {entry["file"] for entry in entries} | ({MANIFEST} if MANIFEST in new else set())
    binary = {key: base64.b64encode(content).decode() for key, content in new.items()}
    gone = {key: None for key in held if key not in files}
    return {
        "metadata": {"resourceVersion": found["metadata"]["resourceVersion"]},
        "data": {INDEX: json.dumps(entries)},
        "binaryData": {**binary, **gone},
    }


def call(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Asks the API server."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}"}
    if body is not None:
        headers["Content-Type"] = "application/merge-patch+json"
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    connection = http.client.HTTPSConnection(host, port, context=context, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise AgainError(f"the API server does not answer: {error}") from None
    finally:
        connection.close()
    if answer.status == OK:
        return dict(json.loads(text))
    said = text.decode(errors="replace")[:500]
    if answer.status in {FORBIDDEN, NOT_FOUND}:
        sys.exit(f"{method} {path} is refused: {said}")
    raise AgainError(f"the API server says {answer.status}: {said}")


def main() -> None:
    """Publishes, patiently."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--config-map", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--release", default="", help="the chart's version, for a warning where the image has another")
    parser.add_argument("--keep", type=int, default=3)
    options = parser.parse_args()
    baked = Path(os.environ.get("PODBT_BAKED") or BAKED)
    try:
        plan = (baked / "plan.json").read_bytes()
    except OSError as error:
        sys.exit(f"{options.image} has no plan ({error.strerror}: {baked / 'plan.json'}). Build it by make image.")
    built_by = os.environ.get("PODBT_VERSION", "")
    if options.release and built_by and built_by != options.release:
        # No more than that: last month's image has to run in a newer release, too.
        print(
            f"podbt: {options.image} has podbt {built_by}, and the chart is of podbt {options.release}: build the "
            "image anew by that release, unless you brought it back on purpose (docs/upgrading.md).",
            flush=True,
        )
    manifest_file = baked / "manifest.json"
    manifest = manifest_file.read_bytes() if manifest_file.is_file() else None
    path = f"/api/v1/namespaces/{options.namespace}/configmaps/{options.config_map}"
    for left in reversed(range(ATTEMPTS)):
        try:
            patch = change(call("GET", path), options.image, plan, manifest, options.keep)
            call("PATCH", path, patch)
        except AgainError as error:
            if not left:
                sys.exit(f"The plan could not be published: {error}")
            print(f"Trying again: {error}", flush=True)
            time.sleep(PAUSE_SECONDS)
        else:
            break
    images = [entry["image"] for entry in json.loads(patch["data"][INDEX])]
    print(f"Published the plan of {options.image}; known are those of {', '.join(images)}", flush=True)


if __name__ == "__main__":
    main()
