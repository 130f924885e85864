"""The verbs beside `up`."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcluster import cluster, daemon, images
from localcluster.console import table
from localcluster.machine import Source, find_source
from localcluster.places import KUBECTL, NAMESPACE
from localcluster.shell import LocalError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from localcluster.session import Session


def down(session: Session, *, everything: bool) -> int:
    """Delete the cluster and stop the private daemon; with `everything`, remove images and the cache folder too."""
    found = daemon.find(session)
    with session.phase("cluster", "deleting") as (phase, shell):
        if not found and session.state.read().get("cluster") and (session.places.cache / "docker" / "data").exists():
            # The private daemon ended, with the machine perhaps; its next start would bring the nodes back.
            found = daemon.start(session, shell)
        if found:
            phase.result = "deleted" if cluster.delete(found, found.shell.but(log=shell.log)) else "there was none"
            if everything and found.shell.environ.get("DOCKER_HOST") != daemon.private_host(session):
                phase.note(f"{_remove_images(found)} images of podbt removed")
        else:
            phase.result = "no Docker daemon answers, so there is none"
    with session.phase("docker", "stopping the private daemon") as (phase, shell):
        phase.result = "stopped" if daemon.stop(session, shell) else "none of ours ran"
    if everything:
        shutil.rmtree(session.places.cache)
        session.console.plain(f"{session.places.cache} is removed.")
    elif session.places.cache.exists():
        session.console.plain(f"{session.places.cache} stays, for a quick next `up`; `down --all` removes it too.")
    return 0


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How an image is to be built; see `images.build`."""

    tag: str = ""
    of_commit: bool = False
    cached: bool = True


def image(session: Session, project: Path, *, choices: images.Choices, wish: Wish) -> int:
    """Build the dbt image of a project and print its name alone on the last line."""
    session = daemon.required(session)
    recorded = session.state.read().get("source")
    source = Source[recorded] if recorded else find_source(session.shell, docker_cli=True)
    with session.phase("image", f"dbt project {project}") as (phase, shell):
        python, _ = images.bases(session, shell, source)
        wanted = images.dbt_image(session.places, project, base=python, choices=choices)
        name, built = images.build(shell, wanted, tag=wish.tag, of_commit=wish.of_commit, cached=wish.cached)
        phase.result = "built" if built else "is there already"
    session.console.plain(wish.tag or name)
    return 0


def load(session: Session, names: Sequence[str]) -> int:
    """Copy images into the cluster's nodes."""
    session = daemon.required(session)
    with session.phase("load", ", ".join(names)) as (phase, shell):
        copied = cluster.load(shell, names)
        phase.result = f"copied {len(copied)}" if copied else "the nodes hold them already"
    return 0


def status(session: Session) -> int:
    """Print what is there; return 1 where there is no cluster that answers."""
    say = session.console.plain
    say(f"cache:    {session.places.cache}")
    found = daemon.find(session)
    if found is None:
        say("docker:   no daemon answers")
        return 1
    shell = found.shell
    say(f"docker:   {shell.environ.get('DOCKER_HOST') or 'the default daemon'}")
    if not cluster.node_id(shell):
        say("cluster:  none")
        return 1
    if not cluster.is_whole(found):
        say("cluster:  its creation was interrupted; `up` makes it anew")
        return 1
    code, answer = shell.attempt("kubectl", "get", "nodes", "--no-headers", timeout_seconds=15)
    if code != 0:
        say("cluster:  does not answer")
        return 1
    say("cluster:  " + "; ".join(" ".join(line.split()[:2]) for line in answer.splitlines()))
    _, answer = shell.attempt("helm", "list", "-n", NAMESPACE, "-o", "json")
    for release in json.loads(answer or "[]"):
        say(f"release:  {release['name']} revision {release['revision']}, {release['status']}, {release['chart']}")
    pods = json.loads(shell.run(*KUBECTL, "get", "pods", "-o", "json"))["items"]
    if pods:
        say(table([("POD", "PHASE"), *((pod["metadata"]["name"], pod["status"]["phase"]) for pod in pods)]))
    return 0


def _remove_images(session: Session) -> int:
    """Remove our images from a daemon that is not ours; return how many."""
    names = session.shell.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
    ours = [name for name in names if name.startswith(("podbt-", "localhost/podbt-"))]
    if ours:
        code, _ = session.shell.attempt("docker", "rmi", *ours)
        if code != 0:
            raise LocalError("some images are in use and stay: remove what uses them, then run `down --all` again.")
    return len(ours)
