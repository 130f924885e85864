"""Which runs take the image's parse, and that the others are right, too."""

import json

import pytest
from tests.support.dbt_projects import project
from tests.support.stranger import Stranger

pytestmark = pytest.mark.postgres

UNFIT = "podbt: The image's saved parse does not fit: "
BY_TARGET = {
    "models/everywhere.sql": "select '{{ target.name }}' as target",
    "models/in_ci.sql": "{{ config(enabled=target.name == 'ci', schema=target.schema ~ '_more') }} select 1 as id",
    "macros/schemas.sql": """
        {% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}
    """,
}


def test_a_run_takes_the_parse_of_its_target(stranger: Stranger) -> None:
    stranger.write(BY_TARGET)
    said = stranger.bake("--target", "prod, ci").output
    assert "The saved parse is for the targets prod, ci, as the project looks at target.name" in said
    for target, built in {"prod": {"prod.everywhere"}, "ci": {"ci.everywhere", "ci_more.in_ci"}}.items():
        ended = stranger.run("build", "--target", target)
        assert ended.code == 0, ended.output
        assert stranger.took_the_baked_parse
        assert UNFIT not in ended.output
        assert {f"stranger_{one}" for one in built} <= stranger.relations()
    assert "stranger_prod_more.in_ci" not in stranger.relations()
    ended = stranger.run("build", "--target", "dev")
    assert ended.code == 0, ended.output
    assert f"{UNFIT}none is for target 'dev' (there is ci, prod). dbt parses the whole project." in ended.output
    assert ended.output.count(UNFIT) == 1
    assert stranger.postgres.query("select target from stranger_dev.everywhere") == [("dev",)]


def test_the_default_target_is_known_when_dbt_knows_it(stranger: Stranger) -> None:
    stranger.write(BY_TARGET)
    stranger.bake("--target", "ci")
    profiles = stranger.folder / "profiles/profiles.yml"
    profiles.write_text(profiles.read_text().replace("target: prod", "target: \"{{ env_var('DBT_TARGET_NAME') }}\""))
    ended = stranger.run("build", DBT_TARGET_NAME="ci")
    assert ended.code == 0, ended.output
    assert stranger.took_the_baked_parse
    assert "stranger_ci_more.in_ci" in stranger.relations()


BY_HOST = {"models/a.sql": "select '{{ target.host }}' as host"}


@pytest.mark.parametrize("looks", [BY_TARGET, BY_HOST], ids=["name", "host"])
def test_an_image_for_no_target_is_right_on_each(stranger: Stranger, looks: dict[str, str]) -> None:
    stranger.write(looks)
    assert "the build knows no target, so each run parses the whole project" in stranger.bake().output
    ended = stranger.run("build", "--target", "ci")
    assert ended.code == 0, ended.output
    assert UNFIT in ended.output


def test_a_project_that_looks_at_no_target_has_one_parse_for_all(stranger: Stranger) -> None:
    """Whatever the schema is put into, as long as it is nobody's name."""
    files = {
        "models/a.sql": "{{ config(schema=target.schema ~ '_x', alias='a_' ~ target.schema) }} select 1 as id",
        "models/b.sql": "{{ config(enabled=target.type == 'postgres') }} select 1 as id from {{ ref('a') }}",
        "models/c.sql": "{% if target.schema %}select * from {{ source('raw', 't') }}{% endif %}",
        "models/m.yml": """
            sources:
              - name: raw
                schema: "{{ target.schema }}"
                tables: [{name: t, identifier: "t_{{ target.schema }}"}]
            models:
              - name: a
                config: {meta: {schemas: ["{{ target.schema }}"]}}
                columns:
                  - name: id
                    data_tests: [{not_null: {config: {where: "'{{ target.schema }}' like 'stranger%'"}}}]
        """,
        "snapshots/s.sql": "{% snapshot s %}{{ config(target_schema=target.schema ~ '_s', strategy='check', "
        "check_cols='all', unique_key='id') }} select * from {{ ref('a') }}{% endsnapshot %}",
    }
    stranger.write(files)
    stranger.bake()
    for target in ("prod", "dev"):
        own = f"stranger_{target}"
        stranger.postgres.query(f"create schema {own}")
        stranger.postgres.query(f"create table {own}.t_{own} as select 1 as id")
        ended = stranger.run("build", "--target", target)
        assert ended.code == 0, ended.output
        assert stranger.took_the_baked_parse
        assert {f"{own}_{own}_x.a_{own}", f"{own}.b", f"{own}.c", f"{own}_s.s"} <= stranger.relations()
        assert "podbt_placeholder" not in (stranger.folder / "scratch/podbt/target/manifest.json").read_text()
        assert stranger.manifest()["nodes"]["model.shop.a"]["meta"] == {"schemas": [own]}


