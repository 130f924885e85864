"""Small dbt projects, written where a test needs one."""

import shutil
from collections.abc import Mapping
from pathlib import Path

PROFILE = """\
tiny:
  target: dev
  outputs:
    dev: &connection
      type: postgres
      host: 127.0.0.1
      port: "{{ env_var('WAREHOUSE_PORT') | as_number }}"
      user: "{{ env_var('WAREHOUSE_USER', 'dbt') }}"
      password: "{{ env_var('WAREHOUSE_PASSWORD') }}"
      dbname: "{{ env_var('WAREHOUSE_DB', 'warehouse') }}"
      schema: "{{ env_var('WAREHOUSE_SCHEMA', 'tiny') }}"
      threads: 2
    tls: {<<: *connection, sslmode: require}
    role: {<<: *connection, role: nobody_is_this}
    one: {<<: *connection, threads: 1}
"""
PROJECT = """\
name: tiny
profile: tiny
version: "1.0"
config-version: 2
models: {tiny: {+materialized: table}}
"""


def write_project(folder: Path, files: Mapping[str, str], *, more: str = "") -> None:
    """Puts a project in the place of the one that is there.

    Args:
        folder: Its folder.
        files: Contents by path in it.
        more: Lines for the end of dbt_project.yml.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for path, content in {"profiles.yml": PROFILE, "dbt_project.yml": PROJECT + more, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
