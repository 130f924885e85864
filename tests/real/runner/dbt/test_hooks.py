"""What fails beside the nodes' own SQL, named with the words: hooks of the run, hooks of a model, operations."""

import pytest
from tests.support.postgres import Server
from tests.support.runner import Runner
from tests.support.tiny import write_project

pytestmark = pytest.mark.postgres

HOOKS = """\
on-run-start:
  - "select 1"
  - "{{ reads_nothing() }}"
on-run-end:
  - "grant usage on schema {{ target.schema }} to reporter"
"""
MACROS = """\
{% macro reads_nothing() %}select * from no_such_table{% endmacro %}
{% macro divides() %}{% do log('about to divide', info=true) %}{% do run_query('select 1 / 0') %}{% endmacro %}
"""
MODELS = {
    "models/granted.sql": "{{ config(post_hook=['select 1', 'grant select on {{ this }} to reporter']) }} select 1 id",
    "models/vacuumed.sql": "{{ config(pre_hook={'sql': 'vacuum no_table', 'transaction': false}) }} select 1 as id",
    "models/misspelt.sql": "{{ config(post_hook='select {{ no_such.thing }}') }} select 1 as id",
    "models/divided.sql": "{{ config(pre_hook='select 1', post_hook='select 2') }} select 1 / 0 as id",
}


@pytest.fixture
def hooked(runner: Runner, postgres: Server) -> Runner:
    del runner.env["PODBT_BAKED"]
    write_project(runner.folder / "project", {**MODELS, "macros/all.sql": MACROS}, more=HOOKS)
    postgres.query("drop schema if exists tiny cascade")
    return runner


def test_each_hook_that_fails_says_which_and_why(hooked: Runner) -> None:
    ended = hooked.run("run")
    assert ended.code == 1, ended.output
    record = hooked.record()
    messages = {failed["unique_id"]: failed["message"] for failed in record["failures"]}
    start, end = "operation.tiny.tiny-on-run-start-1", "operation.tiny.tiny-on-run-end-0"
    assert messages[start].startswith('relation "no_such_table" does not exist')
    assert messages[start].endswith("when dbt ran: select * from no_such_table")
    assert messages[end] == 'role "reporter" does not exist, when dbt ran: grant usage on schema tiny to reporter'
    granted = messages["model.tiny.granted"]
    assert granted.startswith(
        "post-hook 2 of 2 (grant select on {{ this }} to reporter): Database Error in model granted"
    )
    assert 'role "reporter" does not exist' in granted
    assert messages["model.tiny.vacuumed"].startswith("pre-hook 1 of 1 (vacuum no_table): Database Error")
    assert messages["model.tiny.misspelt"].startswith(
        "post-hook 1 of 1 (select {{ no_such.thing }}): Compilation Error"
    )
    assert messages["model.tiny.divided"].startswith("Database Error in model divided")
    assert record["counts"] == {"total": 7, "error": 6, "success": 1}
    assert all(message in ended.output for message in messages.values())
    assert f"6 of 7 nodes failed: {start}: relation" in ended.last_line


def test_an_operation_that_fails_says_why(hooked: Runner) -> None:
    ended = hooked.run("run-operation", "divides")
    assert ended.code == 1, ended.output
    assert "about to divide\n" in ended.output
    assert ended.last_line == "podbt: 1 of 1 nodes failed: macro.tiny.divides: Database Error division by zero"
    assert hooked.record()["counts"] == {"total": 1, "error": 1}
