"""What an error says of the way to the database: judged by what raised it, and by words only where there is no more.

A model may raise any text, so the words of a statement's error prove nothing. Only an error that psycopg2 raised while
it connected is about the login, only one that ended a session is about the connection. For the first libpq has no
SQLSTATE, and its English words are all there is.
"""

import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from podbt.contract.record import shorten

_STATEMENT_CHARS: Final = 200


class Stage(StrEnum):
    """What was being done."""

    LOGIN = "login"
    """The server, or a pooler before it, refused the user, the password or the database."""
    CONNECT = "connect"
    """No session came about for another reason."""
    SESSION = "session"
    """A session ended that was there."""
    STATEMENT = "statement"
    """The database answered a statement with an error."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why the database did not do what it was asked.

    Attributes:
        stage: What was being done.
        words: All that server or driver say, in one line; of several hosts what each says.
        passing: Whether time alone may mend it.
        statement: The statement, without dbt's comment; None where there was none.
        sqlstate: The database's code for it; None where there is none.
    """

    stage: Stage
    words: str
    passing: bool
    statement: str | None = None
    sqlstate: str | None = None

    @property
    def denied(self) -> bool:
        """Whether the database says that a right is missing."""
        return self.sqlstate == "42501"

    @property
    def cancelled(self) -> bool:
        """Whether somebody else may have ended the statement."""
        return self.stage is not Stage.STATEMENT or self.sqlstate == "57014"


# What the server, and pgbouncer and its like, say of a login; the next try would say it again.
_LOGIN: Final = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|pg_hba\.conf rejects|is not permitted to log in"
    r"|role \"[^\"]*\" does not exist|role with OID \d+ does not exist|no such user|user not found"
    r"|permission denied for database|database \"[^\"]*\" does not exist|no such database"
    r"|requires a valid client certificate|no credentials for the role|server login failed"
)
# What is wrong with the profile, the certificates or the database's settings.
_SETTING: Final = re.compile(
    r"does not support SSL|SSL was required|SSL error: (?!.*(?:eof|EOF))|certificate|sslmode|ssl_?key|private key"
    r"|unrecognized configuration parameter|startup parameter|invalid value for parameter|permission denied to set"
    r"|cannot be (?:set|changed)|requires a value|invalid command-line|unsupported frontend protocol"
    r"|invalid (?:connection option|dsn|port|integer value|URI)|channel binding|GSSAPI|SSPI|authentication method"
    r"|no PostgreSQL user name|cannot connect to invalid database|is not currently accepting connections"
    r"|does not allow connections|bouncer config error",
)
_HOST: Final = re.compile(r"(?=connection to server (?:at|on socket) \")")
_NAME: Final = re.compile(r"connection to server (?:at|on socket) (\"[^\"]*\")[^\n]*? failed: (?:FATAL: +)?")
_COMMENT: Final = re.compile(r"^\s*/\*.*?\*/", re.DOTALL)  # dbt's own
# Classes and codes of SQLSTATE that say nothing against the same statement a moment later.
_PASSING: Final = ("40", "53", "55006", "55P03", "57014")
_CATALOG: Final = "pg_catalog"


def cause_of(error: BaseException) -> Cause | None:
    """Judges an error that dbt raised or that a node ended with.

    Args:
        error: With its causes.

    Returns:
        None where it is about something else than the database.
    """
    for one in _chain(error):
        if _is(one, "psycopg2", "Error"):
            return _of_driver(one)
        if _is(one, "dbt.adapters.exceptions", "FailedToConnectError") and not _has_driver(one):
            return _of_connecting(str(getattr(one, "msg", one)))
        if isinstance(one, ConnectionError | TimeoutError | socket.gaierror):
            return Cause(stage=Stage.CONNECT, words=_folded(str(one)), passing=True)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from. dbt says so, but for a failed connection."""
    one: BaseException | None = error
    while one is not None:
        yield one
        connecting = _is(one, "dbt.adapters.exceptions", "FailedToConnectError")
        one = one.__cause__ or (one.__context__ if connecting else None)


def _is(error: BaseException, module: str, name: str) -> bool:
    """Whether an error is of a class of a module that may not be there; if it is not, neither is the error."""
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and isinstance(error, found)


def _has_driver(error: BaseException) -> bool:
    return any(_is(one, "psycopg2", "Error") for one in _chain(error))


def _of_driver(error: Any) -> Cause | None:
    words, state = _folded(str(error)), error.pgcode
    if state is None:
        if error.cursor is not None:  # a statement that got no answer
            return Cause(stage=Stage.SESSION, words=words, passing=True) if _is_lost(error) else None
        return _of_connecting(str(error)) if _is(error, "psycopg2", "DatabaseError") else _closed(words)
    if error.diag.severity_nonlocalized in {"FATAL", "PANIC"}:  # a model's SQL cannot raise these
        return Cause(stage=Stage.SESSION, words=words, passing=True, sqlstate=state)
    query = getattr(error.cursor, "query", None)
    # Two that make the same schema at one time: to the loser it is a duplicate key in the catalog.
    raced = error.diag.schema_name == _CATALOG or "concurrently updated" in words
    return Cause(
        stage=Stage.STATEMENT,
        words=words,
        passing=state.startswith(_PASSING) or raced,
        statement=_statement(query) if query else None,
        sqlstate=state,
    )


def _is_lost(error: BaseException) -> bool:
    return _is(error, "psycopg2", "OperationalError") or _closed(str(error)) is not None


def _closed(words: str) -> Cause | None:
    """Of the driver's own errors: a session that is not there any more."""
    return Cause(stage=Stage.SESSION, words=words, passing=True) if words.startswith("connection ") else None


def _statement(query: bytes) -> str:
    return shorten(_COMMENT.sub("", query.decode(errors="replace")), _STATEMENT_CHARS)


def _of_connecting(text: str) -> Cause:
    """Judges what libpq says of all hosts that it tried.

    A host that answers has the say for all its addresses: `localhost` may be refused by IPv6 alone. A refused login
    has it for all hosts, for they share their roles; else one host that may come back is enough to wait for.
    """
    parts = [part for part in _HOST.split(text) if part.strip()]
    words = "; ".join(map(_folded, parts))
    if any(_LOGIN.search(part) for part in parts):
        alone = _folded(_NAME.sub("", parts[0])) if len(parts) == 1 else words
        return Cause(stage=Stage.LOGIN, words=alone, passing=False)
    hosts: dict[str, bool] = {}
    for part in parts:
        name = match[1] if (match := _NAME.match(part)) else part
        hosts[name] = hosts.get(name, False) or bool(_SETTING.search(part))
    return Cause(stage=Stage.CONNECT, words=words, passing=not (hosts and all(hosts.values())))


def _folded(text: str) -> str:
    return " ".join(text.split())
