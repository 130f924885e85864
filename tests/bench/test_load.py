"""A task's state is held against what its pod did."""

from datetime import UTC, datetime

import pytest
from bench.harness.airflow import TaskEnd
from bench.harness.kube import PodLife
from bench.harness.load import judge, told


def life(exit_code: int | None) -> PodLife:
    return PodLife("pod", exit_code=exit_code)


@pytest.mark.parametrize(
    ("state", "pod", "expected"),
    [
        pytest.param("success", life(0), (0, 0), id="true success"),
        pytest.param("success", life(4), (1, 0), id="success though the container was stopped"),
        pytest.param("success", life(None), (1, 0), id="success though the pod was deleted while it ran"),
        pytest.param("success", None, (1, 0), id="success without a pod"),
        pytest.param("failed", life(0), (0, 1), id="failure though the pod ended well"),
        pytest.param("failed", life(4), (0, 0), id="true failure"),
        pytest.param("failed", None, (0, 0), id="failure without a pod"),
    ],
)
def test_judge(state: str, pod: PodLife | None, expected: tuple[int, int]) -> None:
    found = judge([TaskEnd("a", state, None)], {"a": pod} if pod else {})
    assert tuple(len(one) for one in found) == expected


def test_what_is_wrong_is_told_in_the_order_of_its_moments() -> None:
    def second(number: int) -> datetime:
        return datetime(2026, 1, 1, 0, 0, number, tzinfo=UTC)

    pod = PodLife("pod", created=second(1), finished=second(5), exit_code=0)
    line = told(TaskEnd("a", "failed", second(6)), pod, second(4))
    assert line == (
        "a failed, exit code 0: pod created 00:00:01, workers stopped 00:00:04, pod ended 00:00:05, task ended 00:00:06"
    )
    assert told(TaskEnd("a", "success", second(6)), None, None) == "a success, no pod: task ended 00:00:06"


def test_a_pods_end_is_kept_when_the_pod_goes() -> None:
    seen = PodLife("pod")
    running = {"startedAt": "2026-01-01T00:00:01Z"}
    ended = {**running, "exitCode": 0, "finishedAt": "2026-01-01T00:00:05Z"}
    for state, deleted in (({"running": running}, None), ({"terminated": ended}, None), ({}, "2026-01-01T00:00:09Z")):
        metadata = {"labels": {"run_id": "r", "task_id": "t"}, "creationTimestamp": "2026-01-01T00:00:00Z"}
        status = {"containerStatuses": [{"state": state}]}
        seen.see({"metadata": {**metadata, "deletionTimestamp": deleted}, "status": status})
    assert (seen.run, seen.task, seen.exit_code, seen.deleted) == ("r", "t", 0, False)
    assert seen.finished is not None
    assert seen.finished.second == 5


def test_a_pod_that_is_deleted_while_it_runs_has_no_good_end() -> None:
    seen = PodLife("pod")
    status = {"containerStatuses": [{"state": {"running": {"startedAt": "2026-01-01T00:00:01Z"}}}]}
    seen.see({"metadata": {"deletionTimestamp": "2026-01-01T00:00:02Z"}, "status": status})
    assert (seen.exit_code, seen.deleted) == (None, True)
