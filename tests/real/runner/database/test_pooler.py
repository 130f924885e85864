"""A PgBouncer between dbt and the server."""

import pytest
from tests.support.pgbouncer import pooler
from tests.support.postgres import Server
from tests.support.runner import Ended, Runner
from tests.support.tiny import write_project

pytestmark = pytest.mark.postgres

HELD = "select count(*) from pg_locks where locktype = 'advisory'"
FILES = {"models/one.sql": "select 1 as id", "models/two.sql": "select id from {{ ref('one') }}"}


@pytest.fixture
def tiny(runner: Runner, postgres: Server) -> Runner:
    del runner.env["PODBT_BAKED"]
    write_project(runner.folder / "project", FILES)
    postgres.query("drop schema if exists tiny cascade")
    return runner


def through(runner: Runner, port: int, **env: str) -> Ended:
    return runner.run_with({"WAREHOUSE_PORT": str(port), **env}, "build")


def test_sessions_of_a_pool_are_as_good_as_the_servers_own(tiny: Runner, postgres: Server) -> None:
    with pooler(postgres, "session") as port:
        ended = through(tiny, port)
        assert ended.code == 0, ended.output
        assert "podbt: success: 2 nodes" in ended.output
        assert postgres.query(HELD) == [(0,)]


def test_where_transactions_share_sessions_no_lock_is_left_behind(tiny: Runner, postgres: Server) -> None:
    with pooler(postgres, "transaction") as port:
        ended = through(tiny, port)
        assert ended.code == 2, ended.output
        assert "pool_mode = transaction" in ended.last_line
        assert "lock_tables: false" in ended.last_line
        assert "Traceback" not in ended.output
        assert tiny.record()["exit_reason"] == "config_error"
        assert postgres.query(HELD) == [(0,)]
        assert postgres.query("select count(*) from information_schema.tables where table_schema = 'tiny'") == [(0,)]
        ended = through(tiny, port, PODBT_LOCK_TABLES="0")
        assert ended.code == 0, ended.output
