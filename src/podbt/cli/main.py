"""The `podbt` command. `podbt run -- …` and `podbt plan` need dbt beside it; the rest does not."""

import argparse
import gc
import os
import platform
import re
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from podbt.cli import ci
from podbt.cli.promotion import add_promotion
from podbt.cli.report import add_report
from podbt.cli.runs import add_verbs
from podbt.cli.versions import add_version
from podbt.errors import ConfigError, PodbtError
from podbt.store.failures import store_errors, unreachable

_YOUNG_OBJECTS: Final = 100_000
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)


def main(argv: Sequence[str] | None = None) -> int:
    """Parses the command line and runs one verb.

    Returns:
        The exit code: 0, 2 for a wrong argument or setting, or what the verb says.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:2] == ["run", "--"]:
        # Not through argparse: everything behind the dashes is dbt's own, including --help.
        # The signals first, since the rest takes a moment to import.
        from podbt.runner.process.interrupts import Interrupts  # noqa: PLC0415 - dbt is only in the dbt image

        interrupts = Interrupts()
        interrupts.install()
        # Nearly all that dbt makes while it loads a project stays: looking for garbage every 700 objects finds none.
        gc.set_threshold(_YOUNG_OBJECTS)
        from podbt.runner.main import run  # noqa: PLC0415

        code = run(arguments[2:], interrupts)
        gc.freeze()  # else Python looks through all of it once more, only to end
        return code
    options = _parser().parse_args(arguments)
    try:
        code = int(options.verb(options))
        sys.stdout.flush()  # here, where a reader that has left is still to be caught
    except PodbtError as error:
        print(f"podbt: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `podbt runs show latest | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except store_errors() as error:
        print(
            f"podbt: {unreachable(getattr(options, 'artifacts', None) or 'the artifact store', error)}", file=sys.stderr
        )
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="podbt", description="dbt on Kubernetes from Airflow", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=_versions(), help="print podbt's version, and dbt's")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verbs.add_parser("run", help="run dbt with record and publication: podbt run -- build --select …").set_defaults(
        verb=lambda _: parser.error("give dbt's arguments behind two dashes: podbt run -- build --select …")
    )
    add_promotion(verbs)
    add_version(verbs)
    plan = verbs.add_parser("plan", help="parse a dbt project without a database and write what an image bakes")
    plan.add_argument("--project-dir", type=Path, default=Path())
    plan.add_argument("--output", type=Path, required=True)
    plan.add_argument("--target", action="append", default=[], metavar="NAMES", help="the targets it is for: prod,ci")
    plan.add_argument("--vars", default="", metavar="YAML", help="dbt's variables: '{name: value}'")
    plan.add_argument("--copy-to", type=Path, help="where the project is to lie in the image, with its packages")
    plan.add_argument("--secrets", type=Path, help="a file of NAME=value lines for the installation of packages alone")
    plan.add_argument(
        "--deps", choices=("yes", "no", ""), default="", help="no: take the project's own dbt_packages as they are"
    )
    plan.add_argument("--env", action="append", default=[], metavar="NAMES", help="variables: 'NAME=value OTHER=value'")
    plan.set_defaults(verb=_plan)
    ci.add_verbs(verbs)
    add_verbs(verbs)
    add_report(verbs)
    return parser


def _versions() -> str:
    """What is here of the distributions that a run depends on, and Python."""
    names = ("podbt", "dbt-core", "dbt-postgres", "apache-airflow")
    found = [(name, one.version) for name in names for one in distributions(name=name)]
    return ", ".join(f"{name} {one}" for name, one in [*found, ("Python", platform.python_version())])


def _plan(options: argparse.Namespace) -> int:
    # Nearly all that dbt makes while it loads a project stays: looking for garbage every 700 objects finds none.
    gc.set_threshold(_YOUNG_OBJECTS)
    from podbt.runner.dbt.bake import bake  # noqa: PLC0415 - dbt is only in the dbt image
    from podbt.runner.dbt.install import read_secrets  # noqa: PLC0415

    plan = bake(
        options.project_dir.resolve(),
        options.output.resolve(),
        targets=[name for names in options.target for name in names.replace(",", " ").split()],
        variables=options.vars,
        env=_assigned(options.env),
        deps=options.deps != "no",
        secrets=read_secrets(options.secrets),
        copy_to=options.copy_to.resolve() if options.copy_to else None,
    )
    print(
        f"podbt: planned {len(plan.nodes)} nodes and {len(plan.selectors)} selectors of {plan.project} "
        f"with dbt {plan.dbt_version}: {plan.hash}"
    )
    return 0


def _assigned(texts: Sequence[str]) -> dict[str, str]:
    """NAME=value words, split as a shell does, so that a value may hold blanks."""
    try:
        words = [word for text in texts for word in shlex.split(text)]
    except ValueError as error:
        raise ConfigError(f"--env: {error}. Quote a value with blanks: NAME='two words'.") from None
    for word in words:
        if not _ASSIGNMENT.fullmatch(word):
            raise ConfigError(f"--env: '{word.partition('=')[0]}' is no NAME=value.")
    return dict(word.split("=", 1) for word in words)
