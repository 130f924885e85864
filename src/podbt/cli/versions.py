"""`podbt version`: what is installed, in one place to copy into a report."""

import argparse
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from podbt import constants

# What podbt runs on, wherever it is installed beside it.
_PACKAGES: Final = (
    "dbt-core", "dbt-adapters", "dbt-postgres", "apache-airflow", "apache-airflow-providers-cncf-kubernetes",
    "astronomer-cosmos", "apache-airflow-providers-docker", "obstore", "pydantic",
)  # fmt: skip


def add_version(verbs: Any) -> None:
    """Adds the verb to the command's parser."""
    parser = verbs.add_parser("version", help="print podbt's version, and what it stands on")
    parser.add_argument("--all", action="store_true", help="Python, dbt, Airflow, the image's plan and tools, too")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(verb=_version)


def _version(options: argparse.Namespace) -> int:
    found = _found(everything=options.all)
    if options.json:
        print(json.dumps(found))
    else:
        width = max(map(len, found))
        print("\n".join(f"{name:{width}}  {what}" for name, what in found.items()))
    return 0


def _found(*, everything: bool) -> dict[str, str]:
    found = {"podbt": version("podbt")}
    if not everything:
        return found
    found["python"] = platform.python_version()
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if revision := os.environ.get(constants.ENV_REVISION):
        found["image's revision"] = revision
    if baked := os.environ.get(constants.ENV_BAKED):
        found["image's plan"] = _plan(Path(baked) / constants.PLAN_FILE)
    return found | _tools()


def _plan(file: Path) -> str:
    from podbt.contract.plan import load_plan  # noqa: PLC0415 - only where there is one
    from podbt.errors import ConfigError  # noqa: PLC0415

    try:
        plan = load_plan(file)
    except ConfigError as error:
        return str(error)
    return f"{plan.hash} ({plan.project}, dbt {plan.dbt_version})"


def _tools() -> dict[str, str]:
    from podbt.promote.tools import TOOLS, found_version  # noqa: PLC0415 - asks programs for their versions

    said = {name: found_version(name) for name in TOOLS}
    return {
        name: have if tool.fits(have) else f"{have} (promotion needs {tool.version})"
        for name, tool in TOOLS.items()
        if (have := said[name])
    }
