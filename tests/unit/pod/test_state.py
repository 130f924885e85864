"""What a pod's state means. The messages are the kubelet's and scheduler's own, taken from a real cluster."""

from typing import Any

import pytest
from tests.support.settings import SETTINGS

from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.outcome import Outcome
from podbt.contract.record import Summary
from podbt.pod.state import ended_at, has_ended, has_started, outcome_of, startup_problem, why_pending


def pod(state: dict[str, Any] | None = None, phase: str = "Pending", **status: Any) -> dict[str, Any]:
    statuses = [{"name": "dbt", "state": state}] if state is not None else []
    return {"status": {"phase": phase, "containerStatuses": statuses, **status}}


def waiting(reason: str, message: str) -> dict[str, Any]:
    return pod({"waiting": {"reason": reason, "message": message}})


def warning(message: str) -> dict[str, Any]:
    return {"type": "Warning", "reason": "FailedMount", "message": message}


def problem(state: dict[str, Any], *events: dict[str, Any], waited: float = 30) -> Outcome:
    found = startup_problem(state, events, SETTINGS, waited_seconds=waited, stuck_seconds=waited)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("state", "event", "said"),
    [
        pytest.param(
            pod({"waiting": {"reason": "ContainerCreating"}}),
            'MountVolume.SetUp failed for volume "profiles" : secret "profiles" not found',
            "Secret 'profiles' does not exist in namespace 'ns'",
            id="Secret",
        ),
        pytest.param(
            pod({"waiting": {"reason": "ContainerCreating"}}),
            'MountVolume.SetUp failed for volume "profiles" : references non-existent secret key: warehouse.yml',
            "Secret 'profiles' in namespace 'ns' has no key 'warehouse.yml'",
            id="key of the profiles Secret",
        ),
        pytest.param(
            waiting("CreateContainerConfigError", 'secret "api" not found'),
            "",
            "Secret 'api' does not exist",
            id="Secret of a variable",
        ),
        pytest.param(
            waiting("CreateContainerConfigError", "couldn't find key token in Secret ns/api"),
            "",
            "Secret 'api' in namespace 'ns' has no key 'token'",
            id="key of a variable",
        ),
        pytest.param(
            pod(),
            '0/1 nodes are available: persistentvolumeclaim "artifacts" not found.',
            "PersistentVolumeClaim 'artifacts' does not exist",
            id="claim",
        ),
    ],
)
def test_what_is_missing_is_named_and_not_retried(state: dict[str, Any], event: str, said: str) -> None:
    found = problem(state, warning(event))
    assert said in found.line
    assert found.summary.exit_reason is ExitReason.CONFIG_ERROR
    assert not found.retryable


def test_what_arrives_a_moment_late_is_waited_for() -> None:
    state = waiting("CreateContainerConfigError", 'secret "api" not found')
    assert startup_problem(state, [], SETTINGS, waited_seconds=5, stuck_seconds=5) is None
    late = warning('MountVolume.SetUp failed for volume "profiles" : secret "profiles" not found')
    assert startup_problem(pod(), [late], SETTINGS, waited_seconds=5, stuck_seconds=5) is None


def test_a_problem_that_began_just_now_is_waited_for() -> None:
    state = waiting("ErrImagePull", "connection reset")
    assert startup_problem(state, [], SETTINGS, waited_seconds=100, stuck_seconds=5) is None


def test_what_the_pod_got_over_is_no_problem() -> None:
    late = warning('MountVolume.SetUp failed for volume "profiles" : secret "profiles" not found')
    events = [
        {**late, "lastTimestamp": "2026-01-01T00:00:01Z"},
        {"type": "Normal", "reason": "Pulling", "lastTimestamp": "2026-01-01T00:00:09Z"},
    ]
    assert startup_problem(pod(), events, SETTINGS, waited_seconds=30, stuck_seconds=30) is None


def test_an_image_that_cannot_be_pulled_may_be_tried_again() -> None:
    found = problem(waiting("ImagePullBackOff", "Back-off pulling image"))
    assert found.retryable
    assert "ImagePullBackOff" in found.line


def test_an_impossible_image_name_fails_at_once() -> None:
    assert not problem(waiting("InvalidImageName", "couldn't parse"), waited=0).retryable


