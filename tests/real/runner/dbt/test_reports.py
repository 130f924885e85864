"""What people report of dbt under a scheduler, each rebuilt small: an image's plan, then a run of it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.dbt_projects import project, write
from tests.support.postgres import Server
from tests.support.runner import Ended
from tests.support.stranger import Stranger

from podbt.errors import ConfigError
from podbt.runner.dbt.bake import bake

pytestmark = pytest.mark.postgres

ORDERS = {"models/orders.sql": "{{ config(materialized='table') }} select 1 as id"}
TOLD = """\
{% macro told() %}
  {% do print('{"name": "no node"}') %}{% do log('{}', true) %}{% do exceptions.warn('beware') %}
  {% if execute %}{{ run_query('select 7').columns[0].values()[0] }}{% else %}0{% endif %}
{% endmacro %}
"""
NAMES = """\
{% macro generate_schema_name(name, node) %}{{ target.schema }}{% endmacro %}
{% macro generate_alias_name(name, node) %}{{ name or node.name }}{% endmacro %}
{% macro generate_database_name(name, node) %}{{ target.database }}{% endmacro %}
{% macro ref(name) %}{% do return(builtins.ref(name).include(database=false)) %}{% endmacro %}
"""
PROPERTIES = """\
groups: [{name: team, owner: {email: [a@example.com, b@example.com]}}]
exposures: [{name: board, type: dashboard, owner: {name: a}, depends_on: [ref('orders')]}]
models:
  - name: orders
    description: '{{ doc("orders") }}'
    config: {group: team, access: public}
    columns: [{name: id, tests: [unique, {accepted_values: {values: [7], quote: false}}]}]
  - {name: unused, columns: [{name: id, data_tests: [unique]}]}
