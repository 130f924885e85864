"""The verbs about the artifact store: `podbt runs list | show | compare | recover` and `podbt prune`."""

import argparse
import json
import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from podbt import constants
from podbt.errors import ConfigError

if TYPE_CHECKING:
    from podbt.store.runs import Unreadable
    from podbt.store.store import Store

_DEFAULT_LIMIT = 20


def add_verbs(verbs: Any) -> None:
    """Adds the verbs to the command's parser."""
    runs = verbs.add_parser("runs", help="read published runs").add_subparsers(required=True, metavar="VERB")
    listing = runs.add_parser("list", help="list runs, the newest first")
    listing.add_argument("--dag", help="only runs of this DAG")
    listing.add_argument("--target", help="only runs on this dbt target")
    listing.add_argument("--status", help="only runs that ended so: success, failed, or an exit reason")
    listing.add_argument(
        "--limit", type=_at_least(1), default=_DEFAULT_LIMIT, help="at most so many (default: %(default)s)"
    )
    _finish(listing, _list)
    show = runs.add_parser("show", help="print a run's nodes: status, seconds, rows")
    show.add_argument("run", help="its folder in the artifact store (runs/…), or latest")
    _finish(show, _show)
    comparing = runs.add_parser("compare", help="print what differs between two runs, node by node")
    comparing.add_argument("before", help="the earlier run's folder")
    comparing.add_argument("after", help="the later run's folder, or latest")
    _finish(comparing, _compare)
    recovering = runs.add_parser("recover", help="publish what killed runs left, with the reason lost")
    _finish(recovering, _recover)
    pruning = verbs.add_parser("prune", help="remove old runs, and manifests that no run names any more")
    pruning.add_argument("--keep-days", type=_at_least(0), required=True, help="runs younger than this stay")
    pruning.add_argument("--keep-count", type=_at_least(1), required=True, help="so many newest runs of each task stay")
    pruning.add_argument(
        "--abandoned-after-minutes",
        type=_at_least(5),
        default=60,
        help="a run that was not published and is silent for so long is dead (default: %(default)s)",
    )
    pruning.add_argument("--dry-run", action="store_true", help="remove nothing, say what would be removed")
    _finish(pruning, _prune)


def _finish(parser: argparse.ArgumentParser, verb: Any) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_store(parser)
    parser.set_defaults(verb=verb)


def add_store(parser: argparse.ArgumentParser) -> None:
    """Lets a verb be told where the artifact store is."""
    parser.add_argument(
        "--artifacts",
        help="the artifact store: a folder, s3://bucket/prefix or gs://bucket/prefix "
        f"(default: ${constants.ENV_ARTIFACTS}, else {constants.ARTIFACTS_PATH})",
    )


def _at_least(least: int) -> Any:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least {least}")
        return int(text)

    return number


def open_store(options: argparse.Namespace) -> "Store":
    """The store that a verb was told of."""
    from podbt.store.location import Location  # noqa: PLC0415 - `podbt run` needs none of these

    return Location.read(options.artifacts).open()


def _warn(run: object) -> None:
    """One line about a run that cannot be read; on stderr, so that JSON stays JSON."""
    print(f"podbt: {run}", file=sys.stderr)


def _list(options: argparse.Namespace) -> int:
    from podbt.cli.render import runs_json, runs_table  # noqa: PLC0415
    from podbt.store.runs import STATUSES, list_runs  # noqa: PLC0415

    if options.status and options.status not in STATUSES:
        raise ConfigError(f"No run ends as '{options.status}'. Give one of {', '.join(STATUSES)}.")
    runs = list_runs(
        open_store(options),
        dag=options.dag,
        target=options.target,
        status=options.status,
        limit=options.limit,
        tell=_warn,
    )
    print(runs_json(runs) if options.json else runs_table(runs))
    return 0


def _show(options: argparse.Namespace) -> int:
    from podbt.cli.render import run_json, run_table  # noqa: PLC0415
    from podbt.store.runs import read_run  # noqa: PLC0415
    from podbt.web.read import figures_of  # noqa: PLC0415

    store = open_store(options)
    run = read_run(store, options.run)
    figures = figures_of(store, run)
    print(run_json(run, figures) if options.json else run_table(run, figures))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from podbt.cli.render import comparison_json, comparison_table  # noqa: PLC0415
    from podbt.store.runs import read_run  # noqa: PLC0415

    store = open_store(options)
    before, after = read_run(store, options.before), read_run(store, options.after)
    print(comparison_json(before, after) if options.json else comparison_table(before, after))
    return 0


def _recover(options: argparse.Namespace) -> int:
    from podbt.store.recover import recover_abandoned  # noqa: PLC0415
    from podbt.store.runs import folders  # noqa: PLC0415

    store = open_store(options)
    open_ones = [folder.path for folder in folders(store) if not folder.published and not folder.removed]
    recovered = [path for one in open_ones if (path := recover_abandoned(store, one))]
    if options.json:
        print(json.dumps({"recovered": recovered}))
    else:
        for path in recovered:
            print(f"recovered {path}")
        print(
            f"podbt: recovered {len(recovered)} of {len(open_ones)} unpublished runs; the others last or left no word"
        )
    return 0


def _prune(options: argparse.Namespace) -> int:
    from podbt.store import prune  # noqa: PLC0415
    from podbt.store.owner import claim  # noqa: PLC0415

    store = open_store(options)
    if instance := os.environ.get(constants.ENV_INSTANCE):
        claim(store, instance)
    policy = prune.Policy(
        keep_days=options.keep_days,
        keep_count=options.keep_count,
        abandoned_after=timedelta(minutes=options.abandoned_after_minutes),
    )
    unreadable: list[Unreadable] = []
    removals = prune.plan(store, policy, tell=unreadable.append)
    for run in unreadable:
        _warn(run)
    done = "would remove" if options.dry_run else "removed"

    told: list[prune.Removal] = []

    def tell(removal: prune.Removal) -> None:
        told.append(removal)
        if not options.json:
            print(f"{done} {removal.path} ({removal.why}; {removal.size:,} bytes)")

    if options.dry_run:
        for removal in removals:
            tell(removal)
        freed = sum(removal.size for removal in removals)
    else:
        freed = prune.remove(store, removals, tell)
    if options.json:
        items = [{"path": one.path, "why": one.why, "bytes": one.size} for one in told]
        said = {"dry_run": options.dry_run, "removed": items, "bytes": freed}
        print(json.dumps({**said, "unreadable": [{"path": run.path, "why": run.why} for run in unreadable]}))
    else:
        print(f"podbt: {done} {len(told)} runs and manifests, {freed:,} bytes")
    return 0