def test_the_startup_timeout_says_why() -> None:
    unschedulable = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "Insufficient cpu",
    }
    found = problem(pod(conditions=[unschedulable]), waited=600)
    assert "did not start within 600 s: Unschedulable: Insufficient cpu" in found.line


def test_why_a_pod_waits_is_said_once_whatever_says_it() -> None:
    not_ready = {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "unready: [dbt]"}
    unplaced = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no room"}
    scheduled = {"type": "Normal", "reason": "Pulling", "message": "pulling x"}
    events = [scheduled, {"type": "Warning", "reason": "FailedScheduling", "message": "no room"}]
    assert why_pending(pod(conditions=[not_ready, unplaced]), events) == "Unschedulable: no room"
    assert why_pending(pod(conditions=[not_ready]), [scheduled]) == ""


def ended(message: str = "", *, code: int = 0, reason: str = "Completed", **status: Any) -> dict[str, Any]:
    state = {"terminated": {"exitCode": code, "reason": reason, "message": message}}
    return pod(state, "Succeeded" if code == 0 else "Failed", **status)


GOOD = Summary(status=RunStatus.SUCCESS, exit_reason=ExitReason.SUCCESS, artifacts="runs/x").to_termination_message()


def bad(reason: ExitReason) -> str:
    return Summary(status=RunStatus.FAILED, exit_reason=reason, error="why").to_termination_message()


def test_success_is_the_runners_word() -> None:
    outcome = outcome_of(ended(GOOD))
    assert outcome.ok
    assert outcome.summary.artifacts == "runs/x"


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(ended(""), id="code 0 without a summary"),
        pytest.param(ended("Done."), id="code 0 with something else"),
        pytest.param(ended(bad(ExitReason.NODE_FAILURE)), id="code 0 with a failure's summary"),
        pytest.param(ended(GOOD, code=1, reason="Error"), id="success's summary with code 1"),
        pytest.param(ended(GOOD, code=137, reason="OOMKilled"), id="killed after success was written"),
    ],
)
def test_nothing_else_is_success(state: dict[str, Any]) -> None:
    assert not outcome_of(state).ok


NOTHING = Summary(status=RunStatus.SKIPPED, exit_reason=ExitReason.NOTHING_TO_DO)


def test_nothing_to_do_is_neither_success_nor_failure() -> None:
    outcome = outcome_of(ended(NOTHING.to_termination_message()))
    assert outcome.skipped
    assert not outcome.ok


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(ended(NOTHING.to_termination_message(), code=1, reason="Error"), id="with code 1"),
        pytest.param(
            ended(NOTHING.model_copy(update={"status": RunStatus.SUCCESS}).to_termination_message()),
            id="called a success",
        ),
    ],
)
def test_a_skip_needs_the_runners_word_as_well(state: dict[str, Any]) -> None:
    assert outcome_of(state).summary.exit_reason is ExitReason.LOST


@pytest.mark.parametrize("reason", [r for r in ExitReason if r.status == "failed"])
def test_a_failure_keeps_its_reason_and_says_whether_to_retry(reason: ExitReason) -> None:
    outcome = outcome_of(ended(bad(reason), code=reason.exit_code, reason="Error"))
    assert outcome.summary.exit_reason is reason
    assert outcome.retryable is reason.retryable
    assert outcome.line == "why"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        pytest.param(ended(code=137, reason="OOMKilled"), "out of memory", id="memory"),
        pytest.param(
            pod(None, "Failed", reason="Evicted", message="low on disk"), "Evicted: low on disk", id="eviction"
        ),
        pytest.param(pod(None, "Failed", reason="DeadlineExceeded"), "longer than run_timeout_seconds", id="deadline"),
        pytest.param(ended("boom", code=1, reason="Error"), "code 1 (Error): boom", id="another program's end"),
    ],
)
def test_a_lost_pod_says_how_and_is_retried(state: dict[str, Any], said: str) -> None:
    outcome = outcome_of(state)
    assert said in outcome.line
    assert outcome.summary.exit_reason is ExitReason.LOST
    assert outcome.retryable


def test_a_waiting_container_has_no_log_yet() -> None:
    assert not has_started(waiting("ContainerCreating", ""))
    assert has_started(ended(GOOD))


RUNNING: dict[str, Any] = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


def beside(state: dict[str, Any], other: dict[str, Any], *, phase: str = "Running", **status: Any) -> dict[str, Any]:
    """A pod whose container dbt is in a state, after one that somebody else put into it."""
    statuses = [{"name": "proxy", "state": other}, {"name": "dbt", "state": state}]
    return {"status": {"phase": phase, "containerStatuses": statuses, **status}}


