"""The baked parse: what of the connection it depends on is noticed, and only that keeps a pod from using it."""

import shutil
from pathlib import Path

import msgpack
import pytest
from tests.support.runner import SMALL

from podbt.runner.dbt.bake import bake
from podbt.runner.dbt.template import Conditions, baked_file
from podbt.runner.dbt.watch import SCHEMA, Watch, _Target, _Watched


def target() -> tuple[Watch, _Target]:
    made = _Target({"schema": SCHEMA, "name": "prod", "threads": 4})
    made.watch = Watch()
    return made.watch, made


def test_putting_the_schema_somewhere_is_no_look_at_it() -> None:
    watch, facts = target()
    schema = facts["schema"]
    assert isinstance(schema, _Watched)
    joined = "".join([schema, "x"])  # noqa: FLY002 - as Jinja does it
    text = f"{schema}_marts" + joined + str(schema.strip()) + facts.get("schema", "")
    assert text.startswith(SCHEMA)
    assert watch.depends_on() == {}


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(lambda facts: facts["schema"] == "prod", id="compared"),
        pytest.param(lambda facts: facts["schema"] != "prod", id="compared, unequal"),
        pytest.param(lambda facts: facts["schema"].startswith("prod"), id="its beginning"),
        pytest.param(lambda facts: "prod" in facts["schema"], id="its content"),
        pytest.param(lambda facts: facts["schema"].upper(), id="changed"),
        pytest.param(lambda facts: facts["schema"][:3], id="cut"),
        pytest.param(lambda facts: dict(facts.items()), id="walked through"),
    ],
)
def test_looking_into_the_schema_is_noticed(look: object) -> None:
    watch, facts = target()
    look(facts)  # type: ignore[operator]
    assert watch.depends_on()["schema"] == SCHEMA


def test_the_name_of_the_target_is_noticed() -> None:
    watch, facts = target()
    assert facts["name"] == "prod"
    assert watch.depends_on() == {"name": "prod"}


def test_a_project_that_looks_at_the_target_gets_a_parse_for_each(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(SMALL, project)
    (project / "models/after.sql").write_text("{{ config(enabled=(target.name == 'dev')) }} select 1 as x")
    bake(project, tmp_path / "baked")
    file = baked_file(tmp_path / "baked", "dev")
    assert file == tmp_path / "baked/partial_parse.dev.msgpack"
    state = msgpack.unpackb(file.read_bytes())["state_check"]["profile_hash"]
    assert state["name"] == "podbt"
    conditions = Conditions.parse_json(state["checksum"])
    assert (conditions.target, conditions.variables, conditions.env) == ({"name": "dev"}, {}, {})
    places = [["nodes", "database"], ["nodes", "relation_name"], ["nodes", "schema"]]
    assert conditions.places == [*places, ["sources", "database"], ["sources", "relation_name"]]
    assert baked_file(tmp_path / "baked", "other") is None
