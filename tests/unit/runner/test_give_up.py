"""Told to stop, a run is gone within its grace period, whatever its main thread hangs at, and has said how it ended."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.recorded_run import environment_of_a_run
from tests.support.waiting import wait_for

GRACE = 8

# A recorded run whose "dbt" hangs as it is told to; everything else is real.
PROGRAM = '''
import os, sys, time
from datetime import UTC, datetime
from podbt.runner import run as recorded
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.process.environment import Environment
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import Redactor
from podbt.runner.prepare.state import Resolved

made = {}

def kept(name):
    """Lets a test reach what the run makes for itself."""
    real = getattr(recorded, name)
    class Kept(real):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            made[name] = self
    setattr(recorded, name, Kept)

for name in ("Journal", "Console", "RunFolder"):
    kept(name)

def begin():
    open(sys.argv[2], "w").close()

def sleep_for_ever(*_):
    while True:
        try:
            begin()
            time.sleep(600)
        except KeyboardInterrupt:
            pass

def holds_the_journal():
    made["Journal"]._lock.acquire()
    sleep_for_ever()

def holds_the_console():
    made["Console"]._lock.acquire()
    sleep_for_ever()

def writes_to_nobody():
    begin()
    while True:
        print("x" * 1000)

def cannot_publish():
    made["RunFolder"].keep = sleep_for_ever
    sleep_for_ever()

def breaks_while_it_publishes():
    def keep(*_):
        raise RuntimeError("boom")
    made["RunFolder"].keep = keep
    sleep_for_ever()

interrupts = Interrupts()
interrupts.install()
recorded.look_at_sources = lambda *_: globals()[sys.argv[1]]()
arguments = Arguments.parse(["build"])
sys.exit(recorded.record(
    arguments, Resolved(arguments=arguments), Environment.read(), interrupts=interrupts, redactor=Redactor(set()),
    started=datetime.now(UTC),
))
'''


# How it hangs, and whether the run is published all the same.
HANGS = {
    "sleep_for_ever": True,
    "holds_the_journal": True,
    "holds_the_console": True,
    "writes_to_nobody": True,
    "cannot_publish": False,
    "breaks_while_it_publishes": False,
}


@dataclass(frozen=True)
class Hung:
    folder: Path
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def hung(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Hung]]:
    """One run for each way to hang, told to stop: all at once, since each takes all of its time."""
    started = {hangs: start(hangs, tmp_path_factory.mktemp("run")) for hangs in HANGS}
    try:
        for one in started.values():
            wait_for(lambda one=one: one.process.poll() is not None or (one.folder / "begun").exists(), 120)  # type: ignore[misc]
            assert one.process.poll() is None
            one.process.send_signal(signal.SIGTERM)
        yield started
    finally:
        for one in started.values():
            one.process.kill()
            one.process.communicate()


def start(hangs: str, folder: Path) -> Hung:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, hangs, str(folder / "begun")],
        env={**os.environ, **environment_of_a_run(folder), "PODBT_GRACE_SECONDS": str(GRACE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    return Hung(folder, process)


@pytest.mark.parametrize("hangs", HANGS)
def test_a_run_that_hangs_ends_in_time_and_says_so(hung: dict[str, Hung], hangs: str) -> None:
    folder, published = hung[hangs].folder, HANGS[hangs]
    assert hung[hangs].process.wait(timeout=60) == 4  # by itself, where a kubelet would have killed it
    assert json.loads((folder / "message").read_text())["exit_reason"] == "interrupted"
    record = folder / "artifacts/runs/d/r/t/try-2/run.json"
    assert record.exists() == published
    if published:
        assert json.loads(record.read_text())["exit_reason"] == "interrupted"
    else:
        assert (folder / "artifacts/runs/d/r/t/try-2.partial/alive.json").exists()
