"""What a run locks, and where dbt lets it do so."""

import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podbt.runner.database.lock import Lock, locks_of
from podbt.runner.database.postgres import key_of

TABLES = st.lists(st.tuples(st.just("db"), st.sampled_from("ab"), st.sampled_from([f"t{n}" for n in range(6)])))


def conflict(one: list[Lock], other: list[Lock]) -> bool:
    def same(left: Lock, right: Lock) -> bool:
        return (left.database, left.schema, left.table) == (right.database, right.schema, right.table)

    return any(same(left, right) and not (left.shared and right.shared) for left in one for right in other)


@given(one=TABLES, other=TABLES, wide=st.sampled_from([1, 3, 100]))
def test_two_runs_exclude_each_other_where_they_share_a_table(one: Any, other: Any, wide: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("podbt.runner.database.lock.SCHEMA_WIDE", wide)
        left, right = locks_of(one), locks_of(other)
    shared = set(one) & set(other)
    assert not shared or conflict(left, right)
    if wide == 100:
        assert bool(shared) == conflict(left, right)
    assert left == sorted(left)
    schemas = {table[1] for table in one}
    assert len(left) <= len(schemas) * (wide + 1)


def test_the_key_of_a_table_never_changes() -> None:
    """Runs of two releases must exclude each other, too."""
    assert key_of(Lock("warehouse", "small", "x")) == key_of(Lock("warehouse", "small", "x", shared=True))
    assert key_of(Lock("warehouse", "small", "x")) == KEY


KEY = 482139971124325683


def test_the_patched_place_is_where_dbt_has_it() -> None:
    from dbt.task.clone import CloneTask
    from dbt.task.run import RunTask
    from dbt.task.runnable import GraphRunnableTask

    assert "self.before_run(" in inspect.getsource(GraphRunnableTask.execute_with_hooks)
    assert list(inspect.signature(GraphRunnableTask.execute_with_hooks).parameters) == ["self", "selected_uids"]
    for task in (RunTask, CloneTask):
        assert "execute_with_hooks" not in vars(task)
