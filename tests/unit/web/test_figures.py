import json
from typing import Any

import pytest
from tests.support.pages import AT, manifest, ran, skipped

from podbt.contract.record import NodeRecord
from podbt.web.figures import Figures, blocking
from podbt.web.graph import Graph, read_graph

CHAIN = ("model.a", "model.b < model.a", "model.c < model.b", "model.d < model.a")


def graph(*lines: str, **more: dict[str, Any]) -> Graph:
    return read_graph(json.dumps(manifest(*lines, **more)).encode(), source="manifest")


def figures(*nodes: NodeRecord, lines: tuple[str, ...] = CHAIN, **fields: Any) -> Figures:
    return Figures(nodes=list(nodes), graph=graph(*lines), **fields)


def names(nodes: list[NodeRecord]) -> list[str]:
    return [node.name for node in nodes]


def test_the_critical_path_is_the_chain_that_takes_longest() -> None:
    found = figures(ran("model.a", 0, 2), ran("model.b", 2, 5), ran("model.c", 5, 6), ran("model.d", 2, 5.5))
    assert names(found.critical_path.nodes) == ["a", "b", "c"]
    assert found.critical_path.seconds == 6


def test_without_a_project_the_longest_node_is_all_that_is_known() -> None:
    found = Figures(nodes=[ran("model.a", 0, 2), ran("model.b", 2, 5)])
    assert names(found.critical_path.nodes) == ["b"]


def test_a_node_waits_for_the_last_that_it_reads_and_then_for_a_thread() -> None:
    found = figures(
        ran("model.a", 0, 2), ran("model.d", 2, 6), ran("model.b", 2, 3, thread="Thread-2"), ran("model.c", 6, 7)
    )
    assert found.timeline is not None
    bars = {bar.node.name: bar for bar in found.timeline.bars}
    assert (bars["a"].after, bars["a"].thread_wait) == (None, 0)
    assert (bars["b"].after, bars["b"].thread_wait) == ("model.p.a", 0)
    assert (bars["c"].after, bars["c"].thread_wait) == ("model.p.b", 3)


def test_lanes_are_threads_in_the_order_of_their_numbers() -> None:
    found = figures(*(ran(f"model.x{n}", 0, 1, thread=f"Thread-{n} (worker)") for n in (10, 2, 1)))
    assert found.timeline is not None
    assert found.timeline.lanes == ["Thread-1 (worker)", "Thread-2 (worker)", "Thread-10 (worker)"]
    assert [bar.lane for bar in found.timeline.bars] == [0, 2, 1]


def test_threads_are_busy_while_a_node_runs() -> None:
    found = figures(ran("model.a", 0, 4), ran("model.x", 0, 2, thread="Thread-2"), started=AT)
    assert (found.threads, found.busy, found.start_seconds) == (2, 0.75, 0)
    assert Figures(nodes=[]).busy is None


def test_ephemeral_models_are_passed_through() -> None:
    lines = ("model.a", "model.e < model.a", "model.b < model.e")
    assert blocking(graph(*lines), ["model.p.a", "model.p.b"], building=True)["model.p.b"] == {"model.p.a"}


@pytest.mark.parametrize("building", [True, False])
def test_in_a_build_a_test_comes_before_what_reads_the_tested_node(building: bool) -> None:
    lines = ("model.a", "model.b < model.a", "test.t < model.a", "test.both < model.a model.b")
    ids = ["model.p.a", "model.p.b", "test.p.t", "test.p.both"]
    found = blocking(graph(*lines), ids, building=building)
    assert found["model.p.b"] == ({"model.p.a", "test.p.t"} if building else {"model.p.a"})
    assert found["test.p.both"] == {"model.p.a", "model.p.b"}


def test_a_skipped_node_names_what_failed_above_it() -> None:
    found = figures(ran("model.a", 0, 1, status="error"), skipped("model.b"), skipped("model.c"), skipped("model.d"))
    assert names(found.skipped_because("model.p.c")) == ["a"]
    assert found.skipped_because("model.p.unknown") == []


def test_nodes_of_an_earlier_try_have_a_timeline_of_their_own() -> None:
    found = figures(ran("model.a", 0, 2, from_try=1), ran("model.b", 100, 103))
    assert found.timeline is not None
    assert (found.timeline.seconds, len(found.timeline.bars)) == (3, 1)
    assert found.earlier[1].seconds == 2
    assert names(found.critical_path.nodes) == ["b"]


def test_a_node_that_runs_lasts_until_now() -> None:
    node = ran("model.a", 0, 2).model_copy(update={"status": "started", "finished_at": None, "seconds": 0.0})
    assert figures(node).timeline is None
    found = figures(node, now=ran("model.x", 0, 9).finished_at)
    assert found.timeline is not None
    assert found.timeline.seconds == 9


def test_a_damaged_project_in_a_circle_has_no_critical_path() -> None:
    found = figures(ran("model.a", 0, 1), ran("model.b", 1, 2), lines=("model.a < model.b", "model.b < model.a"))
    assert found.critical_path.nodes == []


def test_a_clock_that_was_set_back_makes_no_bar_that_ends_before_it_begins() -> None:
    found = figures(ran("model.a", 5, 3), ran("model.b", 4, 6))
    assert found.timeline is not None
    assert all(bar.begin <= bar.end for bar in found.timeline.bars)


@pytest.mark.parametrize("junk", ["[]", '{"nodes": {"model.p.a": 7}}', '{"nodes": {"model.p.a": {"depends_on": 3}}}'])
def test_a_strange_manifest_says_less_and_breaks_nothing(junk: str) -> None:
    from podbt.errors import ConfigError

    if junk == "[]":
        with pytest.raises(ConfigError, match="no manifest"):
            read_graph(junk.encode(), source="m")
    else:
        assert read_graph(junk.encode(), source="m").parents_of("model.p.a") == ()


def test_the_owner_of_a_test_is_that_of_what_it_reads() -> None:
    found = graph("model.a", "test.t < model.a", a={"config": {"meta": {"owner": "Ann"}}})
    assert found.owner_of("test.p.t") == "Ann"
    assert found.owner_of("model.p.none") is None
