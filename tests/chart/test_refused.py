"""Values that would fail later are refused at once, in one line: the table that docs/chart-values-refused.md shows."""

import json
import re
from typing import Any

import pytest
import yaml
from tests.support.chart.manifests import CHART, EVALUATION, NAMESPACE, RELEASE, run_helm

CASES: list[dict[str, Any]] = yaml.safe_load((CHART / "ci" / "refused.yaml").read_text())


def name(case: dict[str, Any]) -> str:
    return str(case.get("release") or case.get("namespace") or json.dumps(case["values"]))[:80]


def said(stderr: str) -> str:
    """What helm says, without its preamble: one line."""
    if failed := re.search(r"\.yaml:\d+:\d+\): (.*)", stderr):
        return failed[1]
    (line,) = [line.removeprefix("- ") for line in stderr.splitlines() if line.startswith("- at ")]
    return line


@pytest.mark.parametrize("case", CASES, ids=name)
def test_refused_in_one_line(case: dict[str, Any]) -> None:
    where = ["--namespace", case.get("namespace", NAMESPACE), "--values", str(EVALUATION), "--values", "-"]
    result = run_helm("template", case.get("release", RELEASE), CHART, *where, stdin=json.dumps(case["values"]))
    assert result.returncode != 0
    line = said(result.stderr)
    if case["says"].endswith("does not match pattern"):
        assert line.startswith(case["says"])
    else:
        assert line == case["says"]


def test_they_are_many_and_differ() -> None:
    assert len(CASES) >= 60
    assert len({json.dumps(case, sort_keys=True) for case in CASES}) == len(CASES)
