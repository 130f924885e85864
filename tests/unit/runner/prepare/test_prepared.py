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
from podbt.runner.dbt.invoke import Dbt, Outcome
from podbt.runner.prepare.prepared import check_and_resolve, look_at_sources
from podbt.runner.prepare.state import Resolved
from podbt.runner.process.redact import Redactor
from podbt.runner.process.scratch import Workspace
from podbt.store.volume import Volume


def test_a_stopped_run_knows_the_sessions_that_measure_its_sources(tmp_path: Path) -> None:
    known: list[Any] = []

    class Stopped(Dbt):
        def invoke(self, arguments: Arguments, **keywords: Any) -> Outcome:
            known.append((arguments.words[:2], keywords))
            return Outcome(success=False, exception=KeyboardInterrupt(), results=[])

    dbt = Stopped(workspace=Workspace(project=tmp_path, profiles=tmp_path, scratch=tmp_path, baked=None))
    environment: Any = SimpleNamespace(artifacts=None, freshness="gate")
    sessions = Sessions()
    resolved = Resolved(arguments=Arguments.parse(["build"]))
    found = look_at_sources(resolved, environment, dbt, sessions, "prod")
    ((words, given),) = known
    assert words == ["source", "freshness"]
    assert given["seams"][1:] == [sessions.seams]
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
        instance=None,
        artifacts=Volume(tmp_path / "artifacts"), expect_plan=None, image=None, revision=None,
        workspace=Workspace(project=tmp_path, profiles=tmp_path, scratch=tmp_path / "s", baked=tmp_path),
        on_missing_state=OnMissingState.FAIL,
    )  # fmt: skip
    arguments = Arguments.parse([*words.split(), "--state", "prod"])
    with pytest.raises(ConfigError, match=f"lacks {missing}"):
        check_and_resolve(arguments, environment, Redactor(set()))
    environment.on_missing_state = OnMissingState.FULL
    resolved = check_and_resolve(arguments, environment, Redactor(set()))
    assert resolved.at_most
    assert "--state" not in resolved.arguments.words
