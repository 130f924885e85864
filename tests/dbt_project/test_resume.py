"""A build that fails, is stopped and is killed on its way leaves what one that ran through leaves."""

import datetime as dt
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.dental import AS_OF, PROJECT, empty, load
from tests.support.forks import Forks, Process
from tests.support.postgres import Server
from tests.support.runner import Runner, bake, ended

pytestmark = [pytest.mark.postgres, pytest.mark.long]

BUILD = ("build", "--target", "prod")
DONE = {"success", "pass", "warn", "no-op"}
SESSIONS = "select count(*) from pg_stat_activity where usename = 'dbt' and datname = 'warehouse'"
# A table or view that dbt builds again is another one under the same name.
RELATIONS = """
    select format('"%s"."%s"."%s"', current_database(), n.nspname, c.relname), c.oid::bigint
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname like 'analytics%' and c.relkind in ('r', 'v')
"""


@dataclass
class Task:
    """The tries of one task instance."""

    runner: Runner
    server: Server
    tries: int = 0
    done: set[str] = field(default_factory=set)
    built: dict[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.runner.artifacts / f"runs/d/r/build/try-{self.tries}"

    @property
    def record(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "run.json").read_text()))

    def start(self) -> Process:
        self.tries += 1
        identity = {"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": "build"}
        return self.runner.start_with(identity | {"PODBT_TRY_NUMBER": str(self.tries)}, *BUILD)

    def run(self) -> tuple[int, str]:
        process = self.start()
        ran = ended(process, seconds=600)
        return ran.code, ran.output

    def kill(self, number: int, *, after: int) -> tuple[int, str]:
        """Runs until so many nodes of this try are done, and sends a signal."""
        process = self.start()
        try:
            wait_for(lambda: len(self.ran_well()) >= after)
        finally:
            os.kill(process.pid, number)
        ran = ended(process, seconds=120)
        wait_for(lambda: self.server.query(SESSIONS, superuser=True) == [(0,)])
        return ran.code, ran.output

    def nodes(self) -> dict[str, dict[str, Any]]:
        """The last word on each node, of a try that is published or of one that is not."""
        partial = self.folder.with_name(f"{self.folder.name}.partial")
        for folder in (self.folder, partial):
            if (folder / "nodes.jsonl").exists():
                whole = (folder / "nodes.jsonl").read_text().rpartition("\n")[0].splitlines()
                return {node["unique_id"]: node for node in map(json.loads, whole)}
        return {}

    def statuses(self) -> dict[str, str]:
        return {key: node["status"] for key, node in self.nodes().items()}

    def ran_well(self) -> set[str]:
        """What this very try brought to a good end."""
        return {key for key, node in self.nodes().items() if node["status"] in DONE and node.get("from_try") is None}

    def check_that_nothing_ran_twice(self) -> None:
        """By the record of the last try, and by what lies in the database."""
        assert not self.ran_well() & self.done
        found = dict(self.server.query(RELATIONS))
        assert self.built.items() <= found.items()
        self.done |= self.ran_well()
        relations = {node.get("relation") for key, node in self.nodes().items() if key in self.done}
        self.built = {name: oid for name, oid in found.items() if name in relations}

    def presume_dead(self) -> None:
        """As if the kill had been an hour ago: nobody waits for a sign of life."""
        alive = self.folder.with_name(f"{self.folder.name}.partial") / "alive.json"
        then = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        alive.write_text(json.dumps({**json.loads(alive.read_text()), "at": then.isoformat()}))


def tables(server: Server) -> dict[str, tuple[int, str]]:
    """Rows and a hash of them for all that the build made, views as they read."""
    found = {}
    for (name,) in server.query(
        "select format('%I.%I', table_schema, table_name) from information_schema.tables"
        " where table_schema like 'analytics%'"
    ):
        rows = f"select count(*), md5(coalesce(string_agg(t::text, E'\\n' order by t::text), '')) from {name} t"
        found[name] = server.query(rows)[0]
    return found


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def image(postgres: Server, forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project and what `podbt plan` makes of it, as an image has them; its days are counted to a fixed one."""
    folder = tmp_path_factory.mktemp("image")
    project = shutil.copytree(PROJECT, folder / "project") / "dbt_project.yml"
    text = project.read_text()
    assert 'as_of_date: ""' in text
    project.write_text(text.replace('as_of_date: ""', f'as_of_date: "{AS_OF.isoformat()}"'))
    bake(project.parent, postgres, folder / "baked", forks)
    return folder


def task(folder: Path, server: Server, forks: Forks, image: Path) -> Task:
    shutil.copytree(image / "project", folder / "project")
    connection = {"HOST": "127.0.0.1", "DATABASE": "warehouse", "USER": "dbt", "SSLMODE": "disable", "THREADS": "4"}
    env = {f"WAREHOUSE_{name}": value for name, value in connection.items()}
    runner = Runner(
        folder, server.port, forks, {**env, "PODBT_BAKED": str(image / "baked"), "PODBT_GRACE_SECONDS": "60"}
    )
    runner.artifacts.mkdir()
    return Task(runner, server)


def test_failed_stopped_and_killed_tries_end_as_one_that_ran_through(
    postgres: Server, forks: Forks, image: Path, tmp_path: Path
) -> None:
    empty(postgres)
    load(postgres, "--patients", "60", "--as-of", AS_OF.isoformat())
    postgres.query("alter database warehouse rename to loaded", superuser=True)

    empty(postgres, template="loaded")
    through = task(tmp_path / "through", postgres, forks, image)
    code, output = through.run()
    assert code == 0, output
    expected = tables(postgres)
    assert len(expected) > 70
    assert sum(rows for rows, _ in expected.values()) > 1000

    empty(postgres, template="loaded")
    cut = task(tmp_path / "cut", postgres, forks, image)
    postgres.query("alter table raw.claimproc rename to gone")
    code, output = cut.run()
    assert code == 1, output
    assert cut.record["exit_reason"] == "node_failure"
    assert {"error", "skipped"} <= set(cut.statuses().values())
    cut.check_that_nothing_ran_twice()
    postgres.query("alter table raw.gone rename to claimproc")
    left = len(through.statuses()) - len(cut.done)
    assert left > 60

    code, output = cut.kill(signal.SIGTERM, after=left // 3)
    assert code == 4, output
    assert "Traceback" not in output
    assert cut.record["exit_reason"] == "interrupted"
    cut.check_that_nothing_ran_twice()

    code, output = cut.kill(signal.SIGKILL, after=left // 3)
    assert code == -signal.SIGKILL, output
    cut.check_that_nothing_ran_twice()
    cut.presume_dead()
    assert len(cut.done) < len(through.statuses())

    code, output = cut.run()
    assert code == 0, output
    assert f"going on from there: {len(cut.done)} nodes are done already" in output
    cut.check_that_nothing_ran_twice()
    assert cut.record["resumed_from"] == "runs/d/r/build/try-3"
    assert {node.get("from_try") for node in cut.nodes().values()} == {1, 2, 3, None}
    assert cut.statuses() == through.statuses()
    for same in ("counts", "exit_reason", "status", "failures"):
        assert cut.record[same] == through.record[same]
    assert tables(postgres) == expected  # names as well: a temporary table left behind would be one more
    postgres.query("drop database loaded", superuser=True)
