"""What happens before dbt builds."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from podbt.runner.database.sessions import Sessions
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.dbt.invoke import Outcome
from podbt.runner.dbt.seams import Seams
from podbt.runner.prepare import prepared
from podbt.runner.prepare.state import Resolved


def test_a_stopped_run_knows_the_sessions_that_measure_its_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[Any] = []

    def invoke(arguments: Arguments, _environment: Any, *, seams: list[Seams]) -> Outcome:
        known.append((arguments.words[:2], seams))
        return Outcome(success=False, exception=KeyboardInterrupt(), results=[])

    monkeypatch.setattr(prepared, "invoke", invoke)
    environment: Any = SimpleNamespace(artifacts=None, target_path=tmp_path, freshness="gate")
    sessions = Sessions()
    found = prepared.look_at_sources(Resolved(arguments=Arguments.parse(["build"])), environment, "prod", sessions)
    ((words, seams),) = known
    assert words == ["source", "freshness"]
    assert seams[1:] == [sessions.seams]
    assert found.verdict.refusal is not None
    assert found.verdict.refusal[0] == "interrupted"
