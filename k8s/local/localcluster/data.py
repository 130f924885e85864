"""The demo data: a Job that fills the warehouse once for each version of the data."""

from __future__ import annotations

import datetime as dt
import json
import time
from string import Template
from typing import TYPE_CHECKING, Any

from localcluster.content import Content
from localcluster.places import KUBECTL, PROJECT
from localcluster.shell import LocalError

if TYPE_CHECKING:
    from localcluster.places import Places
    from localcluster.shell import Shell

PATIENTS = 1000
POLL_SECONDS = 1.0
LABELS = "app.kubernetes.io/component=demo-data"


def version(places: Places, shell: Shell) -> str:
    """Return a hash of what makes the data, and of the volume they are in: an empty volume needs them again."""
    content = Content()
    content.add_folder("demo_data", places.root / PROJECT / "demo_data")
    content.add("job", places.root / "k8s" / "demo-data.yaml")
    volumes = json.loads(shell.run(*KUBECTL, "get", "pvc", "-o", "json"))["items"]
    database = [one["metadata"]["uid"] for one in volumes if "postgres" in one["metadata"]["name"]]
    return content.digest(str(PATIENTS), *sorted(database))


def load(places: Places, shell: Shell, *, image: str, data_version: str) -> bool:
    """Load the data unless they are there in this version; return whether they were loaded.

    Raises:
        LocalError: The Job failed; its log's end goes to ours.
    """
    name = f"podbt-demo-data-{data_version}"
    found = _job(shell, name)
    if _condition(found) == "Complete":
        return False
    if not found or _condition(found) == "Failed":
        shell.do(*KUBECTL, "delete", "job", "-l", LABELS, "--wait=true")
        shell.do("kubectl", "apply", "-f", "-", stdin=manifest(places, name=name, image=image).encode())
    while not (ended := _condition(_job(shell, name))):
        time.sleep(POLL_SECONDS)
    if ended != "Complete":
        shell.attempt(*KUBECTL, "logs", f"job/{name}", "--tail=40")
        raise LocalError(f"the Job {name} failed", shell.log)
    return True


def manifest(places: Places, *, name: str, image: str) -> str:
    """Return the Job's manifest; the practice's last day is today."""
    text = (places.root / "k8s" / "demo-data.yaml").read_text()
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    # The comment at the top speaks of ${...} itself.
    return Template(text.partition("\n")[2]).substitute(name=name, image=image, patients=PATIENTS, as_of=today)


def _job(shell: Shell, name: str) -> dict[str, Any]:
    answer = shell.run(*KUBECTL, "get", "job", name, "--ignore-not-found", "-o", "json")
    found: dict[str, Any] = json.loads(answer or "{}")
    return found


def _condition(job: dict[str, Any]) -> str:
    """How the Job ended; empty while it runs."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["type"] in {"Complete", "Failed"} and condition["status"] == "True":
            return str(condition["type"])
    return ""
