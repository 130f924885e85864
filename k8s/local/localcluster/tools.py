"""kind, kubectl and helm: those on PATH where they fit, else built from Go modules into the cache."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from localcluster import machine, prerequisites
from localcluster.machine import Source

if TYPE_CHECKING:
    from localcluster.session import Session
    from localcluster.shell import Shell


def doing(source: Source) -> str:
    """Return what providing them means, for the console."""
    if source is Source.PACKAGES:
        return "Kubernetes, kind and helm from Go modules (minutes, once)"
    return "kind, kubectl and helm"


def provide(session: Session, shell: Shell, source: Source, *, whole: bool) -> str:
    """Have the programs on the session's PATH; return what was done.

    Args:
        session: Whose PATH begins with the cache's bin folder.
        shell: Runs the compiler.
        source: Where the node image comes from: from packages, its parts are compiled too.
        whole: There is a cluster, so only kind, kubectl and helm themselves matter.
    """
    if source is Source.PACKAGES:
        if whole and all(os.access(session.places.bin / name, os.X_OK) for name in prerequisites.SUITABLE):
            return "are there"
        shell.do(session.places.recipe / "go-tools", "node")
        return "are there"
    found = machine.find_tools(shell)
    missing = [
        name
        for name, (oldest, _) in prerequisites.SUITABLE.items()
        if name not in found or found[name].version < oldest
    ]
    if missing:
        shell.do(session.places.recipe / "go-tools", *missing)
        return f"{', '.join(missing)} built, the others are on PATH"
    return "are on PATH"