NAMED = {
    "models/s.yml": 'sources: [{name: "raw_{{ target.schema }}", schema: public, tables: [{name: t}]}]',
    "models/a.sql": "select 1 as id",
}
LOOKS_IN = {
    "models/a.sql": "{% if target.schema.startswith('stranger_p') %}select 1 as id{% else %}select 2 as id{% endif %}"
}


@pytest.mark.parametrize("files", [NAMED, LOOKS_IN], ids=["a name", "its letters"])
def test_a_schema_that_means_more_is_never_made_up(stranger: Stranger, files: dict[str, str]) -> None:
    stranger.write(files)
    assert "Each run parses the whole project: " in stranger.bake().output
    ended = stranger.run("build")
    assert ended.code == 0, ended.output
    assert UNFIT in ended.output
    assert "podbt_placeholder" not in (stranger.folder / "scratch/podbt/target/manifest.json").read_text()


ENV = {
    "models/sources.yml": """
        sources: [{name: raw, schema: "stranger_{{ env_var('DBT_ENV_NAME') }}", tables: [{name: t}]}]
    """,
    "models/a.sql": "select '{{ env_var('DBT_ENV_NAME') }}' as env, t.* from {{ source('raw', 't') }} as t",
}


def test_a_pods_own_values_count(stranger: Stranger) -> None:
    stranger.write(ENV)
    stranger.postgres.query("create schema stranger_dev")
    stranger.postgres.query("create table stranger_dev.t as select 7 as id")
    for arguments in ([], ["--env", "DBT_ENV_NAME=ci"]):
        assert stranger.bake(*arguments).code == 0
        ended = stranger.run("build", DBT_ENV_NAME="dev")
        assert ended.code == 0, ended.output
        assert stranger.took_the_baked_parse
        assert stranger.postgres.query("select env, id from stranger_prod.a") == [("dev", 7)]
        ended = stranger.run("build")
        assert ended.code == 2
        assert "Env var required but not provided: 'DBT_ENV_NAME'" in ended.output


def test_what_project_files_read_is_compared(stranger: Stranger) -> None:
    part = "{{ env_var('DBT_PART', 'none') }}"
    theirs = project(f'models: {{parts: {{+alias: "{part}"}}}}').replace("name: shop", "name: parts")
    package = {"dbt_project.yml": theirs, "models/p.sql": "select 1 as id"}
    files = {f"dbt_packages/parts/{name}": text for name, text in package.items()}
    stranger.write({"models/a.sql": "select 1 as id", **files})
    assert stranger.bake("--env", "DBT_PART=baked").code == 0
    for value, fits in {"baked": True, "other": False, "": False}.items():
        ended = stranger.run("build", DBT_PART=value) if value else stranger.run("build")
        assert ended.code == 0, ended.output
        assert f"stranger_prod.{value or 'none'}" in stranger.relations()
        assert (f"{UNFIT}env_var('DBT_PART') had another value" in ended.output) != fits


def test_a_runs_own_vars_count(stranger: Stranger) -> None:
    text = project("models: {shop: {+schema: \"{{ var('tenant') }}\"}}")
    stranger.write({"dbt_project.yml": text, "models/a.sql": "select '{{ var('tenant') }}' as tenant"})
    assert stranger.bake().code == 0
    ended = stranger.run("build", "--vars", "{tenant: north}")
    assert ended.code == 0, ended.output
    assert "stranger_prod_north.a" in stranger.relations()
    assert "Required var 'tenant' not found" in stranger.run("build").output
    assert stranger.bake("--vars", "{tenant: north}").code == 0
    assert "Required var 'tenant' not found" in stranger.run("build").output
    for tenant, fits in {"north": True, "south": False}.items():
        ended = stranger.run("build", "--vars", f"tenant: {tenant}")
        assert ended.code == 0, ended.output
        assert f"stranger_prod_{tenant}.a" in stranger.relations()
        assert (f"{UNFIT}--vars had another value" in ended.output) != fits


