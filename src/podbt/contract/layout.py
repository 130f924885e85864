"""Where things lie in the artifact store. Paths are relative to its root and use forward slashes.

runs/<dag_id>/<run_id>/<task_id>/try-<n>/    run.json nodes.jsonl run_results.json dbt.log ...
manifests/<sha256>.json                      each distinct manifest once
                                             (until it is published: try-<n>.partial/ on a volume; in a bucket the
                                             same folder without run.json, with nodes/000001.jsonl, ...)
                                             (<task_id>@<map_index>/ of a mapped task, and <task_id>@command-<k>/ for
                                             each of several commands in one container)
owner.json                                   whose store it is, see podbt.store.owner
targets/<target>/latest.json                 points to the last run there, latest-success.json to the last good one,
                                             latest-results.json to the last that has run_results.json
targets/<target>/freshness.json              points to the last run there that measured how fresh sources are
targets/<target>/state.json                  the last complete build there: manifest, run_results.json, sources.json
targets/<target>/variables.json              the digests of the variables that the state was built with
targets/<target>/batches.json                what runs left of microbatch models there and nobody has built since
"""

import hashlib
import re
from datetime import timedelta

from podbt.contract.record import RunIdentity

RUNS = "runs"
MANIFESTS = "manifests"
TARGETS = "targets"
PARTIAL_SUFFIX = ".partial"
CLAIMED_SUFFIX = ".claimed"
"""Before PARTIAL_SUFFIX: of a folder whose run was found dead, and that is being published by whoever found it."""
REMOVED_SUFFIX = ".removed"
"""Of a folder that is being removed: no run any more."""
RESERVED = "reserved"
"""In a bucket: the object whose creation reserves a try's folder, since an empty folder cannot exist there."""
MANIFEST_GRACE = timedelta(days=1)
"""A manifest that no run names is kept that long: a run that is being published names it next."""
LATEST = "latest.json"
LATEST_SUCCESS = "latest-success.json"
LATEST_RESULTS = "latest-results.json"
FRESHNESS = "freshness.json"
STATE = "state.json"
BATCHES = "batches.json"
VARIABLES = "variables.json"

_MAX_NAME = 100
_MARK = "@"


def run_folder(identity: RunIdentity) -> str:
    """The folder of one try."""
    dag, run, task = map(folder_name, (identity.dag_id, identity.run_id, identity.task_id))
    # By a mark that `folder_name` leaves in no name: a task may be called "each.0" beside the first of a mapped "each".
    task += f"{_MARK}{identity.map_index}" if identity.map_index >= 0 else ""
    task += f"{_MARK}command-{identity.part}" if identity.part is not None else ""
    return "/".join((RUNS, dag, run, task, f"try-{identity.try_number}"))


def folder_name(name: str) -> str:
    """A name as one path component: readable, and distinct for distinct names.

    Airflow's run_ids hold colons and plus signs, which some file systems and object stores refuse. A changed or cut
    name gets a short hash of the original, so that two names never share a folder.
    """
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip(".-") or "x"
    if safe == name and len(name) <= _MAX_NAME:
        return name
    return f"{safe[:_MAX_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def manifest_path(content_hash: str) -> str:
    return f"{MANIFESTS}/{content_hash}.json"


def target_pointer(target: str, name: str) -> str:
    return f"{TARGETS}/{folder_name(target)}/{name}"
