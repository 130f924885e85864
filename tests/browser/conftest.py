"""Chromium, a real Airflow, and people who are logged in to it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bench.page_store import fill
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.support.fab_server import AirflowServer, airflow_server
from tests.support.pages import publish, ran

from podbt.store.volume import Volume

RUNS, NODES = 1000, 500
PATIENCE_MS = 120_000.0

_SITE = b"""<!doctype html><title>dbt docs</title><p id=said>no script</p><script>
let cookies; try { cookies = document.cookie } catch { cookies = "none" }
fetch("https://example.invalid/").catch(() => {}); document.getElementById("said").textContent = "cookies: " + cookies
</script>"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowServer]:
    """Airflow over 1,000 runs of 500 nodes, and one of `docs generate`."""
    folder = tmp_path_factory.mktemp("airflow")
    fill(folder / "store", runs=RUNS, nodes=NODES)
    site = {"static_index.html": _SITE}
    publish(Volume(folder / "store"), ran("model.a", 0, 2), dag="shop_1", run="docs", task="docs", files=site)
    with airflow_server(folder / "home", folder / "store") as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Visits:
    """Pages of people, by name; each logs in once."""

    def __init__(self, browser: Browser, server: AirflowServer) -> None:
        self._browser = browser
        self._server = server
        self._cookies: dict[str, Any] = {}

    def page(self, who: str | None, **options: Any) -> Page:
        """A page of a context of its own; nobody's where who is None."""
        context = self._browser.new_context(base_url=self._server.url, **options)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        if who is not None and who not in self._cookies:
            page.goto("/podbt/sources")
            self.log_in(page, who)
            page.wait_for_url("**/podbt/sources")
            self._cookies[who] = context.cookies()
        context.add_cookies(self._cookies.get(who or "", []))
        return page

    @staticmethod
    def log_in(page: Page, who: str) -> None:
        page.fill("input[name=username]", who)
        page.fill("input[name=password]", who)
        page.click("input[type=submit], button[type=submit]")

    def a_run(self, dag: str, *, status: str = "success") -> str:
        """The folder of the last of a DAG's runs that ended so."""
        for file in sorted((self._server.store / "runs" / dag).glob("*/build/try-1/run.json"), reverse=True):
            if json.loads(file.read_text())["status"] == status:
                return file.parent.relative_to(self._server.store).as_posix()
        raise AssertionError(f"no run of {dag} is {status}")


@pytest.fixture(scope="session")
def visits(browser: Browser, server: AirflowServer) -> Visits:
    """The pages, once the index has all runs; they answer meanwhile."""
    expect.set_options(timeout=PATIENCE_MS)
    made = Visits(browser, server)
    page = made.page("admin")
    page.goto("/podbt/runs")
    expect(page.locator(".tiles dd").first).to_have_text(f"{RUNS + 1:,}", timeout=600_000)
    return made
