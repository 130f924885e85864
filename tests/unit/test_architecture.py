"""Imports point one way, and modules stay small enough to read."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/podbt"

_DBT = {"dbt", "dbt_common", "psycopg2"}
_LINEAGE = {"openlineage", "requests"}
_TELEMETRY = {"opentelemetry"}
# What each part may import of podbt, and which large libraries.
ALLOWED = {
    "contract": ({"constants", "errors", "contract"}, set[str]()),
    "store": ({"constants", "errors", "contract", "store"}, {"obstore"}),
    "runner": ({"constants", "errors", "contract", "store", "runner"}, _DBT | _LINEAGE | _TELEMETRY),
    "ci": ({"constants", "errors", "contract", "store", "runner", "ci"}, set()),
    "promote": ({"constants", "errors", "contract", "promote"}, set[str]()),
    "web": (
        {"constants", "errors", "contract", "store", "web"},
        {"airflow", "fastapi", "starlette", "jinja2", "markupsafe"},
    ),
    "cli": ({"constants", "errors", "contract", "store", "runner", "web", "ci", "promote", "cli"}, set()),
    "pod": ({"constants", "errors", "contract", "pod"}, {"kubernetes"}),
    "airflow": (
        {"constants", "errors", "contract", "store", "pod", "airflow"},
        {"airflow", "kubernetes", "kubernetes_asyncio", "aiohttp", "docker", "requests", *_TELEMETRY},
    ),
}
# The rooms of a part, the modules at its top among them: what each may import of the others, and which of its part's
# large libraries.
ROOMS = {
    "runner": {
        "process": (set[str](), set[str]()),
        "dbt": ({"process"}, _DBT),
        "database": ({"process", "dbt"}, _DBT),
        "report": ({"process", "dbt"}, set[str]()),
        "lineage": ({"process", "dbt"}, _LINEAGE),
        "telemetry": ({"process", "dbt"}, _TELEMETRY),
        "observers": ({"process", "lineage", "telemetry"}, set[str]()),
        "prepare": ({"process", "dbt", "database", "report"}, set[str]()),
        "publish": ({"process", "dbt", "database", "report", "prepare"}, set[str]()),
        "run": ({"process", "dbt", "database", "observers", "report", "prepare", "publish"}, set[str]()),
        "sequence": ({"process", "dbt", "prepare", "report"}, set[str]()),
        "main": ({"process", "dbt", "database", "report", "prepare", "publish", "run", "sequence"}, set[str]()),
    },
}
_WORDS = {"kinds", "model"}
ROOMS["contract"] = {
    "kinds": (set(), set()),
    "model": (set(), set()),
    "exits": ({"kinds"}, set()),
    "step": ({"kinds", "variables"}, set()),
    "plan_nodes": ({"kinds"}, set()),
    "plan_file": (_WORDS | {"plan_nodes"}, set()),
    "plan": ({"plan_file", "plan_nodes"}, set()),
    "plans": ({"model", "plan"}, set()),
    "settings": (_WORDS | {"variables"}, set()),
    "batches": ({"model"}, set()),
    "record": (_WORDS | {"batches", "exits"}, set()),
    "state": ({"model"}, set()),
    "project_vars": (set(), set()),
    "layout": ({"record"}, set()),
    "names": ({"record"}, set()),
    "runs": ({"record"}, set()),
    "outcome": ({"exits", "record"}, set()),
    "result": ({"exits", "model", "record"}, set()),
    "events": (_WORDS | {"exits", "record"}, set()),
    "journal": (_WORDS | {"record"}, set()),
    "invocation": ({"kinds", "record", "settings", "step"}, set()),
    "exact": ({"kinds"}, set()),
    "variables": (set(), set()),
    "born": (set(), set()),
    "demands": ({"exact", "model", "plan", "plan_nodes", "settings", "step"}, set()),
}
_FAILING = {"store", "failures"}
ROOMS["store"] = {
    "store": (set(), set()),
    "failures": (set(), set()),
    "volume": ({"store"}, set()),
    "bucket": ({"store"}, {"obstore"}),
    "location": ({"bucket", "store", "volume"}, set()),
    "owner": ({"store"}, set()),
    "pointers": ({"store"}, set()),
    "alive": ({"store"}, set()),
    "sink": (_FAILING | {"volume"}, set()),  # its local file is written as one of a volume's
    "runs": (_FAILING, set()),
    "beside": (_FAILING | {"alive", "runs"}, set()),
    "prune": (_FAILING | {"runs"}, set()),
    "gaps": ({"store"}, set()),
    "manifests": (set(), set()),
    "run_folder": (_FAILING | {"gaps", "manifests", "pointers", "runs", "sink"}, set()),
    "recover": ({"alive", "run_folder", "runs", "store"}, set()),
    "tries": ({"alive", "recover", "runs", "store"}, set()),
}
ROOMS["ci"] = {
    "request": (set(), set()),
    "profile": (set(), set()),
    "manifest": (set(), set()),
    "changes": ({"manifest"}, set()),
    "before": (set(), set()),
    "child": (set(), set()),
    "outcome": ({"changes"}, set()),
    "flow": ({"before", "changes", "child", "manifest", "outcome", "profile", "request"}, set()),
    "markdown": ({"changes", "outcome"}, set()),
    "junit": ({"outcome"}, set()),
    "main": ({"before", "flow", "junit", "markdown", "outcome", "profile", "request"}, set()),
}
_ASKED = {"graph", "index"}
_SERVER = {"fastapi", "starlette"}
ROOMS["web"] = {
    "graph": (set(), set()),
    "sources": (set(), set()),
    "compare": (set(), set()),
    "figures": ({"graph"}, set()),
    "read": ({"figures", "graph"}, set()),
    "index": ({"graph", "sources"}, set()),
    "live": (set(), set()),
    "views": (_ASKED | {"compare", "figures", "read"}, set()),
    "templates": (set(), set()),
    "static": (set(), set()),
    "render": (set(), {"jinja2", "markupsafe"}),
    "report": ({"index", "read", "render", "views"}, {"markupsafe"}),
    # The pages as a server answers them. Who may see what is asked of Airflow in `access` alone.
    "site": (_ASKED | {"live", "render"}, _SERVER),
    "routes": ({"index", "render", "report", "site", "views"}, _SERVER),
    "app": ({"index", "routes", "site"}, _SERVER),
    "access": ({"index"}, {"airflow"}),
    "serve": ({"access", "app", "index", "site"}, _SERVER),
    "plugin": ({"serve"}, {"airflow"}),
}
ROOMS["cli"] = {
    "render": (set(), set()),
    "runs": ({"render"}, set()),
    "ci": (set(), set()),
    "promotion": (set(), set()),
    "versions": (set(), set()),
    "report": ({"runs"}, set()),
    "main": ({"ci", "promotion", "report", "runs", "versions"}, set()),
}
ROOMS["promote"] = {
    "config": (set(), set()),
    "statements": (set(), set()),
    "tools": (set(), set()),
    "values": (set(), set()),
    "image": (set(), set()),
    "lock": ({"statements", "values"}, set()),
    "record": ({"statements"}, set()),
    "registry": ({"config", "statements", "tools"}, set()),
    "signing": ({"registry", "statements", "tools"}, set()),
    "evidence": ({"config", "registry", "signing", "statements"}, set()),
    "deploy": ({"config", "tools"}, set()),
    "release": ({"config", "evidence", "registry", "signing", "statements", "tools", "values"}, set()),
    "approval": ({"tools", "values"}, set()),
    "chart": ({"config", "lock", "registry", "signing", "tools"}, set()),
    "sbom": ({"image", "tools"}, set()),
    "compare": ({"image", "tools"}, set()),
    "smoke": ({"config", "statements", "tools"}, set()),
    "make": (
        {"config", "image", "lock", "release", "sbom", "smoke", "statements", "tools"},
        set(),
    ),
    "flow": (
        {
            "approval",
            "config",
            "deploy",
            "evidence",
            "lock",
            "record",
            "registry",
            "signing",
            "statements",
            "tools",
            "values",
        },
        set(),
    ),
}
ROOMS["airflow"] = {
    "api": (set(), {"airflow"}),
    "links": ({"api"}, {"airflow"}),
    "awaited": (set(), set()),
    "supported": (set(), set()),
    "triggerer": ({"awaited", "observe", "supported"}, {"airflow"}),
    "left": ({"api", "pods", "supported"}, {"airflow"}),
    "pods": (set(), {"aiohttp", "kubernetes", "kubernetes_asyncio"}),
    "observe": ({"api", "supported"}, {"airflow", *_TELEMETRY}),
    "approval": (set(), {"airflow"}),
    "notify": ({"links", "api"}, {"airflow"}),
    "assets": ({"links", "api"}, {"airflow"}),
    "catalog": ({"assets"}, set()),
    "signed": (set(), set()),
    "overrides": (set(), set()),
    "resolve": ({"catalog", "signed"}, set()),
    "cosmos": ({"catalog", "resolve", "signed"}, {"kubernetes"}),
    "runtimes": ({"pods"}, {"airflow", "docker", "requests"}),
    "worker": ({"api", "assets", "observe", "pods", "resolve", "runtimes"}, {"airflow"}),
    "operator": (
        {"api", "assets", "awaited", "catalog", "links", "observe", "overrides", "runtimes", "supported", "worker"},
        {"airflow"},
    ),
    "pod_operator": ({"operator"}, {"airflow"}),
    "trigger": ({"links", "api", "left", "observe", "pods", "resolve"}, {"airflow"}),
    "group": (
        {
            "api",
            "assets",
            "awaited",
            "catalog",
            "left",
            "links",
            "observe",
            "operator",
            "pods",
            "resolve",
            "supported",
            "trigger",
        },
        {"airflow", "kubernetes_asyncio"},
    ),
    # Old places.
    "group_triggers": ({"group"}, set()),
    "model_trigger": ({"group"}, set()),
}
LARGE = {
    "airflow",
    "obstore",
    "upath",
    "fsspec",
    "dbt",
    "dbt_common",
    "kubernetes",
    "kubernetes_asyncio",
    "aiohttp",
    "psycopg2",
    "docker",
    "requests",
    "fastapi",
    "starlette",
    "jinja2",
    "markupsafe",
    "openlineage",
    "opentelemetry",
}

BUCKETS = ["obstore", "fsspec", "upath"]  # a store on a volume costs no import of these


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is imported from a package may be a module of it.
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name for name in inner if _is_module(name)]
            yield from found if len(found) == len(inner) else [node.module, *found]


def _is_module(name: str) -> bool:
    path = SOURCE.parent / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_point_one_way(part: str) -> None:
    own, libraries = ALLOWED[part]
    files = list((SOURCE / part).rglob("*.py"))
    assert files
    for file in files:
        for name in imports(file):
            top, *rest = name.split(".")
            if top == "podbt":
                assert rest[0] in own, f"{file.relative_to(ROOT)} imports {name}"
            else:
                assert top not in LARGE - libraries, f"{file.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("part", ROOMS)
def test_rooms_import_one_way(part: str) -> None:
    rooms = ROOMS[part]
    assert {path.stem for path in (SOURCE / part).iterdir() if path.name[0] != "_"} == set(rooms)
    for room, (below, libraries) in rooms.items():
        path = SOURCE / part / room
        files = list(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        assert files or room in {"templates", "static"}
        for file in files:
            for name in imports(file):
                top, *rest = name.split(".")
                if [top, *rest[:1]] == ["podbt", part]:
                    assert len(rest) > 1, f"{file.relative_to(ROOT)} imports {name}, which is no room"
                    assert rest[1] in below | {room}, f"{file.relative_to(ROOT)} imports {name}"
                else:
                    assert top not in LARGE - libraries, f"{file.relative_to(ROOT)} imports {name}"


def test_nobody_asks_which_store_it_is() -> None:
    implementations = {"podbt.store.volume", "podbt.store.bucket"}
    users = {_module(file) for file in SOURCE.rglob("*.py") if implementations & {*imports(file)}}
    assert users == {"podbt.store.location", "podbt.store.sink"}
    for file in SOURCE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        asked = [ast.unparse(call) for call in calls if ast.unparse(call.func) == "isinstance"]
        assert not [text for text in asked if {"Path", "Volume", "Bucket"} & {*re.findall(r"\w+", text)}], file


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports within functions count: they hide a circle and do not open it."""
    modules = {_module(file): file for file in SOURCE.rglob("*.py")}
    assert len(modules) > len(ALLOWED)
    left = {module: set(imports(file)) & set(modules) - {module} for module, file in modules.items()}
    while leaves := {module for module, imported in left.items() if not imported & set(left)}:
        left = {module: imported for module, imported in left.items() if module not in leaves}
    assert {module: sorted(imported & set(left)) for module, imported in left.items()} == {}