def test_a_run_leaves_artifacts_whatever_the_flags_of_the_project(stranger: Stranger) -> None:
    text = project("flags: {write_json: false, partial_parse: false, quiet: true, log_format: json}")
    stranger.write({"dbt_project.yml": text, "models/a.sql": "select 1 as id"})
    assert stranger.bake().code == 0
    ended = stranger.run("build", PODBT_DAG_ID="d", PODBT_RUN_ID="r", PODBT_TASK_ID="t", PODBT_TRY_NUMBER="1")
    assert ended.code == 0, ended.output
    folder = stranger.folder / "artifacts/runs/d/r/t/try-1"
    assert {"run.json", "run_results.json", "nodes.jsonl"} <= {file.name for file in folder.iterdir()}
    assert (stranger.folder / "artifacts/targets/prod/state.json").exists()


def test_a_pod_needs_no_token_for_packages_that_it_has(stranger: Stranger) -> None:
    url = "https://{{ env_var('DBT_ENV_SECRET_GIT') }}@git.invalid/x"
    files = {"packages.yml": f'packages: [{{git: "{url}", revision: v1}}]',
             "dbt_packages/parts/dbt_project.yml": project().replace("name: shop", "name: parts"),
             "models/a.sql": "select 1 as id"}  # fmt: skip
    stranger.write(files)
    ended = stranger.run("build")
    assert ended.code == 0, ended.output
    assert "stranger_prod.a" in stranger.relations()
    assert "DBT_ENV_SECRET_GIT" in stranger.run("deps").output


SEMANTIC = {
    "models/orders.sql": "select 1 as id, 10 as amount, cast('2026-01-01' as timestamp) as sold_at",
    "models/spine.sql": "select cast('2026-01-01' as date) as date_day",
    "models/all.yml": """
        models:
          - name: spine
            time_spine: {standard_granularity_column: date_day}
            columns: [{name: date_day, granularity: day}]
        semantic_models:
          - name: sold
            model: ref('orders')
            defaults: {agg_time_dimension: sold_at}
            entities: [{name: order, type: primary, expr: id}]
            dimensions: [{name: sold_at, type: time, type_params: {time_granularity: day}}]
            measures: [{name: amount, agg: sum}]
        metrics:
          - {name: total, label: Total, type: simple, type_params: {measure: amount}}
        saved_queries:
          - name: by_day
            query_params: {metrics: [total], group_by: ["TimeDimension('order__sold_at', 'day')"]}
            exports: [{name: by_day, config: {export_as: table}}]
    """,
}


def test_what_metrics_stand_on_is_in_the_runs_own_schema(stranger: Stranger) -> None:
    """Semantic models and exports of saved queries hold the names of schema and database, as models do."""
    stranger.write(SEMANTIC)
    assert "podbt: Each run parses" not in stranger.bake().output
    for target in ("prod", "ci"):
        ended = stranger.run("build", "--target", target)
        assert ended.code == 0, ended.output
        assert stranger.took_the_baked_parse
        manifest = stranger.manifest()
        held = manifest["semantic_models"]["semantic_model.shop.sold"]["node_relation"]
        assert (held["database"], held["schema_name"]) == ("warehouse", f"stranger_{target}")
        assert held["relation_name"] == f'"warehouse"."stranger_{target}"."orders"'
        assert "placeholder" not in json.dumps(manifest)
        assert "placeholder" not in (stranger.folder / "scratch/podbt/target/semantic_manifest.json").read_text()


def test_a_project_may_leave_its_profile_to_the_run(stranger: Stranger) -> None:
    stranger.write({"dbt_project.yml": "name: shop", "models/orders.sql": "select 1 as id"})
    assert stranger.bake().code == 0
    ended = stranger.run("build", "--profile", "shop")
    assert ended.code == 0, ended.output
    assert stranger.took_the_baked_parse
    ended = stranger.run("build")
    assert (ended.code, "no profile was specified" in ended.last_line) == (2, True), ended.output


def test_a_test_of_a_model_that_is_not_there_is_no_part_of_a_build(stranger: Stranger) -> None:
    """dbt warns of it and leaves it in the manifest, so that no build would ever be complete without it."""
    left_over = "{{ config(enabled=target.name != 'nowhere') }} select * from {{ ref('gone') }}"
    stranger.write({"models/orders.sql": "select 1 as id", "tests/left_over.sql": left_over})
    assert "planned 1 nodes" in stranger.bake().output
    ended = stranger.run("build")
    assert ended.code == 0, ended.output
    assert not stranger.took_the_baked_parse
    assert (stranger.folder / "artifacts/targets/prod/state.json").exists()
