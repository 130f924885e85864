"""`podbt plan`: parsed by dbt without a database, the same plan each time."""

import json
import shutil
from pathlib import Path

import pytest
from tests.support.groups import graph_of
from tests.support.releases import RELEASE
from tests.support.runner import SMALL

from podbt.contract.plan import Plan
from podbt.errors import ConfigError
from podbt.runner.dbt.bake import bake


def test_the_plan_holds_what_dbt_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAREHOUSE_PASSWORD", raising=False)
    plan = bake(SMALL, tmp_path / "baked")
    assert {path.name for path in (tmp_path / "baked").iterdir()} == {
        "plan.json",
        "manifest.json",
        "partial_parse.msgpack",
    }
    tests = {key for key, node in plan.nodes.items() if node.resource_type == "test"}
    assert set(plan.selectors["good"].nodes) == {"model.small.good", *tests}
    assert plan.selectors["nothing"].nodes == []
    assert plan.selectors["good"].description == "What never fails."
    assert plan.nodes["model.small.after"].depends_on == ["model.small.divides"]
    assert plan.nodes["seed.small.codes"].depends_on == []
    assert plan.sources["source.small.raw.events"].has_freshness
    assert not (SMALL / "target").exists()
    assert not (SMALL / "logs").exists()


def test_the_hash_covers_the_content(tmp_path: Path) -> None:
    first = bake(SMALL, tmp_path / "one")
    assert bake(SMALL, tmp_path / "two").hash == first.hash == first.computed_hash()
    read = Plan.parse_json((tmp_path / "one/plan.json").read_bytes(), source="plan.json")
    assert read.computed_hash() == first.hash
    changed = tmp_path / "project"
    shutil.copytree(SMALL, changed)
    (changed / "models/after.sql").unlink()
    assert bake(changed, tmp_path / "three").hash != first.hash


def test_a_project_without_a_template_gets_a_placeholder_profile(tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "project")
    (tmp_path / "project/profiles.yml").unlink()
    assert bake(tmp_path / "project", tmp_path / "baked").project == "small"
    assert not (tmp_path / "project/profiles.yml").exists()


def test_a_broken_project_is_dbts_message(tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "project")
    (tmp_path / "project/models/after.sql").write_text("select * from {{ ref('nobody') }}")
    with pytest.raises(ConfigError, match="nobody"):
        bake(tmp_path / "project", tmp_path / "baked")


def test_a_file_that_dbt_cannot_read_is_named(tmp_path: Path) -> None:
    """dbt itself says which byte it is, and not of which file."""
    project = shutil.copytree(SMALL, tmp_path / "project")
    (project / "models/old.sql").write_bytes("select 'né' as word".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"(?s)can't decode byte 0xe9.*\nmodels/old.sql is no UTF-8"):
        bake(project, tmp_path / "baked")


def test_a_number_that_dbt_cannot_keep_is_said(tmp_path: Path) -> None:
    project = shutil.copytree(SMALL, tmp_path / "project")
    (project / "models/after.sql").write_text("{{ config(meta={'id': 123456789012345678901}) }} select 1 as id")
    with pytest.raises(ConfigError, match=r"number of more than 64 bits .*write it as a text, in quotes"):
        bake(project, tmp_path / "baked")


def test_no_project_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Give the folder of a dbt project"):
        bake(tmp_path, tmp_path / "baked")


def test_groups_are_what_dbt_resolves_them_to(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(SMALL, project)
    addresses = "[first@example.com, second@example.com]" if RELEASE >= (1, 11) else "first@example.com"
    (project / "models/groups.yml").write_text(
        "groups:\n"
        "  - {name: finance, owner: {name: Finance, email: finance@example.com}}\n"
        f"  - {{name: mail.only, owner: {{email: {addresses}}}}}\n"
        "  - {name: two words, owner: {name: nobody}}\n"
    )
    (project / "models/after.sql").write_text("{{ config(group='mail.only') }}\nselect 1 as id")
    good = (project / "models/good.sql").read_text()
    (project / "models/good.sql").write_text("{{ config(group='finance') }}\n" + good)
    (project / "dbt_project.yml").write_text(
        (project / "dbt_project.yml").read_text() + "\nseeds: {small: {+group: finance}}\n"
    )
    plan = bake(project, tmp_path / "baked")
    tests = {key for key, node in plan.nodes.items() if node.resource_type == "test"}
    assert set(plan.groups) == {"finance", "mail.only"}  # no --select can mean the third
    assert set(plan.groups["finance"].nodes) == {"model.small.good", "seed.small.codes", *tests}
    assert plan.groups["finance"].owner == "Finance"
    assert plan.groups["mail.only"].nodes == ["model.small.after"]
    assert plan.groups["mail.only"].owner == "first@example.com"
    assert set(graph_of(plan, groups=["finance"]).members) == {"model.small.good", "seed.small.codes"}
    assert bake(SMALL, tmp_path / "none").groups == {}


def test_with_a_date_of_its_source_a_build_is_the_same_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "315532800")
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        bake(SMALL, folder)
    one, two = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders)
    assert one == two
    manifest = json.loads(one["manifest.json"])
    assert manifest["metadata"]["generated_at"] == "1980-01-01T00:00:00.000000Z"
    assert {node["created_at"] for node in manifest["nodes"].values()} == {315532800.0}


def test_a_date_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ConfigError, match="SOURCE_DATE_EPOCH is 'yesterday', which is no number of seconds"):
        bake(SMALL, tmp_path / "baked")
