"""The name that a run's pod or container has."""

import hashlib
import json
import re

from podbt.contract.record import RunIdentity


def run_name(identity: RunIdentity, instance: str | None) -> str:
    """A name that is the same for the same try and differs for any other, within 63 characters.

    Args:
        identity: Whose run it is.
        instance: The installation, see `RunSettings.instance`: the same DAG has the same run ids in two of them. None
            gives the name of releases that knew of none.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", f"{identity.dag_id}-{identity.task_id}".lower()).strip("-")[:40].strip("-")
    parts = [identity.dag_id, identity.run_id, identity.task_id, identity.map_index]
    key = json.dumps(parts if instance is None else [instance, *parts])
    return f"{readable or 'dbt'}-{hashlib.sha256(key.encode()).hexdigest()[:10]}-{identity.try_number}"
