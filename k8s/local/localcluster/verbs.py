"""The verbs that stand alone; `up` has a module of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from localcluster import cluster, daemon, images
from localcluster.machine import Source, find_source
from localcluster.up import up

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from localcluster.session import Session

__all__ = ["down", "image", "load", "status", "up"]


def image(session: Session, project: Path, *, tag: str) -> int:
    """Build the dbt image of a project and print its name alone on the last line."""
    session = daemon.required(session)
    recorded = session.state.read().get("source")
    source = Source[recorded] if recorded else find_source(session.shell, docker_cli=True)
    with session.phase("image", f"dbt project {project}") as (phase, shell):
        python, _ = images.bases(session, shell, source)
        name, built = images.build(shell, images.dbt_image(session.places, project, base=python), tag=tag)
        phase.result = "built" if built else "is there already"
    session.console.plain(tag or name)
    return 0


def load(session: Session, names: Sequence[str]) -> int:
    """Copy images into the cluster's nodes."""
    session = daemon.required(session)
    with session.phase("load", ", ".join(names)) as (phase, shell):
        copied = cluster.load(shell, names)
        phase.result = f"copied {len(copied)}" if copied else "the nodes hold them already"
    return 0
