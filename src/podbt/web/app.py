"""The pages as a FastAPI application. Every route asks for a login."""

import sqlite3
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, RedirectResponse
from starlette.exceptions import HTTPException

from podbt.web.index.database import Scope
from podbt.web.routes import add_files, add_nodes, add_runs
from podbt.web.site import HEADERS, Site

_NOT_THERE: Final = "It does not exist, was pruned, or is of a DAG that you may not read."


def make_app(site: Site, *, login: Callable[..., Any]) -> FastAPI:
    """The application.

    Args:
        site: What the pages stand on.
        login: A route's dependency that gives the user, and refuses whoever is not logged in.
    """
    # Nothing is authenticated unless it asks for it: here all routes do, and the generated documentation is off.
    app = FastAPI(dependencies=[Depends(login)], docs_url=None, redoc_url=None, openapi_url=None)

    def scope(user: Annotated[Any, Depends(login)]) -> Scope:
        site.keeper.watched()
        return site.scope_of(user, site.runs.dag_ids())

    add_runs(app, site, scope)
    add_nodes(app, site, scope)
    add_files(app, site, scope)
    _add_problems(app, site)
    return app


def _add_problems(app: FastAPI, site: Site) -> None:
    """What is said where a page cannot be shown."""

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        wants_page = "text/html" in request.headers.get("accept", "")
        if error.status_code == HTTPStatus.UNAUTHORIZED and wants_page and site.login_address:
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(site.login_address(path), status_code=303, headers=HEADERS)
        if error.status_code == HTTPStatus.NOT_FOUND and wants_page:
            return site.page("problem.html", "", 404, title="Not found", text=_NOT_THERE, again=False)
        return PlainTextResponse(str(error.detail), status_code=error.status_code, headers=HEADERS)

    @app.exception_handler(RequestValidationError)
    async def wrong(_: Request, error: RequestValidationError) -> Response:
        names = ", ".join(str(one["loc"][-1]) for one in error.errors())
        text = f"The address of this page is not complete, or wrong in: {names}."
        return site.page("problem.html", "", 400, title="Wrong address", text=text, again=False)

    @app.exception_handler(sqlite3.Error)
    async def no_index(_: Request, error: sqlite3.Error) -> Response:
        text = f"podbt's index of the artifact store at '{site.database.file}' cannot be used: {error}."
        return PlainTextResponse(text, status_code=503, headers=HEADERS)
