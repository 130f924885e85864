"""The name that a run's pod or container has."""

import hashlib
import json
import re

from podbt.contract.record import RunIdentity


def run_name(identity: RunIdentity) -> str:
    """A name that is the same for the same try and differs for any other, within 63 characters."""
    readable = re.sub(r"[^a-z0-9]+", "-", f"{identity.dag_id}-{identity.task_id}".lower()).strip("-")[:40].strip("-")
    key = json.dumps([identity.dag_id, identity.run_id, identity.task_id, identity.map_index])
    return f"{readable or 'dbt'}-{hashlib.sha256(key.encode()).hexdigest()[:10]}-{identity.try_number}"
