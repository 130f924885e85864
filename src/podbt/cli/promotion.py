"""The verbs that bring an image from stage to stage: `podbt release`, `promote`, `rollback` and `promotions`."""

import argparse
import getpass
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

from podbt.errors import ConfigError

# Who asks, as CI says it.
_WHO: Final = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN")


def add_promotion(verbs: Any) -> None:
    """Adds the verbs to the command's parser."""
    promoting = verbs.add_parser("promote", help="bring an image to the next stage, by its digest, if all is signed")
    _image(promoting, "what the stage before runs")
    rolling = verbs.add_parser("rollback", help="bring a stage back to an image that passed there before")
    _image(rolling, "what it ran before")
    promoting.set_defaults(verb=_promote, action="promote")
    rolling.set_defaults(verb=_promote, action="rollback")
    releasing = verbs.add_parser("release", help="try, describe, push and sign an image that docker built of a commit")
    releasing.add_argument("--image", required=True, help="its name at the docker daemon")
    releasing.add_argument(
        "--repository", type=Path, default=Path(), help="the folder of git that it was built from (default: this one)"
    )
    releasing.add_argument("--dry-run", action="store_true", help="push and sign nothing; try it, print the steps")
    _config(releasing)
    releasing.set_defaults(verb=_release)
    charting = verbs.add_parser("release-chart", help="push a packed chart once, and sign it")
    charting.add_argument("archive", type=Path, help="what make dist packed: dist/podbt-1.2.3.tgz")
    charting.add_argument("--repository", required=True, help="the folder that it goes to: registry.example.com/charts")
    charting.add_argument("--plain-http", action="store_true", help="that registry has no TLS")
    charting.add_argument("--dry-run", action="store_true", help="change nothing, print the steps")
    _config(charting)
    charting.set_defaults(verb=_release_chart)
    comparing = verbs.add_parser("compare-images", help="say whether two images are one to a release, or what differs")
    comparing.add_argument("images", nargs=2, metavar="IMAGE", help="its name at the docker daemon")
    comparing.set_defaults(verb=_compare)
    telling = verbs.add_parser("promotions", help="print who brought what to a stage, and when")
    telling.add_argument("--of", metavar="STAGE", required=True, help="the stage")
    telling.add_argument("--json", action="store_true", help="print JSON")
    _config(telling)
    telling.set_defaults(verb=_promotions)


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=Path("promotion.yaml"), help="the file with the stages (default: %(default)s)"
    )


def _image(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--to", required=True, metavar="STAGE", help="the stage")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--digest", type=_digest, help=f"the image: sha256:… (default: {default})")
    which.add_argument("--revision", type=_revision, metavar="COMMIT", help="the image by its git commit, in full")
    parser.add_argument("--by", type=_line, help="who asks, for the record (default: the CI's or this machine's user)")
    parser.add_argument("--dry-run", action="store_true", help="change nothing: look at what is there, print the steps")
    parser.add_argument(
        "--wait", type=_seconds, default=0.0, metavar="SECONDS", help="for another promotion of the stage to end"
    )
    _config(parser)


def _digest(text: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no sha256:… with 64 hexadecimal digits")
    return text


def _revision(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40,64}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no whole git commit: git rev-parse prints it")
    return text


def _line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError("it is empty or not one line of text")
    return text.strip()


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of seconds")
    return found


def _promote(options: argparse.Namespace) -> int:
    from podbt.promote.config import load  # noqa: PLC0415 - the other verbs need none of it
    from podbt.promote.flow import Wish, promote  # noqa: PLC0415
    from podbt.promote.statements import Action  # noqa: PLC0415

    wish = Wish(
        to=options.to,
        action=Action(options.action),
        digest=options.digest,
        revision=options.revision,
        by=options.by or _who(),
        dry_run=options.dry_run,
        wait_seconds=options.wait,
    )
    print(f"podbt: {promote(load(options.config), wish)}")
    return 0


def _release(options: argparse.Namespace) -> int:
    from podbt.promote.config import load  # noqa: PLC0415
    from podbt.promote.make import Order, release  # noqa: PLC0415

    order = Order(image=options.image, repository=options.repository, dry_run=options.dry_run)
    print(f"podbt: {release(load(options.config), order)}")
    return 0


def _release_chart(options: argparse.Namespace) -> int:
    from podbt.promote import chart  # noqa: PLC0415
    from podbt.promote.config import Stage, load  # noqa: PLC0415

    place = {"name": "charts", "repository": options.repository, "plain_http": options.plain_http}
    to = Stage.parse(place, source="--repository")
    print(f"podbt: {chart.publish(load(options.config), options.archive, to, dry_run=options.dry_run)}")
    return 0


def _compare(options: argparse.Namespace) -> int:
    from podbt.promote import compare  # noqa: PLC0415
    from podbt.promote.tools import Shell  # noqa: PLC0415

    one, two = options.images
    found = compare.images(Shell(), one, two)
    print("\n".join([*found, f"podbt: {one} and {two} {'differ' if found else 'are the same'}."]))
    return 1 if found else 0


def _promotions(options: argparse.Namespace) -> int:
    from podbt.promote import record  # noqa: PLC0415
    from podbt.promote.config import load  # noqa: PLC0415

    promotion = load(options.config)
    entries = record.read(promotion.record(promotion.stage(options.of)))
    if options.json:
        print(json.dumps([entry.model_dump(mode="json", exclude={"before"}) for entry in entries]))
        return 0
    for entry in reversed(entries):
        print(
            f"{entry.at:%Y-%m-%d %H:%M}  {entry.action:8}  {entry.outcome:6}  {entry.digest}  "
            f"commit {entry.revision[:12]}  by {entry.by}"
        )
    return 0


def _who() -> str:
    if said := next(filter(None, map(os.environ.get, _WHO)), None):
        return said
    asked = ["git", "config", "user.email"]
    try:
        mail = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        mail = ""
    if mail:
        return mail
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ConfigError("Nobody says who asks: give --by NAME.") from None
