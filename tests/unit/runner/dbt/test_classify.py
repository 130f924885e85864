"""What a refused login means: a wrong Secret before anything worked, a rotated password after that."""

from importlib.metadata import version

import psycopg2
import pytest
from dbt.adapters.exceptions import FailedToConnectError

from podbt.contract.exits import ExitReason
from podbt.contract.record import NodeRecord
from podbt.runner.dbt.causes import Causes
from podbt.runner.dbt.classify import classify

REFUSED = 'connection to server at "db" failed: FATAL:  password authentication failed for user "dbt"'
AWAY = 'connection to server at "db" failed: Connection refused'


def node(name: str, status: str, message: str | None = None, *, from_try: int | None = None) -> NodeRecord:
    return NodeRecord(
        unique_id=f"model.p.{name}",
        name=name,
        resource_type="model",
        status=status,
        seconds=0,
        message=message,
        from_try=from_try,
    )


def connecting(words: str) -> FailedToConnectError:
    """As dbt raises it while it handles what psycopg2.connect raised."""
    error = FailedToConnectError(words)
    error.__context__ = psycopg2.OperationalError(words)
    return error


def ended(*nodes: NodeRecord, exception: BaseException | None = None) -> tuple[ExitReason, str | None]:
    """Nodes with one of the two messages failed while they connected."""
    causes = Causes()
    for one in nodes:
        if one.message in {REFUSED, AWAY}:
            causes.note(one.unique_id, connecting(one.message))
    return classify(
        command="build",
        success=False,
        exception=exception,
        nodes=list(nodes),
        interrupted=False,
        allow_empty=False,
        causes=causes,
    )


@pytest.mark.parametrize(
    "nodes",
    [
        pytest.param([node("a", "error", REFUSED), node("b", "skipped")], id="at the first node"),
        pytest.param([node("a", "success", from_try=1), node("b", "error", REFUSED)], id="what an earlier try did"),
    ],
)
def test_a_login_that_never_worked_is_not_tried_again(nodes: list[NodeRecord]) -> None:
    reason, line = ended(*nodes)
    assert reason is ExitReason.CONFIG_ERROR
    assert line == (
        'The database refused the login: password authentication failed for user "dbt". Check the profiles Secret.'
    )
    assert not reason.retryable


@pytest.mark.parametrize("status", ["success", "pass", "warn"])
def test_a_login_that_had_worked_is_tried_again(status: str) -> None:
    reason, line = ended(node("a", status), node("b", "error", REFUSED), node("c", "skipped"))
    assert reason is ExitReason.CONNECTION_ERROR
    assert line is not None
    assert 'a login that had worked in this run: password authentication failed for user "dbt"' in line


def test_a_failure_of_another_kind_has_the_say() -> None:
    reason, line = ended(node("a", "error", "division by zero"), node("b", "error", REFUSED))
    assert reason is ExitReason.NODE_FAILURE
    assert line is not None
    assert "division by zero" in line


def test_a_restart_and_a_rotation_together_are_both_about_the_way_to_the_database() -> None:
    assert ended(node("a", "success"), node("b", "error", AWAY), node("c", "error", REFUSED))[0] is (
        ExitReason.CONNECTION_ERROR
    )


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        pytest.param([], ExitReason.CONFIG_ERROR, id="before the first node"),
        pytest.param([node("a", "success")], ExitReason.CONNECTION_ERROR, id="after one"),
    ],
)
def test_a_refusal_that_dbt_raises_is_judged_alike(nodes: list[NodeRecord], reason: ExitReason) -> None:
    assert ended(*nodes, exception=connecting(REFUSED))[0] is reason


def test_a_model_of_which_some_batches_failed_is_named() -> None:
    """dbt's "partial success" is no success, to dbt neither."""
    reason, line = ended(node("a", "success"), node("b", "partial success", "3 of 4 batches succeeded"))
    assert reason is ExitReason.NODE_FAILURE
    assert line == "1 of 2 nodes failed: model.p.b: 3 of 4 batches succeeded"


def test_words_alone_make_no_login() -> None:
    """The same text as a node's own error, which nothing is known of but the text."""
    for one in (REFUSED, AWAY):
        reason, line = classify(
            command="build",
            success=False,
            exception=None,
            nodes=[node("a", "error", one)],
            interrupted=False,
            allow_empty=False,
            causes=Causes(),
        )
        assert reason is ExitReason.NODE_FAILURE
        assert line is not None
        assert line.startswith("1 of 1 nodes failed: model.p.a: connection to server")


@pytest.mark.parametrize("words", ["build --sampled", "builds"])
def test_what_this_dbt_does_not_know_is_said_with_its_release(words: str) -> None:
    from dbt.cli.main import dbtRunner

    refused = dbtRunner().invoke(words.split()).exception
    reason, line = classify(
        command="build", success=False, exception=refused, nodes=[], interrupted=False, allow_empty=False
    )
    assert reason == ExitReason.CONFIG_ERROR
    assert line is not None
    assert line.startswith(f"No such {'option' if 'sampled' in words else 'command'} '")
    assert line.endswith(f" The image has dbt {version('dbt-core')}.")
