"""What is true of one run alone is the run's own, though the image has parsed the project."""

import pytest
from tests.support.dbt_projects import project
from tests.support.stranger import Stranger

pytestmark = pytest.mark.postgres


CLOCKS = {
    "models/plain.sql": "select 1 as id",
    "models/reader.sql": "select * from {{ ref('own') }}",
    "models/own.sql": "{{ config(alias='own_' ~ run_started_at.strftime('%H%M%S%f')) }} select 1 as id",
    "models/by_id.sql": "{{ config(alias='id_' ~ invocation_id[:8]) }} select 1 as id",
    "models/by_now.sql": """
        {%- set now = modules.datetime.datetime.now() -%}
        {{ config(alias='now_' ~ now.strftime('%H%M%S%f')) }} select 1 as id
    """,
    "models/by_macro.sql": "{{ config(alias=stamped('macro')) }} select 1 as id",
    "models/by_yaml.sql": "select 1 as id",
    "models/by_flag.sql": "{{ config(alias='flag_' ~ flags.WHICH) }} select 1 as id",
    "models/never.sql": "{{ config(enabled=flags.WHICH == 'run') }} select 1 as id",
    "models/models.yml": """
        models:
          - name: by_yaml
            config: {alias: "yaml_{{ run_started_at.strftime('%H%M%S%f') }}"}
            columns: [{name: id, data_tests: [not_null]}]
          - {name: plain, columns: [{name: id, data_tests: [unique]}]}
    """,
    "macros/stamped.sql": "{% macro stamped(name) %}{{ helper(name) }}{% endmacro %}",
    "macros/helper.sql": "{% macro helper(name) %}{{ name }}_{{ run_started_at.strftime('%H%M%S%f') }}{% endmacro %}",
}


def aliases(stranger: Stranger) -> dict[str, str]:
    return {node["name"]: node["alias"] for node in stranger.manifest()["nodes"].values()}


def test_configs_have_the_runs_own_time_id_and_flags(stranger: Stranger) -> None:
    stranger.write(CLOCKS)
    said = stranger.bake().output
    assert "Parsed again in each run, since they read its time, id or flags: " in said
    seen = []
    for _ in range(2):
        ended = stranger.run("build")
        assert ended.code == 0, ended.output
        assert stranger.took_the_baked_parse
        seen.append(aliases(stranger))
    changing = ("own", "by_id", "by_now", "by_macro", "by_yaml")
    for name in changing:
        assert seen[0][name] != seen[1][name]
        assert {f"stranger_prod.{one[name]}" for one in seen} <= stranger.relations()
    assert seen[0]["by_flag"] == "flag_build"
    assert "never" not in seen[0]
    assert sum("unique_plain_id" in name or "not_null_by_yaml_id" in name for name in seen[0]) == 2
    ended = stranger.run("run", "--select", "never", "by_flag")
    assert ended.code == 0, ended.output
    assert {"stranger_prod.never", "stranger_prod.flag_run"} <= stranger.relations()


VARS = {
    "dbt_project.yml": project(
        "vars:",
        "  stamp: \"{{ run_started_at.strftime('%H%M%S%f') }}\"",
        "  fixed: one",
        "  shop: {mine: '{{ invocation_id[:8] }}'}",
    ),
    "models/plain.sql": "{{ config(alias='plain_' ~ var('fixed')) }} select 1 as id",
    "models/other.sql": "select 1 as id",
    "models/third.sql": "select 1 as id",
    "models/more.sql": "select 1 as id",
    "models/own.sql": "{{ config(alias='own_' ~ var('stamp')) }} select 1 as id",
    "models/its.sql": "{{ config(alias='its_' ~ var('mine')) }} select 1 as id",
    "models/by_macro.sql": "{{ config(alias=named('stamp')) }} select 1 as id",
    "macros/named.sql": "{% macro named(name) %}macro_{{ var(name) }}{% endmacro %}",
}


def test_vars_that_a_project_computes_are_the_runs_own(stranger: Stranger) -> None:
    """dbt itself compares the text of dbt_project.yml alone, and would keep the build's value in what reads one."""
    stranger.write(VARS)
    said = stranger.bake().output
    assert "Parsed again in each run, since they read its time, id or flags: " in said
    assert "models/plain.sql" not in said
    seen = []
    for _ in range(2):
        ended = stranger.run("build")
        assert ended.code == 0, ended.output
        assert stranger.took_the_baked_parse
        seen.append(aliases(stranger))
    for name in ("own", "its", "by_macro"):
        assert seen[0][name] != seen[1][name]
        assert {f"stranger_prod.{one[name]}" for one in seen} <= stranger.relations()
    assert seen[0]["plain"] == "plain_one"


def test_a_second_command_of_a_pod_has_its_own_time(stranger: Stranger) -> None:
    """Freshness is measured by a command of its own, in the same process."""
    stranger.write({
        "models/own.sql": CLOCKS["models/own.sql"] + " from {{ source('raw', 't') }}",
        "models/s.yml": """
            sources:
              - name: raw
                schema: stranger_dev
                tables: [{name: t, config: {loaded_at_field: at, freshness: {error_after: {count: 1, period: day}}}}]
        """,
    })  # fmt: skip
    stranger.postgres.query("create schema stranger_dev")
    stranger.postgres.query("create table stranger_dev.t as select now() as at")
    stranger.bake()
    ended = stranger.run("build", PODBT_FRESHNESS="gate")
    assert ended.code == 0, ended.output
    assert f"stranger_prod.{aliases(stranger)['own']}" in stranger.relations()
    assert stranger.log.count("Partial parsing enabled") == 2


WHOLE = [
    pytest.param({"macros/s.sql": "{% macro generate_schema_name(name, node) %}s_{{ part() }}{% endmacro %}",
                  "macros/part.sql": "{% macro part() %}{{ run_started_at.year }}{% endmacro %}"},
                 id="a schema's name"),
    pytest.param({"dbt_project.yml": project('models: {shop: {+schema: "y{{ run_started_at.year }}"}}')},
                 id="dbt_project.yml"),
    pytest.param({"dbt_project.yml": project("vars: {day: \"{{ run_started_at.strftime('%Y') }}\"}"),
                  "models/a.sql": "{{ config(alias='a_' ~ var('day')) }} select 1 as id"}, id="vars"),
]  # fmt: skip


@pytest.mark.parametrize("files", WHOLE)
def test_what_all_nodes_stand_on_is_parsed_anew(stranger: Stranger, files: dict[str, str]) -> None:
    stranger.write({"models/a.sql": "select 1 as id", **files})
    assert "Each run parses the whole project: " in stranger.bake().output
    ended = stranger.run("build")
    assert ended.code == 0, ended.output
    assert "The image's saved parse does not fit" in ended.output
    assert not stranger.took_the_baked_parse


def test_what_is_rendered_while_nodes_run_is_no_reason_to_parse(stranger: Stranger) -> None:
    lines = [
        "on-run-start: \"select '{{ invocation_id }}'\"",
        "on-run-end: [\"select '{{ run_started_at }}'\"]",
        "models: {shop: {+post-hook: \"select '{{ invocation_id }}'\"}}",
        'query-comment: "{{ invocation_id }}"',
    ]
    stranger.write({"models/a.sql": "select 1 as id", "dbt_project.yml": project(*lines)})
    assert "podbt: Each run" not in stranger.bake().output
    ended = stranger.run("build")
    assert ended.code == 0, ended.output
    assert stranger.took_the_baked_parse
