"""What this machine has. Looks only: nothing is changed here."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from localcluster.shell import Prints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcluster.shell import Shell

LOOK_SECONDS = 30.0
# One small official image, asked for by name only. A registry that holds it holds the others.
PROBE_IMAGE = "python:3.11-slim-bookworm"
PROBE_SECONDS = 15.0

Version = tuple[int, ...]


class Source(Enum):
    """Where the node image, the base images and the database image come from."""

    REGISTRY = "an image registry"
    PACKAGES = "Debian packages and Go modules"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program on PATH."""

    path: str
    version: Version


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The facts that the prerequisites are judged by."""

    root: bool
    debian: bool
    docker_cli: bool
    docker: bool
    docker_denied: bool
    docker_host: str
    source: Source
    tools: Mapping[str, Tool] = field(default_factory=dict)
    busy_ports: tuple[int, ...] = ()
    memory_mib: int
    disk_mib: int


def look(shell: Shell, cache: Path, ports: tuple[int, ...], source: Source | None) -> Machine:
    """Return this machine's facts.

    Args:
        shell: Runs the programs that are asked, with the environment in which Docker is looked for.
        cache: The folder whose disk must have room.
        ports: Ports of 127.0.0.1 that must be free.
        source: Where images come from, where that is known; else it is found out.
    """
    question = ("docker", "info", "--format", "{{.MemTotal}} {{.ServerVersion}}")
    code, answer = shell.attempt(*question, timeout_seconds=LOOK_SECONDS)
    words = answer.split()
    running = code == 0 and len(words) == 2 and words[0] != "0"  # noqa: PLR2004
    cli = shutil.which("docker", path=shell.environ.get("PATH")) is not None
    denied = False
    if cli and not running:
        _, complaint = shell.attempt("docker", "version", timeout_seconds=LOOK_SECONDS, prints=Prints.BOTH)
        denied = "permission denied" in complaint.lower()
    return Machine(
        root=os.geteuid() == 0,
        debian=all(shutil.which(name, path=shell.environ.get("PATH")) for name in ("apt-get", "dpkg-query")),
        docker_cli=cli,
        docker=running,
        docker_denied=denied,
        docker_host=shell.environ.get("DOCKER_HOST", ""),
        source=source or find_source(shell, docker_cli=cli),
        tools=find_tools(shell),
        busy_ports=tuple(port for port in ports if busy(port)),
        memory_mib=(int(words[0]) if running else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) >> 20,
        disk_mib=shutil.disk_usage(existing(cache)).free >> 20,
    )


def find_source(shell: Shell, *, docker_cli: bool) -> Source:
    """Ask a registry for one image's manifest, for some seconds; PODBT_IMAGES=registry or packages decides instead."""
    chosen = shell.environ.get("PODBT_IMAGES", "").upper()
    if chosen in Source.__members__:
        return Source[chosen]
    if not docker_cli:
        return Source.PACKAGES
    code, _ = shell.attempt("docker", "manifest", "inspect", PROBE_IMAGE, timeout_seconds=PROBE_SECONDS)
    return Source.REGISTRY if code == 0 else Source.PACKAGES


def find_tools(shell: Shell) -> dict[str, Tool]:
    """Return the programs on PATH whose version could be told."""
    questions = {
        "go": ("go", "env", "GOVERSION"),
        "kind": ("kind", "version"),
        "helm": ("helm", "version", "--template", "{{.Version}}"),
        "kubectl": ("kubectl", "version", "--client", "-o", "json"),
    }
    found = {}
    for name, question in questions.items():
        path = shutil.which(name, path=shell.environ.get("PATH"))
        if path is None:
            continue
        code, answer = shell.attempt(*question, timeout_seconds=LOOK_SECONDS, cwd=Path("/"))
        version = parse_version(_kubectl_version(answer) if name == "kubectl" else answer)
        if code == 0 and version:
            found[name] = Tool(path=path, version=version)
    return found


def parse_version(text: str) -> Version:
    """Return the first x.y or x.y.z in the text as numbers; empty where there is none."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in match.groups() if part) if match else ()


def _kubectl_version(answer: str) -> str:
    try:
        return str(json.loads(answer)["clientVersion"]["gitVersion"])
    except (ValueError, KeyError, TypeError):
        return ""


def busy(port: int) -> bool:
    """Whether something listens on this port of 127.0.0.1."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def existing(path: Path) -> Path:
    """Return the path, or its nearest parent that is there."""
    return path if path.exists() else existing(path.parent)
