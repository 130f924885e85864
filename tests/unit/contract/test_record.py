"""Records: identity from the environment, and summaries that always fit a termination message."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podbt.contract import layout
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import CommandSummary, Failure, NodeRecord, RunIdentity, Summary, counts_of, failures_of
from podbt.errors import ConfigError

DOCUMENT = Path(__file__).parents[3] / "docs/runs.md"


def test_identity_survives_the_environment() -> None:
    identity = RunIdentity(
        dag_id="d", run_id="scheduled__2026-01-01T00:00:00+00:00", task_id="g.t", map_index=3, try_number=2
    )
    assert RunIdentity.from_env(identity.to_env()) == identity


def test_no_identity_is_a_person() -> None:
    assert RunIdentity.from_env({"PODBT_TRY_NUMBER": "2"}) is None


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"PODBT_DAG_ID": "d"}, "PODBT_RUN_ID, PODBT_TASK_ID is not"),
        ({"PODBT_DAG_ID": "d", "PODBT_RUN_ID": "r", "PODBT_TASK_ID": "t", "PODBT_TRY_NUMBER": "two"}, "whole numbers"),
    ],
)
def test_half_an_identity_is_refused(env: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RunIdentity.from_env(env)


failures = st.lists(
    st.builds(Failure, unique_id=st.text(max_size=300), status=st.just("error"), message=st.text(max_size=3000)),
    max_size=20,
)


commands = st.lists(
    st.builds(
        CommandSummary, command=st.text(max_size=500), exit_reason=st.sampled_from(ExitReason), artifacts=st.text("é")
    ),
    max_size=30,
)


@given(failures, st.none() | st.text(max_size=20000), commands)
def test_a_termination_message_always_fits_and_reads_back(
    failing: list[Failure], error: str | None, ran: list[CommandSummary]
) -> None:
    summary = Summary(
        status=RunStatus.FAILED, exit_reason=ExitReason.NODE_FAILURE, error=error, failures=failing, artifacts="runs/x",
        commands=ran,
    )  # fmt: skip
    text = summary.to_termination_message()
    assert len(text.encode()) <= 4096
    back = Summary.parse_json(text, source="message")
    assert back.exit_reason is ExitReason.NODE_FAILURE
    assert back.artifacts == "runs/x"


@given(st.text(min_size=1), st.text(min_size=1))
def test_folder_names_are_safe_and_distinct(one: str, other: str) -> None:
    name = layout.folder_name(one)
    assert 0 < len(name) <= 110
    assert name not in {".", ".."}
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
    if one != other:
        assert layout.folder_name(other) != name


def test_each_of_several_commands_has_a_folder_beside_the_others() -> None:
    identity = RunIdentity(dag_id="d", run_id="r", task_id="t", map_index=3)
    folders = [layout.run_folder(identity.model_copy(update={"part": part})) for part in (None, 1, 2)]
    assert folders == ["runs/d/r/t@3/try-1", "runs/d/r/t@3@command-1/try-1", "runs/d/r/t@3@command-2/try-1"]


@given(st.data())
def test_no_task_shares_a_folder_with_another_ones_mapped_or_later_command(data: st.DataObject) -> None:
    names = st.sampled_from(["each", "each.0", "each@0", "each.command-1", "each@command-1", "each.0.command-1", "0"])
    identities = st.builds(
        RunIdentity, dag_id=st.just("d"), run_id=st.just("r"), task_id=names,
        map_index=st.integers(-1, 1), part=st.sampled_from([None, 1, 2]),
    )  # fmt: skip
    one, other = data.draw(identities), data.draw(identities)
    assert (layout.run_folder(one) == layout.run_folder(other)) == (one == other)


def test_a_run_folder_is_readable() -> None:
    identity = RunIdentity(
        dag_id="dental_nightly", run_id="manual__2026-01-01T02:00:00+00:00", task_id="build", try_number=2
    )
    folder = layout.run_folder(identity)
    assert folder.startswith("runs/dental_nightly/manual__2026-01-01T02-00-00-00-00-")
    assert folder.endswith("/build/try-2")


def node(unique_id: str, status: str, resource_type: str = "model") -> NodeRecord:
    return NodeRecord(unique_id=unique_id, name=unique_id, resource_type=resource_type, status=status, seconds=1.0)


def test_models_come_before_tests_among_the_failures() -> None:
    nodes = [
        node("test.p.t", "fail", "test"),
        node("unit_test.p.u", "fail", "unit_test"),
        node("model.p.ok", "success"),
        node("model.p.m", "error"),
    ]
    assert [item.unique_id for item in failures_of(nodes)] == ["model.p.m", "test.p.t", "unit_test.p.u"]
    assert counts_of(nodes) == {"total": 4, "error": 1, "fail": 2, "success": 1}


def test_a_summary_refuses_unknown_keys() -> None:
    with pytest.raises(ConfigError, match="surprise: is not a known key"):
        Summary.parse_json(json.dumps({"status": "success", "exit_reason": "success", "surprise": 1}), source="m")


def test_the_table_of_exit_reasons_is_complete() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+|-) \| .* \| ([^|]*) \|$", DOCUMENT.read_text(), flags=re.MULTILINE)
    told = {name: (code, airflow) for name, code, airflow in rows}
    assert set(told) == set(ExitReason)
    for reason in ExitReason:
        code, airflow = told[reason]
        assert code == ("-" if reason is ExitReason.LOST else str(int(reason.exit_code)))
        if reason.status == "failed":
            assert airflow.startswith("retries" if reason.retryable else "fails at once")
        else:
            assert airflow.strip("*") == {"success": "success", "skipped": "skipped"}[reason.status]
