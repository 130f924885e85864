"""A pull request is built beside production, in schemas that are gone afterwards, and reported."""

import re
import signal
from xml.etree import ElementTree as ET

from tests.support.postgres import PASSWORD
from tests.support.pull_request import PullRequest
from tests.support.waiting import wait_for


def test_a_good_change_is_checked_built_reported_and_dropped(pull_request: PullRequest) -> None:
    pull_request.change("models/orders.sql", "select id, amount", "select id, amount, 1 as one")
    report, junit = pull_request.folder / "report.md", pull_request.folder / "junit.xml"
    done = pull_request.ci("--report", str(report), "--junit", str(junit))
    assert done.code == 0, done.output
    assert "building without rows in ci_7__empty" in done.output
    # As production will: the two rows that are there stay, and the new run adds none.
    assert 'model.shop.daily begins with the 2 rows of "warehouse"."ci_prod"."daily"' in done.output
    assert done.last_line.startswith("podbt ci: passed: 4 done, 0 failed, 0 skipped")
    text = report.read_text()
    assert text.startswith("## ✅ dbt of pull request 7: passed\n")
    assert "1 changed · 4 of 7 nodes to build and test · 4 done · 0 failed · 0 skipped" in text
    assert "| `model.shop.orders` | its SQL |" in text
    assert re.search(r"\| `model\.shop\.sales` \| success \| [\d.]+ \| [\d.]+ \| 1 \|", text)
    assert "where the state was built, all 7 nodes" in text
    cases = {case.get("name") for case in ET.parse(junit).iter("testcase")}
    assert {"shop.orders", "shop.sales", "shop.daily"} < cases
    assert pull_request.schemas() == []
    assert PASSWORD not in text + junit.read_text() + done.output


def test_nothing_changed_builds_nothing_and_passes(pull_request: PullRequest) -> None:
    junit = pull_request.folder / "junit.xml"
    done = pull_request.ci("--junit", str(junit))
    assert (done.code, done.last_line) == (0, "podbt ci: nothing to build")
    (suite,) = ET.parse(junit).iter("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")


def test_what_fails_without_rows_is_not_built_with_them(pull_request: PullRequest) -> None:
    pull_request.change("models/orders.sql", "select id", "select nothing_of_the_kind, id")
    report = pull_request.folder / "report.md"
    done = pull_request.ci("--report", str(report))
    assert done.code == 1, done.output
    assert "building in ci_7\n" not in done.output
    assert 'column "nothing_of_the_kind" does not exist' in done.output
    text = report.read_text()
    assert text.startswith("## ❌ dbt of pull request 7: failed without rows\n")
    assert "    Database Error in model orders" in text
    assert "### Skipped" in text
    assert pull_request.schemas() == []


def test_a_failing_data_test_fails_the_pull_request(pull_request: PullRequest) -> None:
    pull_request.change("models/orders.sql", "select id, amount", "select 1 as id, amount")
    junit = pull_request.folder / "junit.xml"
    done = pull_request.ci("--no-check", "--junit", str(junit))
    assert done.code == 1, done.output
    (suite,) = ET.parse(junit).iter("testsuite")
    assert suite.get("failures") == "1"
    assert [case.get("classname") for case in suite.iter("testcase") if case.find("failure") is not None] == [
        "dbt.test"
    ]
    assert pull_request.schemas() == []


def test_a_cancelled_build_drops_its_schemas(pull_request: PullRequest) -> None:
    pull_request.change("models/orders.sql", "select id, amount", "select id, amount, pg_sleep(600)::text as slept")
    running = pull_request.start("ci", "--pr", "7", "--target", "review", "--state", "prod", "--no-check")
    wait_for(lambda: pull_request.postgres.asleep() > 0, seconds=200)
    assert pull_request.schemas() == ["ci_7"]
    running.send_signal(signal.SIGTERM)
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 4, output
    assert "podbt ci: cancelled" in output
    assert pull_request.schemas() == []
    assert pull_request.postgres.asleep() == 0


