"""Whose fault a failure is: of a statement, of the login, of the connection. And that the database's words are said."""

from collections.abc import Iterator

import pytest
from tests.support.postgres import PASSWORD, Server
from tests.support.runner import Runner
from tests.support.tiny import write_project

pytestmark = pytest.mark.postgres


@pytest.fixture
def tiny(runner: Runner, postgres: Server) -> Iterator[Runner]:
    """A project of one model, and a user without rights."""
    del runner.env["PODBT_BAKED"]
    write_project(runner.folder / "project", {"models/orders.sql": "select 1 as id"})
    postgres.query("drop schema if exists tiny cascade")
    postgres.query(f"create role clerk login password '{PASSWORD}'", superuser=True)
    yield runner
    postgres.query("drop schema if exists tiny cascade")
    for grantee in ("clerk", "public"):
        postgres.query(f"grant connect on database warehouse to {grantee}", superuser=True)
    postgres.query("revoke all on database warehouse from clerk", superuser=True)
    postgres.query("drop role clerk", superuser=True)


def test_what_a_model_says_is_never_taken_for_a_login(tiny: Runner) -> None:
    """Each of these was once a refused login or a lost connection, by its words."""
    raising = "{{{{ config(pre_hook=\"do $$ begin raise exception '{}'; end $$\") }}}} select 1 as id"
    write_project(
        tiny.folder / "project",
        {
            "models/granted.sql": "{{ config(grants={'select': ['reporter']}) }} select 1 as id",
            "models/a_login.sql": raising.format("FATAL: password authentication failed for user dbt"),
            "models/a_way.sql": raising.format("connection to server at db failed: Connection refused"),
        },
    )
    ended = tiny.run("run", "--select", "granted")
    assert ended.code == 1, ended.output
    assert "1 of 1 nodes failed: model.tiny.granted: " in ended.last_line
    assert 'role "reporter" does not exist' in ended.last_line
    assert "login" not in ended.last_line
    for name, words in (("a_login", "password authentication failed"), ("a_way", "Connection refused")):
        ended = tiny.run("run", "--select", name)
        assert ended.code == 1, ended.output
        assert f"model.tiny.{name}: " in ended.last_line
        assert words in ended.last_line
        assert "cannot be reached" not in ended.output
        assert "refused the login" not in ended.output


def test_a_missing_right_before_the_first_node_is_named_and_not_waited_for(tiny: Runner) -> None:
    tiny.env |= {"WAREHOUSE_USER": "clerk", "PODBT_CONNECTION_WAIT_SECONDS": "60"}
    ended = tiny.run("build")
    assert ended.code == 2, ended.output
    assert ended.last_line == (
        'podbt: permission denied for database warehouse, when dbt ran: create schema if not exists "tiny". '
        "Give the profile's user that right."
    )
    assert "Trying again" not in ended.output


def test_a_missing_right_of_a_model_names_the_model(tiny: Runner, postgres: Server) -> None:
    postgres.query("create schema tiny")
    postgres.query("grant usage on schema tiny to clerk")
    tiny.env["WAREHOUSE_USER"] = "clerk"
    ended = tiny.run("build")
    assert ended.code == 1, ended.output
    assert "model.tiny.orders: " in ended.last_line
    assert "permission denied for schema tiny" in ended.last_line


def test_a_database_that_may_not_be_connected_to_says_which_right(tiny: Runner, postgres: Server) -> None:
    postgres.query("revoke connect on database warehouse from public", superuser=True)
    tiny.env["WAREHOUSE_USER"] = "clerk"
    ended = tiny.run("build")
    assert ended.code == 2, ended.output
    assert 'The database refused the login: permission denied for database "warehouse"' in ended.last_line
    assert "User does not have CONNECT privilege" in ended.last_line


@pytest.mark.parametrize(
    ("env", "target", "said"),
    [
        pytest.param({}, "tls", "server does not support SSL, but SSL was required", id="no TLS"),
        pytest.param(
            {"PGOPTIONS": "-c no_such=1"}, "dev", 'unrecognized configuration parameter "no_such"', id="option"
        ),
        pytest.param({"WAREHOUSE_DB": "elsewhere"}, "dev", 'database "elsewhere" does not exist', id="no database"),
        pytest.param({}, "role", 'role "nobody_is_this" does not exist, when dbt ran: set role', id="no role to take"),
    ],
)
def test_what_time_cannot_mend_is_said_whole_and_not_waited_for(
    tiny: Runner, env: dict[str, str], target: str, said: str
) -> None:
    tiny.env |= {**env, "PODBT_CONNECTION_WAIT_SECONDS": "60"}
    ended = tiny.run("build", "--target", target)
    assert ended.code == 2, ended.output
    assert said in ended.last_line
    assert "Trying again" not in ended.output


def test_what_time_can_mend_is_waited_for(tiny: Runner, postgres: Server) -> None:
    postgres.query("alter role clerk connection limit 0", superuser=True)
    tiny.env |= {"WAREHOUSE_USER": "clerk", "PODBT_CONNECTION_WAIT_SECONDS": "2"}
    ended = tiny.run("build")
    assert ended.code == 3, ended.output
    assert 'too many connections for role "clerk". Trying again in 1 s' in ended.output
    assert 'too many connections for role "clerk"' in ended.last_line
