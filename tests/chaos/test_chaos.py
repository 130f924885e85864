"""Whatever happens to a build: no false state, no query left, and the next try does just the rest.

Run by `make chaos` on the cluster that `make up` left; it prints the table that docs/chaos.md holds.
"""

import secrets
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from tests.support.chaos import faults
from tests.support.chaos.scenario import Chaos, Seen

from podbt.contract.exits import ExitReason

pytestmark = pytest.mark.chaos

_VOLUME_MEBIBYTES = 48  # the runner asks for 32 before it begins


def check_resumed(seen: Seen) -> None:
    """Holds for each fault that leaves the record readable."""
    assert seen.differing == []
    assert seen.queries_left == 0
    assert seen.done_before
    assert not seen.ran_again & seen.done_before, seen.next_log
    # The final record is that of a run nobody disturbed.
    assert seen.next_run.record.status == "success"
    assert len({node.unique_id for node in seen.next_run.nodes}) == seen.next_run.record.counts["total"]
    assert {node.unique_id for node in seen.next_run.nodes} == seen.ran_again | seen.done_before


@pytest.mark.parametrize(
    ("name", "disturb", "reasons"),
    [
        pytest.param("SIGTERM (pod deleted)", faults.sigterm, {ExitReason.INTERRUPTED}, id="sigterm"),
        pytest.param("eviction", faults.evict, {ExitReason.INTERRUPTED}, id="eviction"),
        pytest.param("SIGKILL", faults.sigkill, {ExitReason.LOST}, id="sigkill"),
        pytest.param("out of memory", faults.out_of_memory, {ExitReason.LOST}, id="oom"),
    ],
)
def test_a_pod_that_is_ended(chaos: Chaos, name: str, disturb: Callable[[str], None], reasons: set[ExitReason]) -> None:
    seen = chaos.play(name, disturb)
    assert seen.state == "up_for_retry", seen.log
    assert seen.run.record.exit_reason in reasons
    check_resumed(seen)


def test_a_node_that_loses_power(chaos: Chaos) -> None:
    seen = chaos.play("node stopped", lambda _: faults.stop_node())
    assert seen.state == "up_for_retry", seen.log
    assert seen.run.record.exit_reason is ExitReason.LOST
    check_resumed(seen)


@pytest.mark.parametrize(
    ("name", "disturb"),
    [
        pytest.param("database restarted", faults.restart_database, id="restart"),
        pytest.param("database killed for 30 s", lambda: faults.kill_database(30), id="killed"),
    ],
)
def test_a_database_that_goes_away(chaos: Chaos, name: str, disturb: Callable[[], None]) -> None:
    """Airflow's own database is on the same server here: Airflow has to get over it, too."""
    seen = chaos.play(name, lambda _: disturb())
    assert seen.state == "up_for_retry", seen.log
    assert seen.run.record.exit_reason in {ExitReason.CONNECTION_ERROR, ExitReason.NODE_FAILURE}
    check_resumed(seen)


def test_an_api_server_that_restarts_costs_nothing(chaos: Chaos) -> None:
    seen = chaos.play("API server restarted", lambda _: faults.restart_api_server(), release=True)
    assert seen.state == "success", seen.log
    assert seen.run.record.exit_reason is ExitReason.SUCCESS
    assert seen.differing == []
    # The next try follows a success, so it is somebody's wish to run everything.
    assert seen.ran_again == {node.unique_id for node in seen.next_run.nodes}


def test_a_secret_that_is_rotated_while_dbt_runs(chaos: Chaos) -> None:
    stack = ExitStack()

    def rotate(_: str) -> None:
        stack.enter_context(faults.rotated_password(f"rotated-{secrets.token_hex(12)}"))

    with stack:
        seen = chaos.play("Secret rotated", rotate, release=True)
    # Sessions that are open stay so; the next pod reads the new Secret.
    assert seen.state in {"success", "up_for_retry"}, seen.log
    assert seen.next_run.record.status == "success"
    assert seen.differing == []


def test_a_full_volume_loses_no_result(chaos: Chaos) -> None:
    with faults.small_volume(_VOLUME_MEBIBYTES) as disk:
        seen = chaos.play("volume full", lambda _: disk.fill(), release=True, between=disk.free)
    assert seen.state == "up_for_retry", seen.log
    assert "No space left on device" in seen.log
    assert "dbt itself ended with success" in seen.log
    # What had reached the volume is what the next try takes over.
    assert seen.run.record.exit_reason is ExitReason.LOST
    check_resumed(seen)
