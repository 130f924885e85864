"""Each task's part of what a pod told."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.plans import plan, uid

from podbt.airflow.group.duty import Duty, Kind, judge, report
from podbt.airflow.pods.places import key_of
from podbt.airflow.pods.progress import PodProgress
from podbt.contract.events import Mark, NodeEvent, encode
from podbt.contract.exits import ExitReason
from podbt.contract.record import Failure
from podbt.runner.report.emit import Progress

NOW = datetime.now(UTC)
PLAN = plan("m", "test.t1 < m", "test.t2 < m")
PLACES = {unique_id: index for index, unique_id in enumerate(sorted(PLAN.nodes))}
DUTY = Duty(node=key_of(uid("m")), at={key_of(key): index for key, index in PLACES.items()}, plan=PLAN.hash)
CHECKS = Duty(node=None, at={key_of(key): PLACES[key] for key in (uid("test.t1"), uid("test.t2"))}, plan=PLAN.hash)


def told(marks: str, *, end: ExitReason | None = None, ended: bool = False) -> PodProgress:
    """A pod whose nodes m, t1 and t2 have these marks."""
    found = PodProgress(name="pod", created=NOW, ended=ended or end is not None)
    progress = Progress.of(PLAN)
    for name, mark in zip(("m", "test.t1", "test.t2"), marks, strict=True):
        progress.set(uid(name), Mark(mark))
    progress.end = end
    found.feed(encode(progress.snapshot(NOW)))
    return found


@pytest.mark.parametrize(
    ("marks", "end", "ended", "kind"),
    [
        pytest.param("www", None, False, Kind.WAIT, id="not begun"),
        pytest.param("rww", None, False, Kind.WAIT, id="running"),
        pytest.param("spr", None, False, Kind.WAIT, id="a test still runs"),
        pytest.param("spp", None, False, Kind.DONE, id="all well, while the pod goes on"),
        pytest.param("spW", None, False, Kind.DONE, id="a warning"),
        pytest.param("npp", None, False, Kind.DONE, id="no-op"),
        pytest.param("eww", None, False, Kind.FAILED, id="the model failed"),
        pytest.param("sfr", None, False, Kind.WAIT, id="a test failed and another runs: the message is to be whole"),
        pytest.param("sfp", None, False, Kind.FAILED, id="a test failed"),
        pytest.param("sep", None, False, Kind.FAILED, id="a test could not run"),
        pytest.param("kkk", None, False, Kind.REST, id="skipped, since a parent failed"),
        pytest.param("spk", None, False, Kind.REST, id="a test skipped, since what else it reads failed"),
        pytest.param("sfk", None, False, Kind.FAILED, id="failed is more than skipped"),
        pytest.param("rww", None, True, Kind.LOST, id="pod lost while it ran"),
        pytest.param("www", None, True, Kind.LOST, id="pod lost before"),
        pytest.param("spw", None, True, Kind.LOST, id="pod lost before a test"),
        pytest.param("sp.", None, True, Kind.LOST, id="pod lost, nothing known of a test"),
        pytest.param("rww", ExitReason.INTERRUPTED, True, Kind.LOST, id="interrupted"),
        pytest.param("spp", ExitReason.INTERRUPTED, True, Kind.DONE, id="finished before the interrupt"),
        pytest.param("...", ExitReason.SUCCESS, True, Kind.ABSENT, id="not part of the run"),
        pytest.param("sp.", ExitReason.SUCCESS, True, Kind.DONE, id="a test that was not selected"),
    ],
)
def test_a_models_task(marks: str, end: ExitReason | None, ended: bool, kind: Kind) -> None:
    assert judge(DUTY, told(marks, end=end, ended=ended)).kind is kind


@pytest.mark.parametrize(
    ("marks", "kind"), [("spr", Kind.WAIT), ("spp", Kind.DONE), ("epf", Kind.FAILED), ("ekk", Kind.REST)]
)
def test_the_task_of_loose_tests(marks: str, kind: Kind) -> None:
    assert judge(CHECKS, told(marks)).kind is kind


def test_a_model_that_was_asked_for_again_is_not_done_because_an_earlier_try_built_it() -> None:
    """The pod was lost and goes on; meanwhile somebody cleared a model that was built before."""
    pod = told("spp", end=ExitReason.SUCCESS)
    pod.resumed = True
    assert judge(DUTY, pod).kind is Kind.DONE
    assert judge(replace(DUTY, rerun=True), pod).kind is Kind.ABSENT
    pod.resumed = False  # a whole run that was cleared: the pod built it
    assert judge(replace(DUTY, rerun=True), pod).kind is Kind.DONE


def test_the_rest_is_what_was_skipped() -> None:
    assert judge(DUTY, told("spk")).rest == (key_of(uid("test.t2")),)
    assert set(judge(DUTY, told("kkk")).rest) == set(DUTY.at)


def test_a_report_says_what_dbt_said() -> None:
    pod = told("www")
    pod.artifacts = "runs/x"
    pod.feed(encode(NodeEvent.of(uid("m"), "success", at=NOW, seconds=1.5, rows=42)))
    pod.feed(encode(NodeEvent.of(uid("test.t1"), "fail", at=NOW, failures=3, message="Got 3 results")))
    pod.feed(encode(NodeEvent.of(uid("test.t2"), "pass", at=NOW, seconds=0.1)))
    text, result = report(DUTY, pod)
    assert "success in 1.50 s, 42 rows  model.p.m" in text
    assert "fail, 3 rows found  test.p.t1: Got 3 results" in text
    assert "runs/x" in text
    assert (result.rows, result.seconds, result.tests) == (42, 1.5, {"fail": 1, "pass": 1})
    assert result.failures == [Failure(unique_id=uid("test.t1"), status="fail", message="Got 3 results")]
    assert result.exit_reason is ExitReason.TEST_FAILURE
    pod.feed(encode(NodeEvent.of(uid("test.t2"), "error", at=NOW, message="boom")))
    assert report(DUTY, pod)[1].exit_reason is ExitReason.NODE_FAILURE  # a test that could not be run found nothing