"""
EVERYTHING = {
    "dbt_project.yml": project(
        "target-path: out/target",
        "log-path: out/logs",
        "packages-install-path: vendor",
        "docs-paths: [documentation]",
        "asset-paths: [assets]",
        "clean-targets: [out, vendor]",
        "require-dbt-version: ['>=1.0.0', '<2.0.0']",
        "dbt-cloud: {project-id: 1}",
        "flags: {log_format: json, log_level: debug, use_colors: true, printer_width: 40, write_json: false}",
        'query-comment: {comment: "{{ node.unique_id }} \'; {{ target.name }} %s", append: true}',
        "on-run-start: ['create schema if not exists stranger_hooks']",
        "on-run-end: ['{{ log(results | length, true) }}', 'select 1 -- {{ schemas }} {{ database_schemas }}']",
    ),
    ".dbtignore": "models/old/\n",
    "packages.yml": "packages: [{local: shared}]",
    "shared/dbt_project.yml": project().replace("name: shop", "name: shared"),
    "shared/models/customers.sql": "select 2 as id",
    "models/old/bad.sql": "select {{",
    "models/orders.sql": "{{ config(materialized='table', alias='Wéird Name') }} select {{ told() }} as id",
    "models/raw.orders.sql": "select 'Zürich 🦷'::text as \"The Town\" from {{ ref('orders') }}",
    "models/use.sql": "{{ config(materialized='table') }}\r\nselect * from {{ ref('raw.orders') }}\r\n",
    "models/customers.sql": "{{ config(alias='all_customers') }} select id from {{ ref('shared', 'customers') }}",
    "models/unused.sql": "{{ config(enabled=false) }} select 1 as id",
    "models/m.yml": PROPERTIES,
    "documentation/d.md": "{% docs orders %}All of them{% enddocs %}",
    "assets/logo.txt": "a logo",
    "macros/told.sql": TOLD,
    "macros/names.sql": NAMES.replace("macro ref(name)", "macro my_ref(name)"),
    "seeds/the_codes.csv": '\ufeffthe code,Ünit\r\n1,"a,b"\r\n',
}
PODS: list[dict[str, str]] = [
    {"DBT_TARGET_PATH": "/proc/nowhere", "DBT_LOG_PATH": "/proc/nowhere", "LANG": "C", "LC_ALL": "C"},
    {"DBT_LOG_FORMAT": "json", "DBT_QUIET": "1", "DBT_LOG_LEVEL": "error", "DBT_LOG_LEVEL_FILE": "none"},
    {"DBT_WRITE_JSON": "false", "DBT_PARTIAL_PARSE": "false", "DBT_USE_COLORS": "true", "DBT_DEBUG": "1"},
    {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test", "DBT_FAIL_FAST": "1", "DBT_INDIRECT_SELECTION": "cautious"},
]


def records(stranger: Stranger) -> list[dict[str, Any]]:
    files = (stranger.folder / "artifacts").glob("runs/*/*/*/*/run.json")
    return [json.loads(file.read_text()) for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)]


def planned(stranger: Stranger, files: dict[str, str], *arguments: str) -> Ended:
    stranger.write(files)
    ended = stranger.bake(*arguments)
    assert ended.code == 0, ended.output
    return ended


def test_what_projects_and_pods_set_does_not_get_in_the_way(stranger: Stranger) -> None:
    """Folders, formats of the log, levels, colours, artifacts, names: what podbt itself goes by is left as it is."""
    planned(stranger, EVERYTHING, "--copy-to", str(stranger.folder / "laid"))
    (stranger.folder / "project").rename(stranger.folder / "source")
    (stranger.folder / "laid").rename(stranger.folder / "project")
    before = set((stranger.folder / "project").rglob("*"))
    for pod in PODS:
        ended = stranger.run("build", **pod)
        assert ended.code == 0, ended.output
        for name in ("use", "raw.orders", "the_codes"):
            assert re.search(rf"ok +[\d.]+s  (?:seed )?{name}\b", ended.output), ended.output
    assert set((stranger.folder / "project").rglob("*")) == before, "the project's folder is read-only"
    assert stranger.relations() >= {
        "stranger_prod.Wéird Name", "stranger_prod.raw.orders", "stranger_prod.use", "stranger_prod.the_codes",
    }  # fmt: skip
    assert [one["counts"] for one in records(stranger)] == [records(stranger)[0]["counts"]] * len(PODS)
    for file in (stranger.folder / "artifacts").glob("runs/*/*/*/*/run.json"):
        assert {"run_results.json", "nodes.jsonl"} <= {path.name for path in file.parent.iterdir()}


def test_the_environment_names_the_target(stranger: Stranger) -> None:
    planned(stranger, {**ORDERS, "models/one.sql": "{{ config(enabled=target.name == 'ci') }} select 1 as id"})
    ended = stranger.run("build", DBT_TARGET="ci")
    assert ended.code == 0, ended.output
    assert records(stranger)[-1]["target"] == "ci"
    assert (stranger.folder / "artifacts/targets/ci/state.json").exists()
    ended = stranger.run("build", "--select", "state:modified", "--state", "ci", DBT_TARGET="ci")
    assert "matches no node" in ended.output
    assert not (stranger.folder / "artifacts/targets/prod").exists()


PASSWORDS = ["p\"a$s{{x}}\\w%o'r:d@#/é ", "0012345678", "{% raw %}: [no"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_is_taken_as_it_is(stranger: Stranger, postgres: Server, password: str) -> None:
    stranger.write(ORDERS)
    postgres.query("drop role if exists odd", superuser=True)
    quoted = password.replace("'", "''")
    postgres.query(f"create role odd login in role dbt password '{quoted}'", superuser=True)
    file = stranger.folder / "profiles/profiles.yml"
    profiles = yaml.safe_load(file.read_text())
    login = {"user": "odd", "role": "dbt", "password": "{{ env_var('WAREHOUSE_PASSWORD') }}"}
    profiles["shop"]["outputs"]["prod"] |= login
    file.write_text(yaml.safe_dump(profiles))
    try:
        ended = stranger.run("build", WAREHOUSE_PASSWORD=password)
        assert ended.code == 0, ended.output
        assert password not in ended.output + stranger.log
    finally:
        postgres.query("drop role odd", superuser=True)


def test_warnings_are_errors_where_the_project_or_the_step_says_so(stranger: Stranger) -> None:
    files = {
        "dbt_project.yml": project("flags: {warn_error_options: {error: [JinjaLogWarning], silence: [LogTestResult]}}"),
        "models/orders.sql": "{% do exceptions.warn('beware of it') if execute %} select 1 as id",
        "models/other.sql": "select 1 as id",
    }
    planned(stranger, files)
    ended = stranger.run("build")
    assert ended.code == 2
    assert "beware of it" in ended.last_line
    assert "orders" in ended.last_line
    ended = stranger.run("build", "--warn-error-options", "{error: [], silence: [JinjaLogWarning]}")
    assert ended.code == 0, ended.output
    options = "{error: [NoNodesForSelectionCriteria]}"
    ended = stranger.run("build", "--select", "other gone", "--warn-error-options", options)
    assert ended.code != 0
    assert "gone" in ended.last_line
    ended = stranger.run("build", "--warn-error-options", "{error: [Nonsense]}")
    assert ended.code != 0
    assert "Nonsense" in ended.last_line, ended.output


def test_a_python_model_is_refused_with_dbts_words(stranger: Stranger) -> None:
    planned(stranger, {**ORDERS, "models/py.py": "def model(dbt, session):\n    return dbt.ref('orders')\n"})
    ended = stranger.run("build")
    assert ended.code == 1
    assert "model.shop.py" in ended.last_line
    assert "only supports languages ['sql']; got \"python\"" in ended.last_line


METRIC = """\
models: [{name: orders, columns: [{name: id}]}]
semantic_models:
  - name: sold
    model: ref('orders')
    defaults: {agg_time_dimension: at}
    entities: [{name: id, type: primary}]
    dimensions: [{name: at, type: time, type_params: {time_granularity: day}}]
    measures: [{name: amount, agg: sum}]
