"""`podbt plan`: what an image build bakes, so that a pod neither parses nor installs."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from podbt import constants
from podbt.contract.demands import demands_of
from podbt.contract.kinds import RUNNABLE, ResourceType
from podbt.contract.plan import Plan, PlanGroup, PlanNode, PlanSelector, PlanSource
from podbt.errors import ConfigError
from podbt.runner.dbt.seams import patched
from podbt.runner.dbt.template import Watch, save

_REQUIRED_ENV = re.compile(r"env_var\(\s*['\"](\w+)['\"]\s*\)")
_PLACEHOLDER = "1"  # passes for a host name as well as for a port
_SELECTABLE = re.compile(r"[\w.-]+")  # a group of another name (blanks, commas, wildcards) no --select can mean
_PACKAGE_FILES = ("packages.yml", "dependencies.yml")


def bake(project: Path, output: Path) -> Plan:
    """Parses a project without a database and writes plan.json, manifest.json and partial_parse.msgpack.

    Args:
        project: The dbt project's folder.
        output: Where the three files go.

    Returns:
        The plan.

    Raises:
        ConfigError: The project cannot be parsed; the message is dbt's.
    """
    if not (project / "dbt_project.yml").is_file():
        raise ConfigError(f"No dbt_project.yml in '{project}'. Give the folder of a dbt project.")
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        _point_dbt_at(project, _profiles(project, Path(scratch)), Path(scratch))
        if any((project / name).is_file() for name in _PACKAGE_FILES):
            _dbt(["deps"])
        parsed = Path(scratch) / "target" / constants.PARTIAL_PARSE_FILE
        watch = Watch()
        with patched(watch.seams):
            manifest = _dbt(["parse"])
        shutil.copyfile(parsed.with_name(constants.MANIFEST_FILE), output / constants.MANIFEST_FILE)
        if not save(parsed, output / parsed.name, watch):
            _each_target(parsed, output)
        plan = _plan(manifest)
    text = json.dumps(plan.model_dump(mode="json", exclude_none=True), sort_keys=True, separators=(",", ":"))
    (output / constants.PLAN_FILE).write_text(text + "\n", encoding="utf-8")
    return plan


def _each_target(parsed: Path, output: Path) -> None:
    """Parses once a target, for a project that looks at the connection while it is parsed."""
    profiles = yaml.safe_load((Path(os.environ["DBT_ENGINE_PROFILES_DIR"]) / constants.PROFILES_FILE).read_text())
    project = yaml.safe_load((Path(os.environ["DBT_ENGINE_PROJECT_DIR"]) / "dbt_project.yml").read_text())
    for target in profiles[project["profile"]]["outputs"]:
        parsed.unlink()
        watch = Watch()
        with patched(watch.seams):
            _dbt(["parse", "--target", target])
        save(parsed, output / f"{parsed.stem}.{target}{parsed.suffix}", watch)
        looked_at = ", ".join(sorted(watch.depends_on()))
        print(f"podbt: target {target}: the parse fits connections that agree in {looked_at}")


def _profiles(project: Path, scratch: Path) -> Path:
    """The project's template with placeholders for credentials, or a profile made up for the project."""
    if (project / constants.PROFILES_FILE).is_file():
        text = (project / constants.PROFILES_FILE).read_text(encoding="utf-8")
        for name in _REQUIRED_ENV.findall(text):
            os.environ.setdefault(name, _PLACEHOLDER)
        return project
    data = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    if not isinstance(data, dict) or not data.get("profile"):
        raise ConfigError(f"'{project / 'dbt_project.yml'}' names no profile. Add a line 'profile: <name>'.")
    connection = {"type": "postgres", "host": "localhost", "port": 5432, "user": "build", "password": "", "threads": 1}
    outputs = {"build": {**connection, "dbname": "build", "schema": "build"}}
    (scratch / constants.PROFILES_FILE).write_text(
        yaml.safe_dump({data["profile"]: {"target": "build", "outputs": outputs}})
    )
    return scratch


def _point_dbt_at(project: Path, profiles: Path, scratch: Path) -> None:
    os.environ |= {
        "DBT_ENGINE_PROJECT_DIR": str(project),
        "DBT_ENGINE_PROFILES_DIR": str(profiles),
        "DBT_ENGINE_TARGET_PATH": str(scratch / "target"),
        "DBT_ENGINE_LOG_PATH": str(scratch / "logs"),
        "DBT_ENGINE_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_ENGINE_USE_COLORS": "false",
    }


def _dbt(arguments: Sequence[str], manifest: Any = None) -> Any:
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - slow to import, and read only after the environment is set

    response = dbtRunner(manifest=manifest).invoke(list(arguments))
    if not response.success:
        raise ConfigError(f"dbt {' '.join(arguments)} failed: {response.exception or 'see its output above'}")
    return response.result


def _plan(manifest: Any) -> Plan:
    nodes: dict[str, Any] = {**manifest.nodes, **manifest.unit_tests}
    return Plan.seal(
        project=manifest.metadata.project_name,
        dbt_version=version("dbt-core"),
        nodes={key: _node(node) for key, node in sorted(nodes.items()) if str(node.resource_type) in RUNNABLE},
        sources={key: _source(source) for key, source in sorted(manifest.sources.items())},
        selectors={
            name: PlanSelector(
                description=str(definition.get("description") or ""), nodes=_resolve(manifest, "--selector", name)
            )
            for name, definition in sorted(manifest.selectors.items())
        },
        groups={
            group.name: PlanGroup(
                owner=_owner(group.owner), nodes=_resolve(manifest, "--select", f"group:{group.name}")
            )
            for _, group in sorted(manifest.groups.items())
            if _SELECTABLE.fullmatch(group.name)
        },
    )


def _node(node: Any) -> PlanNode:
    demands_of(getattr(node.config, "meta", None) or {}, node.unique_id)  # refused here, not at night
    return PlanNode(
        name=node.name,
        resource_type=ResourceType(str(node.resource_type)),
        path=node.original_file_path,
        tags=sorted(node.tags if hasattr(node, "tags") else node.config.tags or []),
        materialized=getattr(node.config, "materialized", None),
        depends_on=sorted(getattr(node.depends_on, "nodes", [])),  # a seed depends on macros alone
        meta=dict(getattr(node.config, "meta", None) or {}),
        description=getattr(node, "description", "") or "",
    )


def _source(source: Any) -> PlanSource:
    return PlanSource(name=source.name, source_name=source.source_name, has_freshness=bool(source.has_freshness))


def _owner(owner: Any) -> str | None:
    address = owner.email[0] if isinstance(owner.email, list) and owner.email else owner.email
    return owner.name or address or None


def _resolve(manifest: Any, *selection: str) -> list[str]:
    """Asks dbt which nodes a selection means."""
    lines = _dbt(["--quiet", "ls", *selection, "--output", "json", "--output-keys", "unique_id"], manifest=manifest)
    return sorted({str(json.loads(line)["unique_id"]) for line in lines})
