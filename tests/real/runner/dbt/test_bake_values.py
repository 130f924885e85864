"""A build that lacks what only the pod knows: values of env_var() and var(), the target, the profile."""

import os
from pathlib import Path
from typing import Any

import msgpack
import pytest
import yaml
from tests.support.dbt_projects import project, write

from podbt.contract.plan import Plan
from podbt.errors import ConfigError
from podbt.runner.dbt.bake import bake
from podbt.runner.dbt.template import Conditions, baked_file, baked_targets

MODEL = {"models/orders.sql": "select 1 as id"}
SELECTOR = "selectors: [{name: named, definition: \"tag:{{ env_var('DBT_ENV_NAME') }}\"}]"
SOURCE = 'sources: [{name: raw, schema: "{{ %s }}_raw", tables: [{name: t}]}]'
POSTGRES = {"type": "postgres", "host": "h", "port": 1, "user": "u", "password": "p", "dbname": "d", "schema": "s"}
OTHER = {"type": "duckdb", "path": "dev.duckdb"}


def profile(outputs: dict[str, Any], target: str | None = "dev", name: str = "shop") -> dict[str, str]:
    """A project's own profiles.yml."""
    content = {"outputs": outputs, **({"target": target} if target else {})}
    return {"profiles.yml": yaml.safe_dump({name: content})}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a build sets for itself lasts no longer than a test."""
    for name, value in dict(os.environ).items():
        monkeypatch.setenv(name, value)
    for name in ("DBT_ENV_NAME", "WAREHOUSE_HOST", "WAREHOUSE_PORT", "WAREHOUSE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def conditions(folder: Path, target: str) -> Conditions:
    file = baked_file(folder, target)
    assert file is not None
    return Conditions.parse_json(msgpack.unpackb(file.read_bytes())["state_check"]["profile_hash"]["checksum"])


ENV = [
    pytest.param({"models/orders.sql": "select '{{ env_var('DBT_ENV_NAME') }}' as id"}, id="a model"),
    pytest.param({"models/orders.sql": "{{ config(alias=env_var('DBT_ENV_NAME')) }} select 1 as id"}, id="a config"),
    pytest.param({"models/orders.sql": "{{ config(alias=named()) }} select 1 as id",
                  "macros/named.sql": "{% macro named() %}{{ env_var('DBT_ENV_NAME') }}{% endmacro %}"}, id="a macro"),
    pytest.param({"models/orders.sql": "{% set n = 'NAME' %}select '{{ env_var('DBT_ENV_' ~ n) }}' as id"},
                 id="a name that is put together"),
    pytest.param({"models/s.yml": SOURCE % "env_var('DBT_ENV_NAME')",
                  "models/orders.sql": "select * from {{ source('raw', 't') }}"}, id="a source's schema"),
    pytest.param({"models/m.yml": "models: [{name: orders, config: {tags: [\"{{ env_var('DBT_ENV_NAME') }}\"]}}]"},
                 id="properties"),
    pytest.param({"dbt_project.yml": project("models: {shop: {+schema: \"{{ env_var('DBT_ENV_NAME') }}\"}}")},
                 id="dbt_project.yml"),
    pytest.param({"dbt_project.yml": project("vars: {name: \"{{ env_var('DBT_ENV_NAME') }}\"}"),
                  "models/orders.sql": "select '{{ var('name') }}' as id"}, id="vars of dbt_project.yml"),
    pytest.param({"selectors.yml": SELECTOR}, id="selectors.yml"),
]  # fmt: skip


@pytest.mark.parametrize("files", ENV)
def test_an_image_builds_without_a_variables_value_and_says_so(
    tmp_path: Path, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = bake(write(tmp_path / "project", MODEL | files), tmp_path / "baked")
    assert "model.shop.orders" in plan.nodes
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("podbt: The build has no value")]
    assert len(said) == 1
    assert "env_var('DBT_ENV_NAME')" in said[0]
    assert "make image ENV=" in said[0]
    assert "DBT_ENV_NAME" not in os.environ


def test_a_connection_whose_values_are_elsewhere_is_nothing_to_speak_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = profile({"t": POSTGRES | {"host": "{{ env_var('DBT_ENV_NAME') }}", "password": "{{ env_var('P') }}"}}, "t")
    assert bake(write(tmp_path / "project", MODEL | own), tmp_path / "baked").nodes
    assert "podbt:" not in capsys.readouterr().out
    assert not {"DBT_ENV_NAME", "P"} & set(os.environ)


def test_a_value_given_at_the_build_is_no_placeholder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "{{ config(enabled=env_var('DBT_ENV_NAME') == 'two words') }} select 1 as id"
    files = {"models/orders.sql": sql, "selectors.yml": SELECTOR}
    folder = write(tmp_path / "project", MODEL | files)
    assert bake(folder, tmp_path / "without").nodes == {}
    said = capsys.readouterr().out
    assert "selectors.yml reads DBT_ENV_NAME: the plan has its selectors as with '1'." in said
    assert set(bake(folder, tmp_path / "with", env={"DBT_ENV_NAME": "two words"}).nodes) == {"model.shop.orders"}
    assert "has no value" not in capsys.readouterr().out


def test_a_placeholder_that_does_not_do_is_dbts_message_and_the_way_out(tmp_path: Path) -> None:
    files = {"models/orders.sql": "{{ config(materialized='table', enabled=env_var('DBT_ENV_NAME')) }} select 1 as id"}
    folder = write(tmp_path / "project", files)
    with pytest.raises(ConfigError, match=r"(?s)bool.*no value for env_var\('DBT_ENV_NAME'\).*make image ENV="):
        bake(folder, tmp_path / "baked")


def test_a_secret_is_no_value_of_the_build(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^DBT_ENV_SECRET_TOKEN: ") as error:
        bake(write(tmp_path / "project", MODEL), tmp_path / "baked", env={"DBT_ENV_SECRET_TOKEN": "hunter2"})
    assert "hunter2" not in str(error.value)


VARS = [
    pytest.param({"dbt_project.yml": project("models: {shop: {+schema: \"{{ var('tenant') }}\"}}")},
                 id="dbt_project.yml"),
    pytest.param({"models/s.yml": SOURCE % "var('tenant')"}, id="a source's schema"),
    pytest.param({"selectors.yml": "selectors: [{name: named, definition: \"tag:{{ var('tenant') }}\"}]"},
                 id="selectors.yml"),
    pytest.param(profile({"t": POSTGRES | {"host": "{{ var('tenant') }}"}}, "t"), id="profiles.yml"),
]  # fmt: skip


@pytest.mark.parametrize("files", VARS)
def test_an_image_builds_without_a_required_var_and_each_run_parses(
    tmp_path: Path, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "project", MODEL | files)
    plan = bake(folder, tmp_path / "without")
    assert set(plan.nodes) == {"model.shop.orders"}
    assert "Each run parses the whole project: var('tenant') has no value at the build." in capsys.readouterr().out
    assert baked_file(tmp_path / "without", "t") is None
    bake(folder, tmp_path / "with", variables="{tenant: north}")
    assert "podbt:" not in capsys.readouterr().out
    assert conditions(tmp_path / "with", "t").variables == {"tenant": "north"}


def test_a_model_may_lack_a_var(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """dbt itself has no value for it while it parses, and asks for one when it compiles the model."""
    bake(write(tmp_path / "project", {"models/orders.sql": "select '{{ var('tenant') }}' as id"}), tmp_path / "baked")
    assert "podbt:" not in capsys.readouterr().out
    assert conditions(tmp_path / "baked", "any").variables == {}


@pytest.mark.parametrize("text", ["[1]", "{", "a"])
def test_variables_are_a_mapping(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="variables are no "):
        bake(write(tmp_path / "project", MODEL), tmp_path / "baked", variables=text)


LOOKS = {
    "models/orders.sql": "{{ config(enabled=target.name != 'ci') }} select 1 as id",
    "models/b.sql": "select 1 as x",
}
TARGETS: list[Any] = [
    pytest.param(profile({"dev": OTHER, "prod": POSTGRES, "ci": POSTGRES}), [], ["ci", "prod"],
                 id="another adapter by default"),
    pytest.param(profile({"prod": POSTGRES}, "{{ env_var('DBT_ENV_NAME') }}"), [], ["prod"], id="from a variable"),
    pytest.param(profile({"prod": POSTGRES}, "{{ var('t') }}"), [], ["prod"], id="from a var"),
    pytest.param(profile({"prod": POSTGRES}, None), [], ["prod"], id="no target"),
    pytest.param(profile({"prod": POSTGRES}, "gone"), [], ["prod"], id="one that is not there"),
    pytest.param(profile({"dev": OTHER}), [], [], id="another adapter alone"),
    pytest.param(profile({"dev": OTHER}), ["prod"], ["prod"], id="one that is named"),
    pytest.param(profile({"x": POSTGRES}, name="other"), [], [], id="another project's profile"),
    pytest.param({}, ["prod", "ci"], ["ci", "prod"], id="no profiles.yml"),
    pytest.param(profile({"a/b": POSTGRES}, "a/b"), [], ["a/b"], id="a name that is no file's"),
]  # fmt: skip


@pytest.mark.parametrize(("profiles", "named", "targets"), TARGETS)
def test_the_targets_of_the_image_are_those_that_fit(
    tmp_path: Path, profiles: dict[str, str], named: list[str], targets: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bake(write(tmp_path / "project", LOOKS | profiles), tmp_path / "baked", targets=named)
    assert baked_targets(tmp_path / "baked") == targets
    for target in targets:
        assert conditions(tmp_path / "baked", target).target == {"name": target}
    said = capsys.readouterr().out
    assert ("the build knows no target, so each run parses the whole project" in said) == (not targets)
    assert ("The saved parse is for the targets" in said) == bool(targets)


@pytest.mark.parametrize("name", ["env_var('DBT_ENV_NAME')", "var('p')", "env_var('P', 'theirs')"])
def test_the_profiles_name_may_come_from_a_variable(tmp_path: Path, name: str) -> None:
    text = project().replace("profile: shop", f'profile: "{{{{ {name} }}}}"')
    own = profile({"prod": POSTGRES}, "prod", "theirs")
    folder = write(tmp_path / "project", LOOKS | own | {"dbt_project.yml": text})
    assert set(bake(folder, tmp_path / "baked").nodes) == {"model.shop.orders", "model.shop.b"}
    (folder / "profiles.yml").unlink()
    assert set(bake(folder, tmp_path / "without").nodes) == {"model.shop.orders", "model.shop.b"}


def test_a_plan_has_the_nodes_of_each_target(tmp_path: Path) -> None:
    plan = bake(write(tmp_path / "project", LOOKS), tmp_path / "baked", targets=["prod", "ci", "dev"])
    assert (plan.targets, [other.targets for other in plan.others]) == (("prod", "dev"), [("ci",)])
    assert set(plan.nodes) == {"model.shop.orders", "model.shop.b"}
    assert set(plan.on("ci").nodes) == {"model.shop.b"}
    assert Plan.parse_json((tmp_path / "baked/plan.json").read_bytes(), source="plan") == plan


def test_targets_that_make_no_difference_share_one_parse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"models/orders.sql": "select '{{ target.type }}' as type, '{{ target.schema }}' as s"}
    plan = bake(write(tmp_path / "project", files), tmp_path / "baked", targets=["prod", "ci"])
    assert baked_targets(tmp_path / "baked") == []
    assert baked_file(tmp_path / "baked", "any") == tmp_path / "baked/partial_parse.msgpack"
    assert not plan.others
    assert "podbt:" not in capsys.readouterr().out


FLAGS = ["write_json: false", "partial_parse: false", "warn_error: true", "quiet: true", "log_format: json",
         "indirect_selection: cautious", "cache_selected_only: true", "static_parser: false", "fail_fast: true",
         "use_colors: true, printer_width: 40", "version_check: false"]  # fmt: skip


@pytest.mark.parametrize("flag", FLAGS)
def test_flags_of_the_project_do_not_keep_it_from_being_built(
    tmp_path: Path, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    selectors = "selectors: [{name: nothing, definition: 'tag:nothing'}, {name: all, definition: 'fqn:*'}]"
    files = MODEL | {"dbt_project.yml": project(f"flags: {{{flag}}}"), "selectors.yml": selectors}
    plan = bake(write(tmp_path / "project", files), tmp_path / "baked")
    assert plan.selectors["all"].nodes == ["model.shop.orders"]
    assert plan.selectors["nothing"].nodes == []
    assert {"plan.json", "manifest.json", "partial_parse.msgpack"} == {
        one.name for one in (tmp_path / "baked").iterdir()
    }
    assert ("switches partial_parse off" in capsys.readouterr().out) == (flag == "partial_parse: false")
