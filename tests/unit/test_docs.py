"""The pages hold together: links lead somewhere, and every decision is in the index."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADR = ROOT / "docs" / "adr"
PAGES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()
    if (ROOT / name).exists()
)  # fmt: skip

FENCE = re.compile(r"^ *(```|~~~).*?^ *\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text())


@cache
def anchors(page: Path) -> frozenset[str]:
    """The names of a page's headings, as those who show Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


def test_there_are_links_to_follow() -> None:
    assert sum(len(LINK.findall(prose(page))) for page in PAGES) > len(PAGES)


def test_the_index_has_every_decision_once_and_in_order() -> None:
    numbers = {path.name: path.name.partition("-")[0] for path in sorted(ADR.glob("[0-9]*.md"))}
    index = re.findall(r"^\| \[(\d+)\]\(([^)]+)\) \| \S.* \|$", (ADR / "README.md").read_text(), re.MULTILINE)
    assert [(number, name) for name, number in numbers.items()] == index
    assert len(set(numbers.values())) == len(numbers)


@pytest.mark.parametrize("decision", sorted(ADR.glob("[0-9]*.md")), ids=lambda path: path.name[:4])
def test_a_decision_has_its_number_its_date_and_its_parts(decision: Path) -> None:
    text = decision.read_text()
    assert text.startswith(f"# {decision.name[:4]}: ")
    assert re.search(r"^(Accepted|Superseded by \[.*), \d{4}-\d\d-\d\d\.$", text, re.MULTILINE)
    parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert parts[:2] == ["Context", "Decision"]
    assert {"Rejected", "Consequences"} <= set(parts)
