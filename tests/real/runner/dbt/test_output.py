"""What a command is run for: it is printed, as dbt prints it, and its files are in the run's folder. No secret is."""

import json

import pytest
from tests.support.postgres import PASSWORD, Server
from tests.support.runner import Runner
from tests.support.tiny import write_project

pytestmark = pytest.mark.postgres

SECRET = "{{ env_var('WAREHOUSE_PASSWORD') }}"
FILES = {
    "models/answer.sql": f"select 41 + 1 as answer, '{SECRET}' as leak",
    "models/inner.sql": "{{ config(materialized='ephemeral') }} select 7 as seven",
    "models/outer_one.sql": "select * from {{ ref('inner') }}",
    "models/answer.yml": f"models: [{{name: answer, description: see {PASSWORD}, columns: [{{name: answer}}]}}]\n",
    "macros/all.sql": "{% macro tells() %}{% do log('a line', true) %}{% do print('a printed line') %}{% endmacro %}",
    "seeds/codes.csv": "code\na\n",
    "assets/logo.txt": "a logo",
}


@pytest.fixture
def tiny(runner: Runner, postgres: Server) -> Runner:
    del runner.env["PODBT_BAKED"]
    write_project(runner.folder / "project", FILES, more='asset-paths: ["assets"]\n')
    postgres.query("drop schema if exists tiny cascade")
    runner.env |= {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r"}
    return runner


def step(tiny: Runner, task: str, *arguments: str, code: int = 0) -> str:
    ended = tiny.run_with({"PODBT_TASK_ID": task}, *arguments)
    assert ended.code == code, ended.output
    assert PASSWORD not in ended.output
    return ended.output


def test_a_step_prints_what_dbt_prints(tiny: Runner) -> None:
    output = step(tiny, "compile", "compile", "--select", "answer")
    assert "Compiled node 'answer' is:\nselect 41 + 1 as answer, '*****' as leak\n" in output
    folder = tiny.artifacts / "runs/d/r/compile/try-1"
    (node,) = map(json.loads, (folder / "nodes.jsonl").read_text().splitlines())
    assert (folder / node["compiled"]).read_text() == "select 41 + 1 as answer, '*****' as leak"
    step(tiny, "all", "compile")
    compiled = {path.name for path in (tiny.artifacts / "runs/d/r/all/try-1/compiled").iterdir()}
    assert compiled == {"model.tiny.answer.sql", "model.tiny.outer_one.sql"}
    rows = step(tiny, "inline", "show", "--inline", "select 41 + 1 as answer")
    assert "| answer |\n| ------ |\n|     42 |\n" in rows
    assert '"answer": 42' in step(tiny, "json", "show", "--select", "answer", "--output", "json")
    listed = step(tiny, "ls", "ls", "--resource-type", "model").splitlines()
    assert {"tiny.answer", "tiny.outer_one", "tiny.inner"} <= set(listed)
    told = step(tiny, "op", "run-operation", "tells")
    assert "a line\na printed line\n" in told
    assert "podbt: success: 1 nodes" in told
    assert "All checks passed!" in step(tiny, "debug", "debug")
    assert "podbt: success" in step(tiny, "parse", "parse")


def test_a_failed_check_is_the_reason(tiny: Runner) -> None:
    tiny.env["WAREHOUSE_USER"] = "nobody"
    output = step(tiny, "debug", "debug", code=1)
    assert "Connection test: [ERROR]" in output
    last = output.strip().splitlines()[-1]
    assert 'password authentication failed for user "nobody"' in last


def test_the_site_is_published_and_works_as_it_lies_there(tiny: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.folder / "project")  # as in an image: dbt 1.9 looks for the assets there
    step(tiny, "build", "build")
    step(tiny, "docs", "docs", "generate", "--static")
    folder = tiny.artifacts / "runs/d/r/docs/try-1"
    catalog = json.loads((folder / "catalog.json").read_text())
    assert set(catalog["nodes"]) >= {"model.tiny.answer", "model.tiny.outer_one", "seed.tiny.codes"}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert "*****" in manifest["nodes"]["model.tiny.answer"]["description"]
    page = (folder / "index.html").read_text()
    assert "MANIFEST.JSON INLINE DATA" in page
    static = (folder / "static_index.html").read_text()
    assert "MANIFEST.JSON INLINE DATA" not in static
    assert "model.tiny.answer" in static
    assert (folder / "assets/logo.txt").read_text() == "a logo"
    for file in folder.rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes(), file
    record = json.loads((folder / "run.json").read_text())
    assert (tiny.artifacts / record["manifest"]).is_file()
