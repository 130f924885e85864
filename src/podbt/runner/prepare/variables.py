"""What a run was given besides its image, command line and connection: --vars, and the variables that env_var() reads.

A try goes on from an earlier one only where these are the same, so a record has to tell, without telling the values.
"""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from podbt.contract.record import RunIdentity
from podbt.runner.process.secrets import is_secret

# dbt notes what is read while it parses; what is read only while nodes run, in a macro say, is found by its name.
_READ: Final = re.compile(r"\benv_var\(\s*['\"](\w+)['\"]")
_SECRET_PREFIXES: Final = ("DBT_ENV_SECRET", "DBT_ENGINE_ENV_SECRET")


def fingerprint(manifest: Any, config: Any, identity: RunIdentity, env: Mapping[str, str] = os.environ) -> str:
    """A keyed hash of the values, equal for tries of one task instance that were given the same.

    Secrets are left out, by their names: a rotated password changes nothing that was built. So are variables that only
    profiles.yml reads: the connection is compared by itself.

    Args:
        manifest: dbt's, parsed.
        config: dbt's runtime configuration.
        identity: Whose run it is. As the key, it makes hashes of different tasks say nothing about each other.
        env: The environment.
    """
    read = {name: env.get(name) for name in sorted(set(_names(manifest, config))) if not _hidden(name)}
    given = {name: value for name, value in config.cli_vars.items() if not _hidden(str(name))}
    text = json.dumps([given, read], sort_keys=True, default=str)
    key = json.dumps([identity.dag_id, identity.run_id, identity.task_id, identity.map_index])
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:16]


def _hidden(name: str) -> bool:
    return name.startswith(_SECRET_PREFIXES) or is_secret(name)


def _names(manifest: Any, config: Any) -> Iterator[str]:
    """Every environment variable that the project reads."""
    yield from manifest.env_vars
    yield from config.project_env_vars  # dbt_project.yml and the like
    for node in manifest.nodes.values():
        yield from _READ.findall(getattr(node, "raw_code", None) or "")
    for macro in manifest.macros.values():
        yield from _READ.findall(macro.macro_sql or "")
