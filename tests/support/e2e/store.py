"""The artifact store, read through the api-server's mount."""

import json
from dataclasses import dataclass
from typing import Any

from tests.support.e2e.kube import exec_api_server, run_to_end

from podbt import constants
from podbt.contract import layout
from podbt.contract.record import NodeRecord, RunRecord
from podbt.contract.runs import Run
from podbt.contract.settings.kubernetes import Settings

ROOT = constants.ARTIFACTS_PATH
_POINTERS = (layout.LATEST, layout.LATEST_SUCCESS)


def files(folder: str = "") -> set[str]:
    """All files below a folder of the store, relative to the store."""
    found = exec_api_server("find", f"{ROOT}/{folder}".rstrip("/"), "-type", "f", "-printf", "%P\\n").split("\n")
    return {f"{folder}/{name}".lstrip("/") for name in found if name}


def beside(folder: str) -> set[str]:
    """The names in the folder that holds this one."""
    return set(exec_api_server("ls", "-A", f"{ROOT}/{folder.rpartition('/')[0]}").split())


def place(*names: str) -> str:
    """Where the api-server sees it."""
    return "/".join((ROOT, *names))


def text(path: str) -> str:
    return exec_api_server("cat", place(path))


def document(path: str) -> Any:
    return json.loads(text(path))


def run_of(folder: str) -> Run:
    """A published run, parsed as strictly as podbt itself does."""
    nodes = text(f"{folder}/{constants.NODES_FILE}").splitlines()
    return Run(
        path=folder,
        record=RunRecord.parse_json(text(f"{folder}/{constants.RUN_FILE}"), source=folder),
        nodes=[NodeRecord.parse_json(line, source=folder) for line in nodes],
    )


def records() -> list[RunRecord]:
    """The records of all published runs."""
    texts = exec_api_server("find", f"{ROOT}/{layout.RUNS}", "-name", constants.RUN_FILE, "-exec", "cat", "{}", "+")
    found = []
    while texts := texts.lstrip():
        data, end = json.JSONDecoder().raw_decode(texts)
        found.append(RunRecord.parse_json(json.dumps(data), source=constants.RUN_FILE))
        texts = texts[end:]
    return found


def pointer(target: str, name: str) -> dict[str, Any]:
    return dict(document(layout.target_pointer(target, name)))


@dataclass(frozen=True)
class Snapshot:
    """What the store held: its files' names and its pointers' content."""

    files: frozenset[str]
    pointers: dict[str, str]

    @classmethod
    def take(cls) -> "Snapshot":
        # What an earlier session could not take away, because it was killed, goes with what this one adds.
        return cls(files=frozenset(name for name in files() if "/e2e__" not in name), pointers=cls._pointers_now())

    def restore(self, settings: Settings, keep: set[str]) -> None:
        """Removes what came since, but for runs of which Airflow still knows.

        Args:
            settings: What dbt pods run with: only they mount the store writable.
            keep: run_ids that Airflow knows.
        """
        names = {layout.folder_name(run_id) for run_id in keep}
        new = {name for name in files() - self.files if not names & set(name.split("/"))}
        pointers = {name: text for name, text in self.pointers.items() if name not in new}
        todo = {"root": ROOT, "remove": sorted(new - set(pointers)), "pointers": pointers}
        if new:
            run_to_end(_janitor(settings, json.dumps(todo)))

    @staticmethod
    def _pointers_now() -> dict[str, str]:
        return {name: text(name) for name in files(layout.TARGETS)}


# A pointer goes back only where it points to what is removed; a manifest stays while a run that stays names it.
_JANITOR = """
import json, os, pathlib, sys
todo = json.loads(os.environ["TODO"])
root = pathlib.Path(todo["root"])
runs = [name for name in todo["remove"] if name.startswith("runs/")]
for name in runs:
    (root / name).unlink(missing_ok=True)
for name in runs:
    for parent in (root / name).parents:
        if parent == root or not parent.is_dir() or any(parent.iterdir()):
            break
        parent.rmdir()
used = {json.loads(file.read_bytes()).get("manifest") for file in root.glob("runs/**/run.json")}
for name in todo["remove"]:
    if name.startswith("manifests/") and name not in used:
        (root / name).unlink(missing_ok=True)
for file in root.glob("targets/*/*.json"):
    if not (root / json.loads(file.read_bytes())["run"]).is_dir():
        before = todo["pointers"].get(file.relative_to(root).as_posix())
        if before is None:
            file.unlink()
        else:
            file.write_text(before)
"""


def _janitor(settings: Settings, todo: str) -> dict[str, Any]:
    restricted = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    container = {
        "name": "janitor",
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["python", "-c", _JANITOR],
        "env": [{"name": "TODO", "value": todo}],
        "securityContext": restricted,
        "volumeMounts": [{"name": "store", "mountPath": ROOT, "subPath": settings.artifacts.sub_path}],
    }
    user = {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "podbt-e2e-janitor"},
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": settings.service_account,
            "automountServiceAccountToken": False,
            "securityContext": {**user, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": "store", "persistentVolumeClaim": {"claimName": settings.artifacts.claim}}],
        },
    }
