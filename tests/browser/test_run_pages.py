"""The run pages as people see them: in Chromium, inside a real Airflow, with FAB's logins and rights."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from tests.support.fab_server import AirflowServer
from tests.support.pages import publish, ran

from podbt.contract.journal import Alive
from podbt.contract.record import NodeRecord, RunIdentity, RunStart
from podbt.store.run_folder import RunFolder
from podbt.store.volume import Volume

pytestmark = pytest.mark.browser


def test_who_is_not_logged_in_logs_in_and_comes_back_to_the_page(visits: Any) -> None:
    page = visits.page(None)
    page.goto("/podbt/runs?status=failed")
    assert "/auth/login" in page.url
    visits.log_in(page, "admin")
    page.wait_for_url("**/podbt/runs?status=failed")
    expect(page.locator("h1")).to_have_text("Runs")


def test_each_sees_the_runs_of_the_dags_that_they_may_read(visits: Any) -> None:
    def dags(page: Any) -> set[str]:
        return {text.split(" ")[0] for text in page.locator("#ended ~ div tbody th a").all_inner_texts()}

    everything, one = visits.page("admin"), visits.page("ann")
    everything.goto("/podbt/runs")
    assert dags(everything) == {"shop_0", "shop_1", "shop_2", "shop_3"}
    one.goto("/podbt/runs")
    assert dags(one) == {"shop_0"}
    assert one.locator("select[name=dag_id] option").all_inner_texts() == ["All", "shop_0"]
    expect(one.locator(".tiles dd").first).to_have_text("250")
    other = quote(visits.a_run("shop_1"))
    for address in (f"run?path={other}", f"site?path={other}", f"sql?path={other}&id=x"):
        assert one.goto(f"/podbt/{address}").status == 404
    one.goto("/podbt/model?id=model.shop.stg_000")
    assert set(one.locator("#history ~ div .sub-inline").all_inner_texts()) == {"shop_0"}


def test_a_viewer_finds_the_pages_in_airflow_and_goes_from_a_run_to_its_task(visits: Any) -> None:
    page = visits.page("viewer", viewport={"width": 1280, "height": 900})
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Refused" in message.text else None)
    page.goto("/")
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="dbt runs").click()
    frame = page.frame_locator("iframe[title='dbt runs']")
    frame.locator("#ended ~ div tbody th a").first.click()
    expect(frame.locator("h2#nodes")).to_be_visible()
    frame.get_by_text("Task and log").click()
    page.wait_for_url(re.compile(r"/dags/shop_\d/runs/scheduled__.*/tasks/build\?try_number=1"))
    assert refused == []


def test_the_pages_take_airflows_colours(visits: Any) -> None:
    page = visits.page("admin", color_scheme="light")
    page.goto("/plugin/podbt")
    frame = page.frame_locator("iframe")
    frame.locator("h1").wait_for()
    page.evaluate("document.documentElement.classList.remove('light'); document.documentElement.classList.add('dark')")
    expect(frame.locator(":root")).to_have_attribute("data-theme", "dark")


def test_a_failed_run_shows_the_message_and_the_sql(visits: Any) -> None:
    page = visits.page("admin")
    page.goto(f"/podbt/run?path={quote(visits.a_run('shop_1', status='failed'))}")
    failure = page.locator(".failure").first
    expect(failure).to_contain_text("Sales team")
    failure.locator("summary").click()
    expect(failure.locator("pre.sql")).to_contain_text("amount / 0")


def test_a_run_is_followed_while_it_lasts(visits: Any, server: AirflowServer) -> None:
    store, now = Volume(server.store), datetime.now(UTC)
    who = RunIdentity(dag_id="shop_0", run_id="now", task_id="build")
    folder = RunFolder.reserve(store, who, patience_seconds=1)
    start = RunStart(identity=who, command=["build"], target="prod", started_at=now, podbt_version="0", dbt_version="1")

    def tell(*nodes: NodeRecord) -> None:
        alive = Alive(start=start, beat=1, at=datetime.now(UTC))
        folder.write("alive.json", alive.model_dump_json(exclude_none=True).encode())
        lines = "".join(node.model_dump_json(exclude_none=True) + "\n" for node in nodes)
        store.write(f"{folder.partial}/nodes.jsonl", lines.encode())

    tell(ran("model.first", 0, 0, at=now, status="started").model_copy(update={"finished_at": None}))
    page = visits.page("ann")
    page.goto("/podbt/runs?dag_id=shop_0")
    page.locator(".card a").click()
    expect(page.locator("h1 .chip")).to_have_text("running")
    expect(page.locator("tr[data-node='model.p.first'] .chip")).to_have_text("started")
    page.evaluate("window.stayed = true")
    tell(ran("model.first", 0, 1, at=now), ran("model.second", 1, 2, at=now, status="error", message="boom"))
    expect(page.locator("tr[data-node='model.p.first'] .chip")).to_have_text("success")
    expect(page.locator(".failure")).to_contain_text("boom")
    assert page.evaluate("window.stayed"), "the page was loaded anew"
    (server.store / folder.partial).rename(server.store / "gone")
    began = now - timedelta(minutes=1)
    publish(store, ran("model.first", 0, 1, at=began), dag="shop_0", run="now", at=began)
    expect(page.locator("h1 .chip")).to_have_text("success")


PAGES = {
    "list": "runs",
    "failed run": "run?path={failed}",
    "run": "run?path={good}",
    "model": "model?id=model.shop.stg_000",
    "models": "models?q=stg_00",
    "sources": "sources",
    "docs": "docs",
    "nothing": "run?path=runs/a/b/c/try-1",
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("dark", 390)])
def test_axe_finds_nothing_and_nothing_sticks_out(visits: Any, name: str, scheme: str, width: int) -> None:
    page = visits.page("admin", color_scheme=scheme, viewport={"width": width, "height": 844})
    failed, good = visits.a_run("shop_1", status="failed"), visits.a_run("shop_1")
    page.goto("/podbt/" + PAGES[name].format(failed=quote(failed), good=quote(good)))
    page.wait_for_load_state("networkidle")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_keyboard_reaches_what_the_mouse_does(visits: Any) -> None:
    page = visits.page("admin")
    page.goto(f"/podbt/run?path={quote(visits.a_run('shop_2'))}")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.locator("table.sortable th button", has_text="Duration").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("table.sortable th", has_text="Duration")).to_have_attribute("aria-sort", "descending")
    values = page.locator("table.sortable tbody td:nth-child(4)").evaluate_all(
        "cells => cells.map(cell => Number(cell.dataset.value))"
    )
    assert len(values) == 500
    assert values == sorted(values, reverse=True)
    page.locator("[data-find]").fill("stg_000 success")
    expect(page.locator("[data-count]")).to_have_text("1 of 500 nodes")


def test_times_are_the_readers(visits: Any) -> None:
    shown = []
    for zone in ("UTC", "Asia/Tokyo"):
        page = visits.page("admin", timezone_id=zone, locale="en-GB")
        page.goto(f"/podbt/run?path={quote(visits.a_run('shop_2'))}")
        shown.append(page.locator(".facts time").first.inner_text())
    assert shown[0] != shown[1]


def test_the_docs_run_their_scripts_and_get_at_nothing(visits: Any) -> None:
    page = visits.page("admin")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/podbt/docs")
    expect(page.frame_locator("iframe.site").locator("#said")).to_have_text("cookies: none")
    assert not [address for address in asked if "example.invalid" in address]


def test_a_report_is_read_without_a_server(
    visits: Any, browser: Browser, server: AirflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from podbt.cli import main

    monkeypatch.setenv("PODBT_ARTIFACTS", str(server.store))
    assert main(["report", visits.a_run("shop_1", status="failed"), "-o", str(tmp_path / "report.html")]) == 0
    page = browser.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.goto(f"file://{tmp_path}/report.html")
    expect(page.locator("h2#timeline")).to_be_visible()
    assert page.locator(".facts time").first.get_attribute("title")  # its script runs
    assert problems == []
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
