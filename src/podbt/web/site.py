"""What all pages stand on: the index, the store, the templates, and the headers of every answer."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from typing import Annotated, Any, Final

from fastapi import Query
from fastapi.responses import HTMLResponse

from podbt.errors import PodbtError
from podbt.store.failures import store_errors
from podbt.store.store import Store
from podbt.web.graph import Graph
from podbt.web.index.database import Database, Scope
from podbt.web.index.keeper import Keeper
from podbt.web.index.nodes import Graphs, Nodes
from podbt.web.index.runs import Runs
from podbt.web.live import Live
from podbt.web.render import Renderer

HEADERS: Final = {
    # No inline script or style, nothing from elsewhere, and in nobody's frame but Airflow's own.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SITE_POLICY: Final = (
    # dbt's pages run scripts of their own on texts of the project: in an origin of their own, without a network.
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
STATIC: Final = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
_PATH: Final = r"^runs(/[A-Za-z0-9_-][A-Za-z0-9_.-]*){3}/try-\d+(\.\d+)?$"
_LONG: Final = 1000

RunPath = Annotated[str, Query(pattern=_PATH, max_length=_LONG)]
Text = Annotated[str, Query(max_length=_LONG)]


@dataclass
class Site:
    """What the pages stand on.

    Attributes:
        database: The index.
        keeper: Keeps it up to date.
        open_store: Makes the store's client.
        scope_of: Of some DAGs, those whose runs a user may read.
        mask: Takes secrets that the process knows out of a text.
        login_address: Where somebody is sent who is not logged in, and wanted to see a page.
    """

    database: Database
    keeper: Keeper
    open_store: Callable[[], Store]
    scope_of: Callable[[Any, Iterable[str]], Scope]
    mask: Callable[[str], str] = lambda text: text
    login_address: Callable[[str], str] | None = None
    live: Live = field(default_factory=Live)

    def __post_init__(self) -> None:
        self.render = Renderer(mask=self.mask)
        self.runs = Runs(self.database)
        self.nodes = Nodes(self.database)
        self.graphs = Graphs(self.database)

    def page(self, template: str, here: str, /, status: int = 200, **what: Any) -> HTMLResponse:
        noted = {row["key"]: row["value"] for row in self.database.query("SELECT key, value FROM meta")}
        seen_at = noted.get("seen_at")
        state = {
            "left": int(noted.get("left") or 0),
            "seen_at": datetime.fromisoformat(seen_at) if seen_at else None,
            "error": noted.get("error") or "",
        }
        html = self.render.page(template, here=here, state=state, version=VERSION, **what)
        return HTMLResponse(html, status_code=status, headers=HEADERS)

    def graph(self, manifest: str | None) -> Graph | None:
        """The project of a manifest, where it is known or the store has it."""
        try:
            return self.graphs.get(manifest, self.open_store())
        except PodbtError:
            return None
        except store_errors():
            return None

    def file(self, path: str | None) -> bytes | None:
        """A file of a run; None where there is none, or what is named lies elsewhere."""
        try:
            store = self.open_store()
            return store.read(path) if path and store.contains(path) else None
        except PodbtError:
            return None
        except store_errors():
            return None

    def deployed(self, seen: Scope) -> str | None:
        """The image of the run that ended last."""
        rows = self.database.query(
            f"SELECT image FROM runs WHERE image IS NOT NULL AND {seen.sql()} ORDER BY finished_at DESC LIMIT 1",
            seen.parameters,
        )
        return str(rows[0]["image"]) if rows else None


def _version() -> str:
    content = b"".join(files("podbt.web").joinpath("static", name).read_bytes() for name in sorted(STATIC))
    return hashlib.sha256(content).hexdigest()[:8]


VERSION: Final = _version()