def _module(file: Path) -> str:
    return ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        pytest.param("podbt.cli", ["pydantic", "yaml"], id="the command before it can be told to stop"),
        pytest.param("podbt.cli, podbt.cli.render", ["airflow", "kubernetes", "dbt", *BUCKETS], id="the command alone"),
        pytest.param("podbt.runner.main, podbt.runner.dbt.bake", ["airflow", "kubernetes", *BUCKETS], id="the runner"),
        pytest.param(
            "podbt.airflow.operator, podbt.airflow.group.model_group",
            ["dbt", "kubernetes", "kubernetes_asyncio", "docker"],
            id="what DAG files import",
        ),
        pytest.param("podbt.airflow.runtimes.local", ["dbt", "kubernetes", "docker"], id="the local runtime"),
        pytest.param("podbt.airflow.runtimes.docker", ["dbt", "kubernetes"], id="the docker runtime"),
        pytest.param("podbt.airflow.pod_operator", ["dbt", "docker"], id="the pod operator"),
        pytest.param("podbt.pod.build", ["airflow", "dbt"], id="the pod builder"),
        pytest.param(
            "podbt.web.report, podbt.web.read", ["airflow", "fastapi", "kubernetes", "dbt", *BUCKETS], id="a report"
        ),
        pytest.param("podbt.web.app", ["airflow", "kubernetes", "dbt", *BUCKETS], id="the pages"),
        pytest.param("podbt.web.plugin", ["fastapi", "jinja2", "kubernetes", "dbt"], id="what all of Airflow imports"),
        pytest.param("podbt.store.bucket", ["airflow", "dbt", "fsspec", "upath"], id="a store in a bucket"),
    ],
)
def test_a_part_imports_where_the_others_libraries_are_absent(modules: str, absent: list[str]) -> None:
    program = f"import sys\nfor name in {absent}: sys.modules[name] = None\nimport {modules}"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_modules_are_small() -> None:
    folders = ("src", "dags", "tests", "k8s/local", "dbt_dental_models", "helm")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    assert len(files) > len(folders)
    large = {str(file.relative_to(ROOT)): n for file in files if (n := len(file.read_text().splitlines())) > 400}
    assert large == {}