"""
SPINE = """\
models: [{name: spine, time_spine: {standard_granularity_column: day}, columns: [{name: day, granularity: day}]}]
"""
PRIVATE = """\
groups: [{name: t, owner: {name: a}}]
models: [{name: orders, config: {group: t, access: private}}]
exposures: [{name: b, type: dashboard, owner: {name: a}, depends_on: [ref('orders')]}]
"""
REFUSED: list[Any] = [
    pytest.param({"models/m.yml": METRIC}, "time spine", id="no time spine"),
    pytest.param({"models/m.yml": METRIC, "models/spine.yml": SPINE,
                  "models/spine.sql": "{{ config(materialized='ephemeral') }} select current_date as day"},
                 "relation_name", id="an ephemeral time spine"),
    pytest.param({"models/m.yml": PRIVATE}, "private to the 't' group", id="a private model"),
    pytest.param({"dbt_project.yml": project("require-dbt-version: '>=9.0.0'")},
                 "not supported with the 'shop' package", id="another dbt"),
    pytest.param({"dbt_project.yml": project().replace("name: shop", "name: shop-floor")}, "shop-floor", id="its name"),
    pytest.param({"models/more/orders.sql": "select 1 as id"}, "orders", id="one name twice"),
    pytest.param({"models/a.sql": "select * from {{ ref('b') }}", "models/b.sql": "select * from {{ ref('a') }}"},
                 "cycle", id="a circle"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "words"), REFUSED)
def test_what_dbt_refuses_is_refused_by_the_build_with_dbts_words(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigError, match="(?si)" + words) as error:
        bake(write(tmp_path / "project", ORDERS | files), tmp_path / "baked")
    assert "Traceback" not in str(error.value)
