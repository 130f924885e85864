"""Both reports of a pull request's build, whatever a database says in its messages."""

from xml.etree import ElementTree as ET

from tests.support.records import identity, record

from podbt.ci.changes import Change, Changes
from podbt.ci.junit import junit
from podbt.ci.markdown import markdown
from podbt.ci.outcome import Review, Verdict
from podbt.contract.record import NodeRecord
from podbt.contract.runs import Run

_BAD = "a | pipe, <b>HTML</b>, `code`\n``` \x00\x08 fence"


def _node(unique_id: str, status: str, message: str | None = None, seconds: float = 1.0) -> NodeRecord:
    return NodeRecord(
        unique_id=unique_id, name=unique_id, resource_type=unique_id.partition(".")[0], status=status, seconds=seconds,
        message=message,
    )  # fmt: skip


def _review(*nodes: NodeRecord) -> Review:
    run = Run(path="runs/x", record=record(identity(1), list(nodes)), nodes=list(nodes))
    return Review(
        pull_request="42",
        schema="ci_42",
        target="review",
        state="prod of today",
        changes=Changes(modified=[Change("model.shop.a", _BAD)], notes=[_BAD]),
        selected=[node.unique_id for node in nodes],
        build=run,
        usual={"model.shop.a": 2.5, "model.shop.other": 7.5},
        project_size=9,
        dropped=["ci_42"],
        seconds={"build": 3.0},
        verdict=Verdict.FAILED,
        error="1 of 3 failed",
    )


def test_markdown_shows_what_a_message_says_as_itself() -> None:
    text = markdown(_review(_node("model.shop.a", "error", _BAD), _node("test.shop.t", "skipped", _BAD)))
    assert "\n    a | pipe, <b>HTML</b>, `code`\n    ```  fence\n" in text
    assert "| `test.shop.t` | a \\| pipe, &lt;b&gt;HTML&lt;/b&gt;, \\`code\\` \\`\\`\\`" in text
    assert "- a \\| pipe, &lt;b&gt;" in text


def test_markdown_compares_with_production() -> None:
    text = markdown(_review(_node("model.shop.a", "success"), _node("test.shop.t", "pass")))
    assert "the database worked 2.0 s. The same nodes take 2.5 s where the state was built, all 2 nodes 10.0 s." in text
    assert "| `model.shop.a` | success | 1.00 | 2.50 |  |" in text
    assert "| 1 tests | pass | 1.00 |  |  |" in text


def test_junit_counts_as_forges_do_and_is_xml_whatever_is_said() -> None:
    nodes = [
        _node("model.shop.a", "error", _BAD),
        _node("test.shop.t", "fail", _BAD),
        _node("model.shop.b", "skipped"),
        _node("model.shop.c", "success"),
    ]
    (suite,) = ET.fromstring(junit(_review(*nodes))).iter("testsuite")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    cases = {case.get("name"): [child.tag for child in case] for case in suite}
    assert cases == {"shop.a": ["error"], "shop.t": ["failure"], "shop.b": ["skipped"], "shop.c": []}


def test_junit_tells_of_a_run_that_left_no_node() -> None:
    (suite,) = ET.fromstring(junit(_review())).iter("testsuite")
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    assert [error.get("message") for error in suite.iter("error")] == ["1 of 3 failed"]
