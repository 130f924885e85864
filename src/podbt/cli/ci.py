"""The verbs `podbt ci` and `podbt state`. Both need dbt beside podbt."""

import argparse
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from podbt.contract.kinds import OnMissingState
from podbt.errors import ConfigError


def add_verbs(verbs: Any) -> None:
    """Adds the verbs to the command's parser."""
    ci = verbs.add_parser("ci", help="build what a pull request changed, in schemas of its own, and drop them again")
    ci.add_argument("--pr", metavar="NUMBER", help="the pull request; its schemas are called ci_NUMBER, ci_NUMBER_…")
    work = ci.add_mutually_exclusive_group()
    work.add_argument("--drop", action="store_true", help="only drop its schemas: it was closed")
    work.add_argument("--reap", action="store_true", help="drop what runs left that were killed, of every pull request")
    ci.add_argument("--older-than-hours", type=float, default=24, help="of --reap (default: %(default)s)")
    ci.add_argument("--target", help="whose connection of profiles.yml is used (default: the profile's)")
    ci.add_argument("--state", help="a target's name in the artifact store, or a folder (with a slash in it)")
    ci.add_argument(
        "--on-missing-state", choices=[*map(str, OnMissingState)], default="fail", help="(default: %(default)s)"
    )
    ci.add_argument("--prefix", default="ci_", help="what the schemas begin with (default: %(default)s)")
    ci.add_argument("--no-check", action="store_true", help="leave out the build without rows that comes first")
    ci.add_argument("--no-clone", action="store_true", help="build incremental models from nothing, not on a copy")
    ci.add_argument("--dry-run", action="store_true", help="build nothing, say what would be built")
    ci.add_argument("--keep", action="store_true", help="let the schemas stay")
    ci.add_argument("--wait-seconds", type=float, default=600, help="for another run of it (default: %(default)s)")
    ci.add_argument("--report", type=Path, metavar="FILE", help="write Markdown there")
    ci.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit's XML there")
    ci.add_argument("dbt", nargs="*", metavar="-- DBT", help="behind two dashes: --exclude, --vars, --full-refresh …")
    ci.set_defaults(verb=_ci)
    state = verbs.add_parser("state", help="write the state that this image stands for, for podbt ci --state FOLDER/")
    state.add_argument("--target", required=True, help="whose relations it names")
    state.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    state.set_defaults(verb=_state)


def _ci(options: argparse.Namespace) -> int:
    from podbt.ci import main  # noqa: PLC0415 - dbt is only in the dbt image
    from podbt.ci.request import Request  # noqa: PLC0415
    from podbt.constants import ENV_SCRATCH, SCRATCH_PATH  # noqa: PLC0415
    from podbt.runner.dbt.arguments import Arguments  # noqa: PLC0415

    if options.reap:
        if options.older_than_hours < 0:
            raise ConfigError("--older-than-hours is a number of hours from 0 on.")
        return main.reap(options.target, timedelta(hours=options.older_than_hours))
    if not options.pr:
        raise ConfigError("--pr is missing: give the pull request's number, or --reap for what killed runs left.")
    if not options.drop and not options.state:
        raise ConfigError("--state is missing: give the target to compare with (prod), or a folder of `podbt state`.")
    request = Request(
        pull_request=options.pr,
        prefix=options.prefix,
        target=options.target,
        state=options.state or "",
        check=not options.no_check,
        clone=not options.no_clone,
        keep=options.keep,
        dry_run=options.dry_run,
        full_if_missing=options.on_missing_state == OnMissingState.FULL,
        wait_seconds=options.wait_seconds,
        more=Arguments.parse(options.dbt),
        scratch=Path(os.environ.get(ENV_SCRATCH) or SCRATCH_PATH),
    )
    if options.drop:
        return main.drop(request)
    return main.build(request, report=options.report, junit_file=options.junit)


def _state(options: argparse.Namespace) -> int:
    from podbt.ci import main  # noqa: PLC0415 - dbt is only in the dbt image

    return main.export_state(options.target, options.output.resolve())