def test_what_a_killed_run_left_is_found_and_nobody_elses(pull_request: PullRequest) -> None:
    pull_request.change("models/orders.sql", "select id, amount", "select id, amount, 1 as one")
    kept = pull_request.ci("--no-check", "--keep")
    assert kept.code == 0, kept.output
    pull_request.postgres.query("create schema ci_7_mine")
    try:
        assert pull_request.schemas() == ["ci_7", "ci_7_mine"]
        young = pull_request.run("ci", "--reap", "--target", "review")
        assert (young.code, young.last_line) == (0, "podbt ci: nothing to drop")
        old = pull_request.run("ci", "--reap", "--target", "review", "--older-than-hours", "0")
        assert (old.code, old.last_line) == (0, "podbt ci: dropped ci_7")
        assert pull_request.schemas() == ["ci_7_mine"]
    finally:
        pull_request.postgres.query("drop schema ci_7_mine")


def test_a_project_that_writes_elsewhere_is_refused_before_it_does(pull_request: PullRequest) -> None:
    (pull_request.project / "macros/schemas.sql").write_text(
        "{% macro generate_schema_name(custom, node) %}ci_prod{% endmacro %}"
    )
    pull_request.change("models/labels.sql", "upper(label)", "lower(label)")
    refused = pull_request.ci("--no-check")
    assert refused.code == 2, refused.output
    assert "model.shop.labels would be written to schema 'ci_prod', which is not one of this pull request's" in (
        refused.output
    )
    assert pull_request.schemas() == []


def test_a_schema_of_somebody_else_is_not_touched(pull_request: PullRequest) -> None:
    pull_request.change("models/labels.sql", "upper(label)", "lower(label)")
    pull_request.postgres.query("create schema ci_7")
    try:
        refused = pull_request.ci("--no-check")
        assert refused.code == 2
        assert "Schema ci_7 exists and podbt ci did not make it" in refused.last_line
        assert pull_request.run("ci", "--pr", "7", "--target", "review", "--drop").last_line.endswith("as ci_7's")
        assert pull_request.schemas() == ["ci_7"]
    finally:
        pull_request.postgres.query("drop schema ci_7")


def test_two_runs_of_one_pull_request_do_not_share_its_schemas(pull_request: PullRequest) -> None:
    pull_request.change("models/orders.sql", "select id, amount", "select id, amount, pg_sleep(600)::text as slept")
    first = pull_request.start("ci", "--pr", "7", "--target", "review", "--state", "prod", "--no-check")
    wait_for(lambda: pull_request.schemas() == ["ci_7"], seconds=200)
    second = pull_request.ci("--no-check", "--wait-seconds", "0")
    assert (second.code, second.last_line.partition(". ")[0]) == (
        2, "podbt: Another run of podbt ci uses schema ci_7",
    )  # fmt: skip
    first.terminate()
    output, _ = first.communicate(timeout=120)
    assert first.returncode == 4, output


def test_the_state_may_come_out_of_the_promoted_image(pull_request: PullRequest) -> None:
    folder = pull_request.folder / "state"
    exported = pull_request.run("state", "--target", "prod", "--output", str(folder))
    assert exported.code == 0, exported.output
    pull_request.change("dbt_project.yml", "minimum: 1", "minimum: 6")
    done = pull_request.ci("--dry-run", "--state", f"{folder}/")
    assert done.code == 0, done.output
    assert "changed: model.shop.orders (reads variable minimum)" in done.output


def test_what_is_gone_and_what_only_looks_changed_is_said(pull_request: PullRequest) -> None:
    (pull_request.project / "models/sales.sql").unlink()
    pull_request.change("macros/cents.sql", "{% macro", "{# as the bank counts #}{% macro")
    pull_request.change("models/labels.sql", "select code", "select\n  code")
    done = pull_request.ci("--dry-run")
    assert done.code == 0, done.output
    assert 'model.shop.sales is gone. dbt drops nothing: "warehouse"."ci_prod"."sales" stays' in done.output
    assert "model.shop.labels: only comments or white space changed" in done.output


def test_without_a_state_everything_is_built_if_that_is_asked_for(pull_request: PullRequest) -> None:
    missing = pull_request.ci("--state", "nowhere")
    assert missing.code == 2
    assert "State 'nowhere' does not exist yet" in missing.output
    assert pull_request.listed("--state", "nowhere", "--on-missing-state", "full") > {"orders", "codes", "daily"}


def test_arguments_that_would_select_or_point_elsewhere_are_refused(pull_request: PullRequest) -> None:
    refused = pull_request.ci("--", "--select", "orders")
    assert (refused.code, "'--select' is not passed on" in refused.last_line) == (2, True)
    refused = pull_request.run("ci", "--pr", "7; drop", "--state", "prod")
    assert (refused.code, "Give 1 to 20 small letters and digits" in refused.last_line) == (2, True)
