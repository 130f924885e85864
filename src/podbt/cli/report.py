"""The verb `podbt report`: a run's page as one HTML file."""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from podbt.cli.runs import add_store, open_store
from podbt.errors import ConfigError


def add_report(verbs: Any) -> None:
    """Adds the verb to the command's parser."""
    report = verbs.add_parser(
        "report", help="write a run's page as one HTML file: for a pull request, a mail, an archive"
    )
    report.add_argument("run", nargs="?", default="latest", help="its folder in the artifact store (runs/…), or latest")
    report.add_argument("-o", "--output", help="the file, or - for standard output (default: named by DAG and task)")
    report.add_argument("--airflow", metavar="URL", help="where people open Airflow, for links to the task and its log")
    add_store(report)
    report.set_defaults(verb=_report)


def _report(options: argparse.Namespace) -> int:
    from podbt.store.runs import read_run  # noqa: PLC0415 - `podbt run` needs none of these
    from podbt.web.report import render, view_of  # noqa: PLC0415

    airflow = options.airflow
    if airflow and not airflow.startswith(("http://", "https://")):
        raise ConfigError(f"--airflow '{airflow}' is not http(s)://host[:port][/path].")
    store = open_store(options)
    run = read_run(store, options.run)
    view = view_of(store, run, airflow=f"{airflow.rstrip('/')}/" if airflow else None, tell=_tell)
    text = render(view)
    if options.output == "-":
        sys.stdout.write(text)
        return 0
    who = view.start.identity
    file = Path(options.output or f"{who.dag_id}.{who.task_id}.html".replace("/", "-"))
    try:
        _write(file, text)
    except OSError as error:
        raise ConfigError(f"The report could not be written to '{file}': {error.strerror}.") from None
    print(f"podbt: wrote {file}: {run.path}, {view.status}, {len(text.encode()):,} bytes")
    return 0


def _tell(line: str) -> None:
    print(f"podbt: {line}", file=sys.stderr)


def _write(file: Path, text: str) -> None:
    """Whole or not at all."""
    if file.exists() and not file.is_file():  # a device or a pipe is not to be replaced
        file.write_text(text, encoding="utf-8")
        return
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
