"""What a try goes on with, and why it does not."""

import pytest
from tests.support.tries import node, start

from podbt.contract.exits import ExitReason
from podbt.contract.record import NodeRecord
from podbt.runner.prepare.resume import decide
from podbt.store import tries


def attempt(reason: ExitReason = ExitReason.INTERRUPTED, *nodes: NodeRecord, **changes: object) -> tries.Attempt:
    return tries.Attempt(path="runs/d/r/t/try-1", start=start(1, **changes), nodes=list(nodes), reason=reason)


def test_what_is_done_is_carried_and_everything_else_runs() -> None:
    earlier = attempt(
        ExitReason.LOST, node("model.a"), node("test.c", "pass"), node("test.d", "warn"), node("model.b", "error"),
        node("model.e", "skipped"), node("model.f", "interrupted"), node("operation.hook"), node("model.g", from_try=1),
    )  # fmt: skip
    decision = decide(earlier, start(2), command="build", wanted=True)
    assert {n.unique_id: n.from_try for n in decision.done} == dict.fromkeys(
        ("model.a", "test.c", "test.d", "model.g"), 1
    )
    assert decision.resumed_from == "runs/d/r/t/try-1"
    assert decision.line == "try-1 ended with lost; going on from there: 4 nodes are done already."


@pytest.mark.parametrize(
    ("earlier", "now", "command", "wanted", "said"),
    [
        pytest.param(attempt(ExitReason.SUCCESS, node("model.a")), {}, "build", True, "everything runs", id="success"),
        pytest.param(attempt(ExitReason.LOST), {}, "build", True, "before any node was done", id="nothing done"),
        pytest.param(attempt(ExitReason.LOST, node("model.a")), {}, "build", False, "switched off", id="off"),
        pytest.param(attempt(ExitReason.LOST, node("model.a")), {"image": "i:2"}, "build", True, "image", id="image"),
        pytest.param(attempt(ExitReason.LOST, node("model.a")), {"plan_hash": "b"}, "build", True, "plan", id="plan"),
        pytest.param(
            attempt(ExitReason.LOST, node("model.a")), {"database": "b"}, "build", True, "database", id="database"
        ),
        pytest.param(
            attempt(ExitReason.LOST, node("model.a")), {"variables": "b"}, "build", True, "env_var()", id="variables"
        ),
        pytest.param(
            attempt(ExitReason.LOST, node("model.a")),
            {"command": ["build", "--full-refresh"]},
            "build",
            True,
            "command line",
            id="another command line",
        ),
    ],
)
def test_why_everything_runs_is_said(
    earlier: tries.Attempt, now: dict[str, object], command: str, wanted: bool, said: str
) -> None:
    decision = decide(earlier, start(2, **now), command=command, wanted=wanted)
    assert decision.done == ()
    assert decision.resumed_from is None
    assert said in (decision.line or "")


def test_freshness_is_asked_anew() -> None:
    assert (
        decide(attempt(ExitReason.LOST, node("model.a")), start(2), command="source freshness", wanted=True).done == ()
    )
