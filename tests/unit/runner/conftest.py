"""A recorded run without dbt."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.recorded_run import environment_of_a_run

from podbt.runner import run as recorded
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.prepare.prepared import Prepared
from podbt.runner.prepare.state import Resolved
from podbt.runner.process.environment import Environment
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.process.redact import Redactor


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment_of_a_run(tmp_path)


@pytest.fixture
def execute(env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    def act(found: Exception | Prepared, *, interrupted: bool = False) -> dict[str, Any]:
        interrupts = Interrupts()

        def look(*_: object) -> Prepared:
            interrupts.requested = interrupted
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(recorded, "look_at_sources", look)
        arguments, environment = Arguments.parse(["build"]), Environment.read(env)
        code = recorded.record(
            arguments, Resolved(arguments=arguments), environment,
            interrupts=interrupts, redactor=Redactor({"hunter22"}), started=datetime.now(UTC),
        )  # fmt: skip
        run = dict(json.loads((tmp_path / "artifacts/runs/d/r/t/try-2/run.json").read_text()))
        assert json.loads((tmp_path / "message").read_text())["exit_reason"] == run["exit_reason"]
        return {**run, "code": code}

    return act
