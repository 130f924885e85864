"""The Docker daemon: the machine's own where one answers, else a private one that is started and stopped here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcluster.shell import LocalError

if TYPE_CHECKING:
    from localcluster.session import Session
    from localcluster.shell import Shell

ANSWER_SECONDS = 30.0


def find(session: Session) -> Session | None:
    """Return a session at a daemon that answers: the user's own, else our private one; None where there is neither."""
    if answers(session.shell):
        return session
    private = session.at(private_host(session))
    return private if answers(private.shell) else None


def required(session: Session) -> Session:
    """Return a session at a daemon that answers.

    Raises:
        LocalError: None does.
    """
    found = find(session)
    if found is None:
        raise LocalError("no Docker daemon answers: run `up` first.")
    return found


def answers(shell: Shell) -> bool:
    code, answer = shell.attempt("docker", "info", "--format", "{{.ServerVersion}}", timeout_seconds=ANSWER_SECONDS)
    return code == 0 and bool(answer.strip())


def private_host(session: Session) -> str:
    return f"unix://{session.places.cache}/docker/docker.sock"


def start(session: Session, shell: Shell) -> Session:
    """Start the private daemon, unless it runs; needs root and the Debian packages."""
    return session.at(shell.run(session.places.recipe / "private-docker", "start").strip())


def stop(session: Session, shell: Shell) -> bool:
    """Stop the private daemon, with its bridges and rules; return whether there was one of ours."""
    if not (session.places.cache / "docker" / "forward-policy").exists():
        return False
    shell.do(session.places.recipe / "private-docker", "stop")
    return True
