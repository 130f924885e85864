# ruff: noqa: INP001 - a script beside the pages, not part of the package
"""Writes the marked regions of dags/ into README.md and docs/.

Usage: python docs/regions.py [--check]

A region stands between `# [START name]` and `# [END name]` in a DAG file, which Airflow and the tests load. A page
shows it in the block of code after `<!-- region: name -->`. With --check nothing is written, and a difference is an
error.
"""

import argparse
import re
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]

_MARK = re.compile(r"^ *# \[(START|END) (.*)\]$")
_BLOCK = re.compile(r"(?<=<!-- region: )([^\n]*)( -->\n```python\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
_MENTION = re.compile(r"<!-- region: ([^\n]*) -->")


def regions(files: Iterable[Path]) -> dict[str, str]:
    """Reads the regions of some DAG files.

    Returns:
        Each region's text by its name, without the indentation that its lines share.

    Raises:
        ValueError: A name occurs twice, or a mark lacks its other half.
    """
    found: dict[str, str] = {}
    for file in files:
        name, lines = "", list[str]()
        for line in file.read_text(encoding="utf-8").splitlines():
            mark = _MARK.match(line)
            if not mark:
                lines.append(line)
            elif mark[1] == "START" and not name and mark[2] not in found:
                name, lines = mark[2], []
            elif mark[1] == "END" and mark[2] == name:
                found[name] = textwrap.dedent("\n".join(lines)).strip("\n") + "\n"
                name = ""
            else:
                raise ValueError(f"{file.name}: [{mark[1]} {mark[2]}] is out of place, or its name was used before")
        if name:
            raise ValueError(f"{file.name}: [START {name}] has no [END {name}]")
    return found


def mentioned(text: str) -> list[str]:
    """The names of the regions that a page shows."""
    return _MENTION.findall(text)


def filled(text: str, known: dict[str, str]) -> str:
    """A page's text with its regions as they are now.

    Raises:
        ValueError: The page names a region that there is not, or a mark has no block of Python after it.
    """
    names = mentioned(text)
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no region {unknown[0]!r} in dags/; there are {', '.join(sorted(known))}")
    if len(_BLOCK.findall(text)) != len(names):
        raise ValueError("each <!-- region: … --> needs a ```python block right after it")
    return _BLOCK.sub(lambda block: f"{block[1]}{block[2]}{known[block[1]]}", text)


def generated() -> dict[Path, str]:
    """What each page that shows a region has to hold.

    Raises:
        ValueError: As above, or no page shows a region.
    """
    known = regions(sorted((ROOT / "dags").glob("*.py")))
    files = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    pages = {file: file.read_text(encoding="utf-8") for file in files}
    if unused := known.keys() - {name for text in pages.values() for name in mentioned(text)}:
        raise ValueError(f"no page shows the regions {', '.join(sorted(unused))} of dags/")
    return {page: filled(text, known) for page, text in pages.items() if mentioned(text)}


def main() -> None:
    """Writes the pages, or compares them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="report pages that differ instead of writing them")
    options = parser.parse_args()
    try:
        pages = generated()
    except (OSError, ValueError) as error:
        sys.exit(f"{error}")
    stale = [page for page, text in pages.items() if page.read_text(encoding="utf-8") != text]
    if options.check and stale:
        names = ", ".join(str(page.relative_to(ROOT)) for page in stale)
        sys.exit(f"Not up to date: {names}. Run: python docs/regions.py")
    for page in stale:
        page.write_text(pages[page], encoding="utf-8")


if __name__ == "__main__":
    main()
