"""A run whose artifact store is a bucket of a real S3 gateway."""

import json
import os
from collections.abc import Iterator

import pytest
from tests.support.postgres import PASSWORD, Server
from tests.support.runner import Runner
from tests.support.store_servers import S3_KEY, S3_SECRET, Faults, StoreServer, proxy, s3
from tests.support.tiny import write_project
from tests.support.waiting import wait_for

from podbt.store.location import Location
from podbt.store.runs import folders, list_runs, read_run
from podbt.store.store import Store

pytestmark = pytest.mark.postgres

AS_AIRFLOW = {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": "t"}


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with s3(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def bucket(runner: Runner, server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    runner.env |= AS_AIRFLOW | server.environment("team/a")
    return Location.read(env=server.environment("team/a")).open()


def test_a_good_run_is_published_and_holds_no_credential(runner: Runner, bucket: Store) -> None:
    ended = runner.run("build", "--select", "good", "--exclude", "tag:fails", "tag:warns")
    assert ended.code == 0, ended.output
    run = read_run(bucket, "latest")
    assert run.path == "runs/d/r/t/try-1"
    assert run.record.exit_reason == "success"
    assert {node.name for node in run.nodes} >= {"good"}
    names = {entry.path.removeprefix(f"{run.path}/") for entry in bucket.walk(run.path)}
    assert {"run.json", "nodes.jsonl", "run_results.json", "dbt.log"} <= names
    assert not [name for name in names if name.startswith("nodes/")]
    assert bucket.read(str(run.record.manifest))
    everything = b"".join(bucket.read(entry.path) for entry in bucket.walk())
    assert S3_SECRET.encode() not in everything
    assert S3_SECRET not in ended.output
    assert S3_KEY not in ended.output


PICTURE = b"\x89PNG\r\n\x1a\n\0\xff"


def test_the_site_of_docs_generate_works_as_it_lies_in_the_bucket(
    runner: Runner, bucket: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    del runner.env["PODBT_BAKED"]
    said = f"models: [{{name: orders, description: as {PASSWORD} says, columns: [{{name: id}}]}}]\n"
    files = {"models/orders.sql": "select 1 as id", "models/orders.yml": said, "assets/a b/logo.png": ""}
    write_project(runner.folder / "project", files, more='asset-paths: ["assets"]\n')
    (runner.folder / "project/assets/a b/logo.png").write_bytes(PICTURE)
    monkeypatch.chdir(runner.folder / "project")  # as in an image: dbt 1.9 looks for the assets there
    ended = runner.run("build", "&&", "docs", "generate", "--static")
    assert ended.code == 0, ended.output
    run = read_run(bucket, "runs/d/r/t@command-2/try-1")
    site = {entry.path.removeprefix(f"{run.path}/"): bucket.read(entry.path) for entry in bucket.walk(run.path)}
    assert "id" in json.loads(site["catalog.json"])["nodes"]["model.tiny.orders"]["columns"]
    assert "*****" in json.loads(site["manifest.json"])["nodes"]["model.tiny.orders"]["description"]
    assert b"model.tiny.orders" in site["static_index.html"]
    assert b"</html>" in site["index.html"]
    assert site["assets/a b/logo.png"] == PICTURE
    assert json.loads(bucket.read(str(run.record.manifest)))["nodes"].keys() == {"model.tiny.orders"}
    assert PASSWORD.encode() not in b"".join(site.values())


def test_a_killed_run_leaves_its_lines_and_no_run(runner: Runner, bucket: Store, postgres: Server) -> None:
    process = runner.start("run", "--select", "good", "slow")
    wait_for(lambda: any(b'"success"' in bucket.read_lines(folder.path) for folder in folders(bucket)))
    os.kill(process.pid, 9)
    process.communicate(timeout=30)
    assert list_runs(bucket) == []
    (folder,) = folders(bucket)
    assert b'"success"' in bucket.read_lines(folder.path)
    postgres.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'dbt'", superuser=True)


def test_a_store_that_goes_away_fails_the_run_and_tells_what_dbt_did(
    runner: Runner, server: StoreServer, bucket: Store
) -> None:
    # The reservation and the first sign of life pass, and then nothing that writes.
    writes = [0]

    def fault(_number: int, method: str) -> int | None:
        writes[0] += method == "PUT"
        return 503 if method == "PUT" and writes[0] > 2 else None

    with proxy(server, Faults(fault=fault)) as broken:
        runner.env |= {"PODBT_ARTIFACTS_ENDPOINT_URL": broken.endpoint, "PODBT_GRACE_SECONDS": "4"}
        ended = runner.run("run", "--select", "good")
    assert ended.code == 5, ended.output
    assert "dbt itself ended with success" in ended.last_line
    assert "the server cannot be reached or does not answer well" in ended.last_line
    assert list_runs(bucket) == []
    (kept,) = (runner.folder / "scratch").rglob("publish-*/run.json")
    assert '"success"' in kept.read_text()
    assert (kept.parent / "nodes.jsonl").read_text().count("model.small.good") >= 1
