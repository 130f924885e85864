"""index.py FOLDER: makes a folder of wheels and source distributions an index that pip reads (PEP 503).

`python3 -m http.server --directory FOLDER` then serves it at /simple/.
"""

import hashlib
import html
import sys
from pathlib import Path


def main(name: str) -> None:
    folder = Path(name)
    links = []
    for file in sorted([*folder.glob("*.whl"), *folder.glob("*.tar.gz")]):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        links.append(f'<a href="../../{html.escape(file.name)}#sha256={digest}">{html.escape(file.name)}</a><br>\n')
    page = folder / "simple/podbt/index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"<!doctype html><title>podbt</title>\n{''.join(links)}", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
