"""What happens before dbt builds."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from podbt.contract.kinds import OnMissingState
from podbt.contract.plan import Plan, PlanSelector
from podbt.errors import ConfigError
from podbt.runner.database.sessions import Sessions
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.dbt.invoke import Outcome
from podbt.runner.dbt.seams import Seams
from podbt.runner.prepare import prepared
from podbt.runner.prepare.state import Resolved
from podbt.runner.process.redact import Redactor
from podbt.store.volume import Volume


def test_a_stopped_run_knows_the_sessions_that_measure_its_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[Any] = []

    def invoke(arguments: Arguments, _environment: Any, *, seams: list[Seams]) -> Outcome:
        known.append((arguments.words[:2], seams))
        return Outcome(success=False, exception=KeyboardInterrupt(), results=[])

    monkeypatch.setattr(prepared, "invoke", invoke)
    environment: Any = SimpleNamespace(artifacts=None, target_path=tmp_path, freshness="gate", baked=None)
    sessions = Sessions()
    found = prepared.look_at_sources(Resolved(arguments=Arguments.parse(["build"])), environment, "prod", sessions)
    ((words, seams),) = known
    assert words == ["source", "freshness"]
    assert seams[1:] == [sessions.seams]
    assert found.verdict.refusal is not None
    assert found.verdict.refusal[0] == "interrupted"


@pytest.mark.parametrize(
    ("words", "default", "missing"),
    [
        pytest.param("build --selector changed", None, "manifest.json", id="state"),
        pytest.param("build --selector=failed", None, "run_results.json", id="result"),
        pytest.param("ls --selector fresher", None, "sources.json", id="source status"),
        pytest.param("build", "failed", "run_results.json", id="by default"),
        pytest.param("build --select a", "failed", "manifest.json", id="a selection switches the default off"),
        pytest.param("build --selector daily", "failed", "manifest.json", id="an ordinary one"),
    ],
)
def test_a_state_needs_the_files_that_the_selector_asks(
    tmp_path: Path, words: str, default: str | None, missing: str
) -> None:
    asks = {"changed": ["state"], "failed": ["result"], "fresher": ["source_status"], "daily": []}
    plan = Plan.seal(
        project="p",
        dbt_version="1",
        nodes={},
        sources={},
        selectors={name: PlanSelector(nodes=[], asks=one) for name, one in asks.items()},
        default_selector=default,
    )
    (tmp_path / "plan.json").write_text(plan.to_json())
    (tmp_path / "artifacts").mkdir()
    environment: Any = SimpleNamespace(
        artifacts=Volume(tmp_path / "artifacts"), baked=tmp_path, project=tmp_path, profiles=tmp_path,
        scratch=tmp_path / "s",
        expect_plan=None, image=None, revision=None, on_missing_state=OnMissingState.FAIL,
    )  # fmt: skip
    arguments = Arguments.parse([*words.split(), "--state", "prod"])
    with pytest.raises(ConfigError, match=f"lacks {missing}"):
        prepared.check_and_resolve(arguments, environment, Redactor(set()))
    environment.on_missing_state = OnMissingState.FULL
    resolved = prepared.check_and_resolve(arguments, environment, Redactor(set()))
    assert resolved.at_most
    assert "--state" not in resolved.arguments.words
