"""`clone` on PostgreSQL: a target gets views of what another one's last complete build left."""

import json

import pytest
from tests.support.stranger import Stranger

pytestmark = pytest.mark.postgres

FILES = {
    "seeds/codes.csv": "id\n1\n",
    "models/orders.sql": "{{ config(materialized='incremental') }} select id from {{ ref('codes') }}",
    "models/plain.sql": "select id from {{ ref('orders') }}",
}


def test_a_target_gets_views_of_anothers_state(stranger: Stranger) -> None:
    stranger.write(FILES)
    identity = {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r"}
    ended = stranger.run("build", PODBT_TASK_ID="build", **identity)
    assert ended.code == 0, ended.output
    ended = stranger.run("clone", "--state", "prod", "--target", "ci", PODBT_TASK_ID="clone", **identity)
    assert ended.code == 0, ended.output
    assert {"stranger_ci.codes", "stranger_ci.orders", "stranger_ci.plain"} <= stranger.relations()
    views = "select table_name from information_schema.views where table_schema = 'stranger_ci'"
    assert {name for (name,) in stranger.postgres.query(views)} == {"codes", "orders", "plain"}
    assert stranger.postgres.query("select id from stranger_ci.orders") == [(1,)]
    record = json.loads((stranger.folder / "artifacts/runs/d/r/clone/try-1/run.json").read_text())
    assert (record["exit_reason"], record["target"]) == ("success", "ci")
    assert not (stranger.folder / "artifacts/targets/ci/state.json").exists()
