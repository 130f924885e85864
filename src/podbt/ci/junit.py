"""The report of a pull request's build for forges: JUnit's XML, a test case a node."""

from xml.etree import ElementTree as ET

from podbt.ci.outcome import NOT_PRINTED, Review, Verdict
from podbt.contract.kinds import NodeStatus
from podbt.contract.record import NodeRecord


def junit(review: Review) -> str:
    """The report. Nothing to build is one passed test case: an empty file is an error in most forges."""
    nodes = review.nodes
    whole = review.error is not None and not review.failed
    suite = ET.Element(
        "testsuite",
        name=f"dbt of pull request {review.pull_request}",
        tests=str(len(nodes) + (whole or not nodes)),
        failures=str(sum(node.status == NodeStatus.FAIL for node in nodes)),
        errors=str(sum(node.failed and node.status != NodeStatus.FAIL for node in nodes) + whole),
        skipped=str(len(review.skipped)),
        time=f"{sum(review.seconds.values()):.3f}",
    )
    for node in nodes:
        suite.append(_case(node))
    if whole or not nodes:
        case = ET.SubElement(suite, "testcase", name="podbt ci", classname="podbt")
        if review.error:
            _said(case, "error", review.error, kind=str(review.verdict))
        elif review.verdict is Verdict.NOTHING:
            ET.SubElement(case, "system-out").text = "The pull request changes nothing that dbt builds."
    root = ET.Element("testsuites")
    root.append(suite)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(node: NodeRecord) -> ET.Element:
    kind, _, name = node.unique_id.partition(".")
    case = ET.Element("testcase", name=_clean(name), classname=f"dbt.{kind}", time=f"{node.seconds:.3f}")
    if node.path:
        case.set("file", _clean(node.path))
    if node.failed:
        _said(case, "failure" if node.status == NodeStatus.FAIL else "error", node.message or node.status, node.status)
    elif node.status in {NodeStatus.SKIPPED, NodeStatus.INTERRUPTED}:
        ET.SubElement(case, "skipped", message=_clean(node.message or node.status))
    elif node.status == NodeStatus.WARN:
        ET.SubElement(case, "system-out").text = _clean(node.message or node.status)
    return case


def _said(case: ET.Element, tag: str, message: str, kind: str) -> None:
    first = next(iter(message.splitlines()), message)
    ET.SubElement(case, tag, message=_clean(first), type=_clean(kind)).text = _clean(message)


def _clean(text: object) -> str:
    return str(text).translate(NOT_PRINTED)
