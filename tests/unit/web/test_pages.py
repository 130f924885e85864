import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.pages import AT, Pages, manifest, pages, publish, ran, skipped

from podbt.contract.journal import Alive
from podbt.contract.record import RunIdentity, RunStart
from podbt.store.run_folder import RunFolder
from podbt.store.volume import Volume

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def made(tmp_path: Path) -> Pages:
    (tmp_path / "store").mkdir()
    return pages(Volume(tmp_path / "store"), tmp_path / "index")


def put_manifest(made: Pages, *lines: str, **more: dict[str, Any]) -> str:
    made.store.write("manifests/m.json", json.dumps(manifest(*lines, **more)).encode())
    return "manifests/m.json"


def failing(made: Pages, **options: Any) -> str:
    path = publish(
        made.store,
        ran("model.a", 0, 2, status="error", message="Database Error: division by zero", compiled="compiled/a.sql"),
        skipped("model.b"),
        manifest=put_manifest(made, "model.a", "model.b < model.a", a={"config": {"meta": {"owner": "Ann"}}}),
        files={"compiled/a.sql": b"select 1 / 0"},
        **options,
    )
    made.scan()
    return path


ADDRESSES = [
    "runs",
    "run?path=runs/nightly/r1/build/try-1",
    "task?dag_id=nightly&run_id=r1&task_id=build",
    "model?id=model.p.a",
    "models",
    "sources",
    "docs",
    "sql?path=runs/nightly/r1/build/try-1&id=model.p.a",
    "site?path=runs/nightly/r1/build/try-1",
    "static/page.css",
    "",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_asks_for_a_login_and_comes_back_after_it(made: Pages, address: str) -> None:
    failing(made)
    answer = made.get(f"/{address}", login=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next=/{address}")
    assert made.client.get(f"/{address}", headers={"accept": "*/*"}).status_code == 401


@pytest.mark.parametrize("address", ["/openapi.json", "/redoc", "/docs/oauth2-redirect"])
def test_no_description_of_the_addresses_is_served(made: Pages, address: str) -> None:
    assert made.get(address).status_code == 404


def test_the_page_of_a_failed_run_says_what_failed_why_and_whose_it_is(made: Pages) -> None:
    text = made.get(f"/run?path={failing(made)}").text
    assert "Database Error: division by zero" in text
    assert "Owner: <strong>Ann</strong>" in text
    assert "a did not end well" in text
    assert "1 nodes were skipped because of it" in text
    assert 'href="../dags/nightly/runs/r1/tasks/build?try_number=1"' in text


def test_compiled_sql_is_text(made: Pages) -> None:
    answer = made.get(f"/sql?path={failing(made)}&id=model.p.a")
    assert (answer.text, answer.headers["content-type"]) == ("select 1 / 0", "text/plain; charset=utf-8")
    assert made.get(f"/sql?path={failing(made, run='r2')}&id=model.p.b").status_code == 404


@pytest.mark.parametrize("address", [one for one in ADDRESSES if one.startswith(("run?", "model?", "sql", "site"))])
def test_who_may_not_read_a_dag_gets_the_answer_of_what_is_not_there(made: Pages, address: str) -> None:
    failing(made)
    there = made.get(f"/{address}", dags=["other"])
    missing = made.get(f"/{address}".replace("r1", "r9").replace("p.a", "p.z"), dags=["other"])
    assert (there.status_code, missing.status_code) == (404, 404)
    assert re.sub(r"<time.*?</time>", "", there.text) == re.sub(r"<time.*?</time>", "", missing.text)


def test_nothing_of_a_dag_is_on_the_pages_of_who_may_not_read_it(made: Pages) -> None:
    failing(made, dag="payroll", run="secret_run", task="wages")
    publish(made.store, ran("model.c", 0, 1), dag="nightly", run="r1")
    (made.store.inner.root / "runs/payroll/x/wages/try-1").mkdir(parents=True)
    (made.store.inner.root / "runs/payroll/x/wages/try-1/run.json").write_text("{")
    made.scan()
    assert "payroll" in made.get("/runs").text
    for address in ("/runs", "/models", "/sources", "/docs", "/runs?dag_id=payroll", "/runs?status=failed"):
        text = made.get(address, dags=["nightly"]).text
        shown = (
            text.replace('<option value="payroll"', "").replace("<h1>payroll</h1>", "").replace("<title>payroll", "")
        )
        for word in ("payroll", "secret_run", "wages", "division", "model.p.a"):
            assert word not in shown.replace("dag_id=payroll", ""), (address, word)


def test_what_comes_from_the_store_is_never_html(made: Pages) -> None:
    path = publish(
        made.store,
        ran("model.a", 0, 2, status="error", message=EVIL, path=EVIL, relation=EVIL),
        ran("test.t", 2, 3, status="fail", message=EVIL, relation=EVIL, failures=3),
        run="r1",
        error=EVIL,
        notes=[EVIL],
        revision=EVIL,
        manifest=put_manifest(
            made,
            "model.a",
            "test.t < model.a",
            a={
                "description": EVIL,
                "raw_code": EVIL,
                "compiled_code": EVIL,
                "tags": [EVIL],
                "relation_name": EVIL,
                "config": {"meta": {"owner": EVIL}, "materialized": EVIL},
                "columns": {"c": {"name": EVIL, "data_type": EVIL, "description": EVIL}},
            },
        ),
    )
    (made.store.inner.root / "runs/nightly" / "r2" / "build" / "try-1").mkdir(parents=True)
    (made.store.inner.root / "runs/nightly/r2/build/try-1/run.json").write_text(json.dumps({EVIL: EVIL}))
    made.scan()
    for address in (
        "/runs",
        f"/run?path={path}",
        "/model?id=model.p.a",
        "/models",
        f"/runs?dag_id={EVIL}",
        f"/models?q={EVIL}",
    ):
        text = made.get(address).text
        assert "<script>alert" not in text, address
        assert "<img" not in text, address
        assert "onerror=alert(2)>" not in text, address
    assert "&lt;script&gt;alert(1)" in made.get(f"/run?path={path}").text


@pytest.mark.parametrize(
    "path",
    [
        "../etc/passwd",
        "runs/../../etc/x/try-1",
        "runs/a/../b/try-1",
        "/etc/passwd",
        "runs/a/b/c/try-1/../..",
        "",
        "x" * 5000,
    ],
)
def test_an_address_leads_nowhere_but_to_runs(made: Pages, path: str) -> None:
    for page in ("run", "sql", "site"):
        answer = made.get(f"/{page}?path={path}&id=x")
        assert answer.status_code == 400
        assert "passwd" not in answer.text


@pytest.mark.parametrize("compiled", ["../../../../secret.txt", "/etc/passwd", "compiled/../../x", "run.json"])
def test_a_record_cannot_name_a_file_outside_its_compiled_sql(made: Pages, compiled: str) -> None:
    (made.store.inner.root / "secret.txt").write_text("secret")
    path = publish(made.store, ran("model.a", 0, 1, status="error", compiled="compiled/mine.sql"))
    nodes = made.store.inner.root / path / "nodes.jsonl"
    assert "compiled/mine.sql" in nodes.read_text()
    nodes.write_text(nodes.read_text().replace("compiled/mine.sql", compiled))
    made.scan()
    assert made.get(f"/sql?path={path}&id=model.p.a").status_code == 404


def test_a_link_in_the_store_leads_nowhere(made: Pages, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    path = failing(made)
    file = made.store.inner.root / path / "compiled/a.sql"
    file.unlink()
    file.symlink_to(tmp_path / "secret.txt")
    (made.store.inner.root / "manifests/m.json").unlink()
    (made.store.inner.root / "manifests/m.json").symlink_to(tmp_path / "secret.txt")
    assert made.get(f"/sql?path={path}&id=model.p.a").status_code == 404
    assert made.get(f"/run?path={path}").status_code == 200


def test_every_answer_forbids_what_a_page_does_not_need(made: Pages) -> None:
    path = failing(made)
    for address in ("/runs", f"/run?path={path}", f"/sql?path={path}&id=model.p.a", "/static/page.js", "/run?path=x"):
        headers = made.get(address).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["frame-ancestors"] == "'self'"
        assert headers["x-content-type-options"] == "nosniff"
    for address in ("/runs", f"/run?path={path}"):
        text = made.get(address).text
        assert not re.search(r"\sstyle=|\son\w+=|<script>|https?://(?!registry)", text)


def test_every_link_is_relative(made: Pages) -> None:
    path = failing(made)
    for address in ("/runs", f"/run?path={path}", "/model?id=model.p.a", "/models", "/sources", "/docs", "/run?path=x"):
        for link in re.findall(r'(?:href|src|action)="([^"]*)"', made.get(address).text):
            assert not link.startswith(("/", "http", "//")), (address, link)


def test_the_site_of_dbt_has_an_origin_of_its_own_and_no_network(made: Pages) -> None:
    path = publish(made.store, files={"static_index.html": b"<script>1</script>"})
    made.scan()
    answer = made.get(f"/site?path={path}")
    assert answer.content == b"<script>1</script>"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "connect-src" not in policy
    assert "allow-same-origin" not in policy
    assert "Open alone" in made.get("/docs").text


def test_secrets_that_airflow_knows_are_masked(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    made = pages(Volume(tmp_path / "store"), tmp_path, mask=lambda text: text.replace("hunter2", "***"))
    path = publish(
        made.store,
        ran("model.a", 0, 1, status="error", message="login with hunter2", compiled="compiled/a.sql"),
        files={"compiled/a.sql": b"-- hunter2"},
    )
    made.scan()
    assert "hunter2" not in made.get(f"/run?path={path}").text + made.get("/runs").text
    assert made.get(f"/sql?path={path}&id=model.p.a").text == "-- ***"


def test_a_task_leads_to_its_last_try_and_waits_where_there_is_none(made: Pages) -> None:
    failing(made)
    last = publish(made.store, ran("model.a", 0, 1), number=2)
    made.scan()
    answer = made.get("/task?dag_id=nightly&run_id=r1&task_id=build&map_index={MAP_INDEX}")
    assert answer.headers["location"] == f"run?path={last.replace('/', '%2F')}"
    other = made.get("/task?dag_id=nightly&run_id=r1&task_id=models.a")
    assert other.headers["location"] == "runs?dag_id=nightly&run_id=r1"
    assert "No record yet" in made.get("/task?dag_id=nightly&run_id=r2&task_id=build").text


def test_a_run_that_lasts_has_a_page_that_follows_it(made: Pages) -> None:
    who = RunIdentity(dag_id="nightly", run_id="r1", task_id="build")
    folder = RunFolder.reserve(made.store, who, patience_seconds=1)
    start = RunStart(
        identity=who, command=["build"], target="prod", started_at=datetime.now(UTC), podbt_version="0", dbt_version="1"
    )
    told = Alive(start=start, beat=1, at=datetime.now(UTC))
    folder.write("alive.json", told.model_dump_json(exclude_none=True).encode())
    made.scan()
    text = made.get(f"/run?path={folder.path}").text
    assert 'data-live="3"' in text
    assert "dbt has not begun with its first node" in text
    assert f"run?path={folder.path.replace('/', '%2F')}" in made.get("/runs").text


def test_an_outage_of_the_store_is_told_and_breaks_no_page(made: Pages) -> None:
    path = failing(made)
    made.database.note("error", "Artifacts could not be read at 's3://x': the server cannot be reached.")
    made.store.read = lambda _: (_ for _ in ()).throw(OSError(5, "I/O"))
    for address in ("/runs", f"/run?path={path}", "/models", "/model?id=model.p.a"):
        answer = made.get(address)
        assert answer.status_code == 200
        assert "the server cannot be reached" in answer.text


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/runs", "No runs yet"),
        ("/models", "No project yet"),
        ("/sources", "Nobody has looked yet"),
        ("/docs", "No docs yet"),
    ],
)
def test_an_empty_page_says_what_fills_it(made: Pages, address: str, says: str) -> None:
    made.scan()
    assert says in made.get(address).text


def test_the_first_page_says_that_the_store_is_being_read(made: Pages) -> None:
    assert "Reading the store" in made.get("/runs").text


@pytest.mark.parametrize("address", ["/runs?page=0", "/runs?page=x", "/model", f"/model?id={'x' * 2000}"])
def test_a_wrong_address_is_told_in_one_line(made: Pages, address: str) -> None:
    answer = made.get(address)
    assert answer.status_code == 400
    assert "Wrong address" in answer.text


def test_retries_are_joined_with_what_they_took_over(made: Pages) -> None:
    first = failing(made)
    again = publish(made.store, ran("model.a", 100, 101), ran("model.b", 0, 2, from_try=1), number=2, at=AT)
    made.scan()
    text = made.get(f"/run?path={again}").text
    assert "Try 1, taken over by this one" in text
    assert "from try 1" in text
    assert f'href="run?path={first.replace("/", "%2F")}"' in text
