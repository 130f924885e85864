"""What is done is left out of dbt's selection, and what was built from what runs again is not."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from tests.support.tries import node

from podbt.runner.dbt.selection import Selection

graphs = st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7)), max_size=8)


def children_in(graph: dict[int, set[int]]) -> Callable[[set[str]], set[str]]:
    edges = {a: {b for b in graph.get(a, set()) if b > a} for a in range(8)}

    def children(ids: set[str]) -> set[str]:
        found: set[str] = set()
        waiting = [int(i) for i in ids]
        while waiting:
            new = edges[waiting.pop()] - {int(i) for i in found}
            found |= {str(i) for i in new}
            waiting += new
        return found

    return children


@given(graphs, st.sets(st.integers(0, 7)))
def test_nothing_stays_done_that_was_built_from_what_runs_again(graph: dict[int, set[int]], done: set[int]) -> None:
    children = children_in(graph)
    again: set[str] = set()
    selection = Selection(expect=lambda _: None, again=again.update)
    selection.leave_out([node(str(i)) for i in done])
    selected = {str(i) for i in range(8)}
    left = selection.left(selected, children)
    assert selected - {str(i) for i in done} <= left
    assert not children(left) - left
    assert again == left & {str(i) for i in done}
    assert selection.left(selected, children) == left


@given(graphs, st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)))
def test_an_ephemeral_model_runs_nothing_again_by_itself(
    graph: dict[int, set[int]], done: set[int], inlined: set[int]
) -> None:
    children, again = children_in(graph), set[str]()
    selection = Selection(expect=lambda _: None, again=again.update)
    selection.leave_out([node(str(i)) for i in done - inlined])
    selected, ephemeral = {str(i) for i in range(8)}, {str(i) for i in inlined}
    left = selection.left(selected, children, inlined=ephemeral)
    real = selected - {str(i) for i in done} - ephemeral
    assert again == {one for one in {str(i) for i in done - inlined} if one in children(real)}
    assert left == selected - {str(i) for i in done - inlined} | again


def test_a_unit_test_that_passed_stays_done_when_its_model_did_not() -> None:
    again: set[str] = set()
    selection = Selection(expect=lambda _: None, again=again.update)
    selection.leave_out([node("unit_test.p.a.u"), node("test.p.t")])
    tests = {"unit_test.p.a.u", "test.p.t"}
    left = selection.left({"model.p.a", *tests}, lambda ids: tests if "model.p.a" in ids else set())
    assert left == {"model.p.a", "test.p.t"}
    assert again == {"test.p.t"}