def native(state: dict[str, Any], *, phase: str = "Running") -> dict[str, Any]:
    """The same with a sidecar of Kubernetes' own kind, which starts before dbt and is ended after it."""
    found = pod(state, phase)
    found["status"]["initContainerStatuses"] = [{"name": "proxy", "started": True, "state": RUNNING}]
    return found


def terminated(message: str, code: int = 0, reason: str = "Completed") -> dict[str, Any]:
    at = "2026-01-01T00:01:00Z"
    return {"terminated": {"exitCode": code, "reason": reason, "message": message, "finishedAt": at}}


PROXY_FAILED = terminated("", code=1, reason="Error")


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(beside(terminated(GOOD), RUNNING), id="an ordinary container runs on"),
        pytest.param(native(terminated(GOOD)), id="a native sidecar runs on"),
        pytest.param(native(terminated(GOOD), phase="Succeeded"), id="nothing runs on"),
        pytest.param(beside(terminated(GOOD), PROXY_FAILED, phase="Failed"), id="the other failed when it was told"),
        pytest.param(beside(terminated(GOOD), RUNNING, phase="Failed", reason="DeadlineExceeded"), id="deadline"),
        pytest.param(beside(terminated(GOOD), RUNNING, phase="Failed", reason="Evicted"), id="eviction"),
    ],
)
def test_a_pods_end_is_its_dbts_end(state: dict[str, Any]) -> None:
    assert has_ended(state)
    assert ended_at(state) == "2026-01-01T00:01:00Z"
    assert outcome_of(state).ok


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(beside(RUNNING, terminated(GOOD)), id="the other ended, with any message"),
        pytest.param(beside(RUNNING, PROXY_FAILED), id="the other failed"),
        pytest.param(native(RUNNING), id="native"),
        pytest.param(beside({"waiting": {"reason": "PodInitializing"}}, RUNNING, phase="Pending"), id="not started"),
    ],
)
def test_nobody_elses_end_is_dbts(state: dict[str, Any]) -> None:
    assert not has_ended(state)
    assert ended_at(state) is None


@pytest.mark.parametrize("reason", [r for r in ExitReason if r.status == "failed" and r is not ExitReason.INTERRUPTED])
def test_dbts_own_reason_outlives_the_deadline(reason: ExitReason) -> None:
    """dbt had ended; what was left in the pod ran into it."""
    state = terminated(bad(reason), code=reason.exit_code, reason="Error")
    outcome = outcome_of(beside(state, RUNNING, phase="Failed", reason="DeadlineExceeded"))
    assert outcome.summary.exit_reason is reason


def test_the_deadline_is_the_reason_where_dbt_was_told_to_stop() -> None:
    state = terminated(bad(ExitReason.INTERRUPTED), code=4, reason="Error")
    assert "longer than run_timeout_seconds" in outcome_of(pod(state, "Failed", reason="DeadlineExceeded")).line


def before(name: str, state: dict[str, Any], *, phase: str = "Pending") -> dict[str, Any]:
    """A pod with a container that has to end, or to be there, before dbt starts."""
    found = pod({"waiting": {"reason": "PodInitializing"}}, phase)
    found["status"]["initContainerStatuses"] = [
        {"name": "fine", "state": terminated("")},
        {"name": name, "state": state},
    ]
    return found


def test_a_container_that_fails_before_dbt_is_named() -> None:
    state = before("vault-agent-init", terminated("permission denied", code=2, reason="Error"), phase="Failed")
    assert has_ended(state)
    assert "'vault-agent-init' of the pod ended with code 2 (Error): permission denied" in outcome_of(state).line
    assert outcome_of(state).retryable


def test_an_image_of_another_container_is_not_waited_for_till_the_timeout() -> None:
    state = before("istio-init", {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}})
    assert "ImagePullBackOff: container 'istio-init': Back-off pulling image" in problem(state).line
    missing = before("agent", {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "ca" not found'}})
    assert "Secret 'ca' does not exist" in problem(missing).line


def test_a_container_that_is_at_work_before_dbt_is_waited_for() -> None:
    state = before("migrate", RUNNING)
    assert startup_problem(state, [], SETTINGS, waited_seconds=100, stuck_seconds=100) is None
