"""The verbs."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from localtry import run as taste

from localcluster import cluster, daemon, verbs
from localcluster.images import Choices
from localcluster.places import NODE, PROJECT
from localcluster.session import Session
from localcluster.shell import InterruptedDriverError, LocalError
from localcluster.up import up

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(
        prog="k8s/local", description="podbt on this machine: in a local kind cluster, or in processes."
    )
    add = top.add_subparsers(dest="verb", required=True, metavar="VERB").add_parser
    up = add("up", help="bring everything up and run the nightly DAG; run again, it only does what is missing")
    up.add_argument("--nodes", type=int, choices=(1, 3), default=1, help="nodes of a new cluster (default: 1)")
    up.add_argument("--cluster-only", action="store_true", help="stop when the cluster is there")
    down = add("down", help="delete the cluster and stop the private Docker daemon, if it was started here")
    down.add_argument("--all", action="store_true", help="remove the cache folder and the images too")
    image = add("image", help="build the dbt image of a project and print its name")
    image.add_argument("--project", type=Path, default=None, metavar="DIR", help=f"its folder (default: {PROJECT})")
    image.add_argument("--tag", default="", metavar="NAME", help="one more name for the image")
    image.add_argument("--dbt", default="", metavar="RELEASE", help="the release of dbt: 1.10 (default: the newest)")
    image.add_argument(
        "--deps", default="", choices=("yes", "no"), help="no: the project's own dbt_packages go in as they are"
    )
    image.add_argument("--targets", default="", metavar="NAMES", help="the dbt targets that it is for: prod,ci")
    image.add_argument("--vars", default="", metavar="YAML", help="dbt's variables while it is built: '{name: value}'")
    image.add_argument("--env", default="", metavar="NAMES", help="variables of the build: 'NAME=value OTHER=value'")
    image.add_argument("--secrets", type=Path, metavar="FILE", help="NAME=value lines for the installation of packages")
    image.add_argument(
        "--of-commit", action="store_true", help="for a release: labelled with this commit, under the --tag alone"
    )
    image.add_argument("--no-cache", action="store_true", help="with --of-commit: take no layer that Docker has")
    load = add("load", help="copy images into the cluster's nodes, where they lack them")
    load.add_argument("images", nargs="+", metavar="IMAGE")
    env_verb = add("env", help='print the environment to reach the cluster by: eval "$(python3 k8s/local env)"')
    env_verb.add_argument("--docker", action="store_true", help="of the Docker daemon alone; there need be no cluster")
    add("status", help="print what is there")
    add("try", help="run the nightly DAG with processes alone: no Docker, no cluster; everything is in .try")
    add("try-down", help="stop what `try` started and remove its folder")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; return the exit code."""
    options = parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)
    session = Session.start()
    try:
        return run(session, options)
    except LocalError as error:
        where = f" (log: {error.log})" if error.log else ""
        print(f"{options.verb}: {error}{where}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, InterruptedDriverError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        session.shell.stop()
        print(f"\n{options.verb}: interrupted; run it again to go on.", file=sys.stderr)
        return EXIT_INTERRUPTED


def run(session: Session, options: argparse.Namespace) -> int:
    """Run the verb that was parsed."""
    match options.verb:
        case "up":
            with session.alone():
                return up(session, nodes=options.nodes, cluster_only=options.cluster_only)
        case "down":
            with session.alone():
                return verbs.down(session, everything=options.all)
        case "image":
            choices = Choices(
                dbt=options.dbt, targets=options.targets, variables=options.vars, env=options.env,
                deps=options.deps, secrets=options.secrets,
            )  # fmt: skip
            project = options.project or session.places.root / PROJECT
            if options.of_commit and not options.tag:
                raise LocalError("--of-commit needs a --tag.")
            wish = verbs.Wish(tag=options.tag, of_commit=options.of_commit, cached=not options.no_cache)
            return verbs.image(session, project, choices=choices, wish=wish)
        case "load":
            return verbs.load(session, options.images)
        case "env":
            return env(session, docker_only=options.docker)
        case "try":
            return taste.start(session)
        case "try-down":
            return taste.end(session)
        case _:
            return verbs.status(session)


def env(session: Session, *, docker_only: bool) -> int:
    """Print the cluster's environment, or the Docker daemon's alone, for a shell to evaluate."""
    session = daemon.required(session)
    if not docker_only and not cluster.node_id(session.shell):
        raise LocalError(f"there is no container {NODE}: run `up` first.")
    if host := session.shell.environ.get("DOCKER_HOST"):
        print(f"export DOCKER_HOST={host}")
    if docker_only:
        return 0
    print(f"export KUBECONFIG={session.places.kubeconfig}")
    print(f'export PATH="{session.places.bin}:$PATH"')
    return 0
