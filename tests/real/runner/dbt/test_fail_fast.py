"""--fail-fast: the node that failed is the failure, not what dbt cancelled because of it."""

import pytest
from tests.support.postgres import Server
from tests.support.runner import Runner
from tests.support.tiny import write_project

pytestmark = pytest.mark.postgres

# dbt looks for failures once all is begun that can be: nothing waits for `slow`.
MODELS = {
    "models/orders.sql": "select 1 as id",
    "models/slow.sql": "select 1 as id from (select pg_sleep(60)) as slept",
    "models/later.sql": "select * from {{ ref('orders') }}",
    "tests/never.sql": "select * from {{ ref('orders') }}",
}


def test_what_is_cancelled_is_no_failure(runner: Runner, postgres: Server) -> None:
    del runner.env["PODBT_BAKED"]
    write_project(runner.folder / "project", MODELS)
    postgres.query("drop schema if exists tiny cascade")
    profile = runner.folder / "project/profiles.yml"
    profile.write_text(profile.read_text().replace("threads: 2", "threads: 3"))
    ended = runner.run("build", "--fail-fast")
    assert ended.code == 1, ended.output
    record = runner.record()
    assert record["exit_reason"] == "test_failure"
    assert [failed["unique_id"] for failed in record["failures"]] == ["test.tiny.never"]
    assert ended.last_line.startswith("podbt: 1 of 4 nodes failed: test.tiny.never: ")
    assert record["counts"] == {"total": 4, "fail": 1, "skipped": 2, "success": 1}
    (folder,) = runner.folders()
    journal = (folder / "nodes.jsonl").read_text()
    assert '"message":"Cancelled, since another node failed and --fail-fast is on."' in journal
    assert "server closed the connection" not in journal
    assert postgres.asleep() == 0
