"""Told to stop, a run is gone within its grace period, whatever its main thread hangs at, and has said how it ended."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

GRACE = 8

# A recorded run whose "dbt" hangs as it is told to; everything else is real.
PROGRAM = """
import os, sys, threading, time
from datetime import UTC, datetime
from podbt.runner import run as recorded
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.process.environment import Environment
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import Redactor
from podbt.runner.prepare.state import Resolved

def sleep_for_ever(*_):
    while True:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            pass

def holds_the_journal(run):
    run._journal._lock.acquire()
    sleep_for_ever()

def holds_the_console(run):
    run._console._lock.acquire()
    sleep_for_ever()

def writes_to_nobody(run):
    while True:
        print("x" * 1000)

def cannot_publish(run):
    run._folder.keep = lambda *_: sleep_for_ever()
    sleep_for_ever()

def breaks_while_it_publishes(run):
    def keep(*_):
        raise RuntimeError("boom")
    run._folder.keep = keep
    sleep_for_ever()

interrupts = Interrupts()
interrupts.install()
recorded.look_at_sources = lambda *_: (open(sys.argv[2], "w").close(), globals()[sys.argv[1]](run))
arguments = Arguments.parse(["build"])
run = recorded.RecordedRun(
    arguments, Resolved(arguments=arguments), Environment.read(), interrupts=interrupts, redactor=Redactor(set()),
    started=datetime.now(UTC),
)
sys.exit(run.execute())
"""


@pytest.mark.parametrize(
    ("hangs", "published"),
    [
        ("sleep_for_ever", True),
        ("holds_the_journal", True),
        ("holds_the_console", True),
        ("writes_to_nobody", True),
        ("cannot_publish", False),
        ("breaks_while_it_publishes", False),
    ],
)
def test_a_run_that_hangs_ends_in_time_and_says_so(
    env: dict[str, str], tmp_path: Path, hangs: str, published: bool
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, hangs, str(tmp_path / "begun")],
        env={**os.environ, **env, "PODBT_GRACE_SECONDS": str(GRACE)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(timeout=60) == 4  # by itself, where a kubelet would have killed it
    finally:
        process.kill()
        process.communicate()
    assert json.loads((tmp_path / "message").read_text())["exit_reason"] == "interrupted"
    record = tmp_path / "artifacts/runs/d/r/t/try-2/run.json"
    assert record.exists() == published
    if published:
        assert json.loads(record.read_text())["exit_reason"] == "interrupted"
    else:
        assert (tmp_path / "artifacts/runs/d/r/t/try-2.partial/alive.json").exists()
