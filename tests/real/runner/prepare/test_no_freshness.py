"""A nightly DAG looks at the sources first: in a project that says nothing of their age there is nothing to look at."""

import pytest
from tests.support.postgres import Server
from tests.support.runner import Runner
from tests.support.tiny import write_project

pytestmark = pytest.mark.postgres

SAID = "podbt: No source declares how old it may be, so there is nothing to look at.\n"
SOURCES = "sources:\n  - {name: raw, schema: tiny, tables: [{name: orders}]}\n"
SELECTORS = "selectors:\n  - {name: models, default: true, definition: {method: fqn, value: orders}}\n"


@pytest.fixture
def tiny(runner: Runner, postgres: Server) -> Runner:
    del runner.env["PODBT_BAKED"]
    write_project(runner.folder / "project", {"models/orders.sql": "select 1 as id", "models/raw.yml": SOURCES})
    postgres.query("drop schema if exists tiny cascade")
    runner.env |= {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r"}
    return runner


def test_the_step_succeeds_in_one_line_and_the_build_runs(tiny: Runner) -> None:
    for task, arguments in (("all", []), ("one", ["--select", "source:raw"]), ("below", ["--select", "source:raw+"])):
        ended = tiny.run_with({"PODBT_TASK_ID": task}, "source", "freshness", *arguments)
        assert ended.code == 0, ended.output
        assert SAID in ended.output
        assert "podbt: success: 0 nodes" in ended.output
    for mode in ("gate", "exclude"):
        ended = tiny.run_with({"PODBT_TASK_ID": f"build-{mode}", "PODBT_FRESHNESS": mode}, "build")
        assert ended.code == 0, ended.output
        assert "podbt: success: 1 nodes" in ended.output


def test_a_selection_that_matches_no_source_is_refused_as_ever(tiny: Runner) -> None:
    for task, criterion in (("typo", "source:rwa"), ("model", "orders")):
        ended = tiny.run_with({"PODBT_TASK_ID": task}, "source", "freshness", "--select", criterion)
        assert ended.code == 7, ended.output
        assert "The selection matches no node" in ended.last_line


def test_a_project_without_sources_or_with_a_default_selector_has_made_no_selection(tiny: Runner) -> None:
    (tiny.folder / "project/selectors.yml").write_text(SELECTORS)
    assert SAID in tiny.run_with({"PODBT_TASK_ID": "selector"}, "source", "freshness").output
    (tiny.folder / "project/models/raw.yml").unlink()
    ended = tiny.run_with({"PODBT_TASK_ID": "none"}, "source", "freshness")
    assert ended.code == 0, ended.output
    ended = tiny.run_with({"PODBT_TASK_ID": "build", "PODBT_FRESHNESS": "gate"}, "build")
    assert ended.code == 0, ended.output
