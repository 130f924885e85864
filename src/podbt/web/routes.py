"""What each address answers. A page shows runs of DAGs that its reader may see, and of others not even that they are.

A page reads the index, and of the store only single files of one run: a run that lasts, a node's compiled SQL, the
site of `dbt docs`, and a manifest that nobody has looked at yet.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from podbt.store.store import final_of
from podbt.web.index.database import Scope
from podbt.web.index.runs import Filter
from podbt.web.render import query
from podbt.web.report import compiled_path
from podbt.web.site import HEADERS, SITE_POLICY, STATIC, RunPath, Site, Text
from podbt.web.views.node import Catalog, NodeView, SourcesView
from podbt.web.views.overview import PERIODS, Overview
from podbt.web.views.run import RunView


@dataclass
class _Asked:
    """The filters of the list, as they stand in its address."""

    dag_id: Text = ""
    run_id: Text = ""
    task_id: Text = ""
    target: Text = ""
    status: Text = ""
    period: Text = ""


def add_runs(app: FastAPI, site: Site, scope: Callable[..., Scope]) -> None:
    """The list of runs, and one run."""

    @app.get("/")
    def start() -> Response:
        return RedirectResponse("runs", headers=HEADERS)

    @app.get("/runs")
    def runs(
        seen: Annotated[Scope, Depends(scope)],
        asked: Annotated[_Asked, Depends()],
        page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    ) -> Response:
        now, given = datetime.now(UTC), vars(asked)
        wanted = Filter(
            dag=asked.dag_id or None,
            run=asked.run_id or None,
            task=asked.task_id or None,
            target=asked.target or None,
            status=asked.status or None,
            since=now - PERIODS[asked.period] if asked.period in PERIODS else None,
        )
        view = Overview(site.database, seen, wanted, given, now=now, page=page)
        late = sum(one.status == "late" for one in view.going) + len(view.overdue)
        return site.page("runs.html", "runs", view=view, late=late, turn=lambda to: query("runs", **given, page=to))

    @app.get("/run")
    def run(seen: Annotated[Scope, Depends(scope)], path: RunPath) -> Response:
        view = _published(site, seen, path) or _lasting(site, seen, path)
        if view is None:
            raise HTTPException(404)
        return site.page("run.html", "run", view=view)

    @app.get("/task")
    def task(
        seen: Annotated[Scope, Depends(scope)], dag_id: Text, run_id: Text, task_id: Text, map_index: Text = "-1"
    ) -> Response:
        index = int(map_index) if re.fullmatch(r"-?\d{1,9}", map_index) else -1
        found = site.runs.of_task(dag_id, run_id, task_id, seen, map_index=index)
        if found:
            return RedirectResponse(query("run", path=final_of(found[0])), headers=HEADERS)
        if site.runs.siblings(dag_id, run_id, seen):
            return RedirectResponse(query("runs", dag_id=dag_id, run_id=run_id), headers=HEADERS)
        text = "This task has left no record that you may see. One appears here once its dbt has begun."
        return site.page("problem.html", "runs", title="No record yet", text=text, again=True)


def add_nodes(app: FastAPI, site: Site, scope: Callable[..., Scope]) -> None:
    """One node over time, all nodes, the sources."""

    @app.get("/model")
    def model(seen: Annotated[Scope, Depends(scope)], id: Text, target: Text = "") -> Response:  # noqa: A002
        manifest = site.nodes.last_manifest(id, seen, target=target or None) or site.nodes.last_manifest(None, seen)
        view = NodeView(id, site.database, seen, site.graph(manifest), target or None)
        if not view.history and not view.ages and view.node is None:
            raise HTTPException(404)
        return site.page("model.html", "models", view=view)

    @app.get("/models")
    def models(seen: Annotated[Scope, Depends(scope)], q: Text = "", kind: Text = "") -> Response:
        graph = site.graph(site.nodes.last_manifest(None, seen))
        return site.page("models.html", "models", view=Catalog(graph, site.database, seen, q, kind))

    @app.get("/sources")
    def sources(seen: Annotated[Scope, Depends(scope)], target: Text = "") -> Response:
        graph = site.graph(site.nodes.last_manifest(None, seen))
        return site.page("sources.html", "sources", view=SourcesView(site.database, seen, graph, target or None))


def add_files(app: FastAPI, site: Site, scope: Callable[..., Scope]) -> None:
    """What is shown of a run's own files, and the style sheet and script."""

    @app.get("/sql")
    def sql(seen: Annotated[Scope, Depends(scope)], path: RunPath, id: Text) -> Response:  # noqa: A002
        run = site.runs.run(path, seen)
        node = next((node for node in run.nodes if node.unique_id == id), None) if run else None
        content = site.file(compiled_path(path, node)) if node else None
        if content is None:
            raise HTTPException(404)
        return PlainTextResponse(site.render.text(content.decode(errors="replace")), headers=HEADERS)

    @app.get("/docs")
    def docs(seen: Annotated[Scope, Depends(scope)]) -> Response:
        rows = site.database.query(
            f"SELECT path FROM runs WHERE docs AND {seen.sql()} "
            "ORDER BY image IS :image DESC, finished_at DESC LIMIT 1",
            {**seen.parameters, "image": (deployed := site.deployed(seen))},
        )
        found = site.runs.find(str(rows[0]["path"]), seen) if rows else None
        return site.page("docs.html", "docs", site=found, deployed=deployed)

    @app.get("/site")
    def whole_site(seen: Annotated[Scope, Depends(scope)], path: RunPath) -> Response:
        row = site.runs.find(path, seen)
        content = site.file(f"{path}/static_index.html") if row and row.docs else None
        if content is None:
            raise HTTPException(404)
        return Response(content, media_type="text/html", headers={**HEADERS, "Content-Security-Policy": SITE_POLICY})

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in STATIC:
            raise HTTPException(404)
        content = files("podbt.web").joinpath("static", name).read_bytes()
        return Response(content, media_type=STATIC[name], headers={**HEADERS, "Cache-Control": "private, max-age=300"})


def _published(site: Site, seen: Scope, path: str) -> RunView | None:
    row = site.runs.find(path, seen)
    run = site.runs.run(path, seen) if row else None
    if row is None or run is None:
        return None
    before = site.runs.before(row, seen)
    graph = site.graph(run.record.manifest)
    return RunView(
        path=path,
        start=run.record,
        record=run.record,
        nodes=run.nodes,
        now=datetime.now(UTC),
        graph=graph,
        before=site.runs.run(before, seen) if before else None,
        tries=site.runs.tries(row, seen),
        trend=site.runs.trend(row.task, until=run.record.started_at),
        airflow="../",
    )


def _lasting(site: Site, seen: Scope, path: str) -> RunView | None:
    one = next((one for one in site.runs.live(seen) if final_of(one.path) == path), None)
    if one is None:
        return None
    told = site.live.read(site.open_store(), one.path)
    start = told.alive.start if told else one.alive.start
    who = start.identity
    row_like = {"dag": who.dag_id, "task": who.task_id, "map_index": who.map_index, "part": who.part}
    last = site.runs.last(row_like, seen)
    return RunView(
        path=path,
        start=start,
        alive=told.alive if told else one.alive,
        nodes=told.nodes if told else [],
        now=datetime.now(UTC),
        graph=site.graph(last.record.manifest if last else None),
        trend=site.runs.trend(row_like),
        airflow="../",
    )
