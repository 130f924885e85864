"""docs/architecture.md names modules that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACES = ("src/podbt", ".")


def test_every_module_and_folder_that_the_page_names_is_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    named = set(re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", text))
    assert len(named) > 30
    missing = {name for name in named if not any((ROOT / place / name).exists() for place in PLACES)}
    assert missing == set()
