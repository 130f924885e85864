"""What an error says of the way to the database, by what raised it."""

from typing import Any

import psycopg2
import psycopg2.errors
import pytest
from dbt.adapters.exceptions import FailedToConnectError
from dbt_common.exceptions import DbtDatabaseError

from podbt.runner.dbt.cause import Stage, cause_of

LOCALHOST = 'connection to server at "localhost" ({}), port 5432 failed: {}\n'


def at(host: str, reason: str) -> str:
    return f'connection to server at "{host}", port 5432 failed: {reason}\n'


def connecting(words: str) -> FailedToConnectError:
    """As dbt raises it while it handles what psycopg2.connect raised."""
    error = FailedToConnectError(words)
    error.__context__ = psycopg2.OperationalError(words)
    return error


def answered(kind: type[psycopg2.Error], words: str, state: str) -> DbtDatabaseError:
    """As dbt raises what a statement was answered with."""
    driver: Any = kind(words)
    driver.__setstate__({"pgerror": words, "pgcode": state})
    error = DbtDatabaseError(words)
    error.__cause__ = driver
    return error


@pytest.mark.parametrize(
    "words",
    [
        at("db", 'FATAL:  password authentication failed for user "dbt"'),
        at("db", "fe_sendauth: no password supplied"),
        at("db", 'FATAL:  role "dbt" does not exist'),
        at("db", 'FATAL:  role "sleeper" is not permitted to log in'),
        at("db", 'FATAL:  database "wh" does not exist'),
        at("db", 'FATAL:  permission denied for database "wh"\nDETAIL:  User does not have CONNECT privilege.'),
        at("db", 'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "dbt", database "wh", SSL encryption')
        + at("db", 'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "dbt", database "wh", no encryption'),
        at("db", "FATAL:  SASL authentication failed"),
        at("pooler", "FATAL:  no such database: wh"),
        at("pooler", "FATAL:  server login failed: FATAL password authentication failed for user"),
        at("gone", "Connection refused") + at("db", 'FATAL:  password authentication failed for user "dbt"'),
    ],
)
def test_a_refused_login(words: str) -> None:
    cause = cause_of(connecting(words))
    assert cause is not None
    assert (cause.stage, cause.passing) == (Stage.LOGIN, False)


@pytest.mark.parametrize(
    "words",
    [
        at("db", "server does not support SSL, but SSL was required"),
        at("db", "SSL error: certificate verify failed"),
        at("db", 'root certificate file "/ca.crt" does not exist\nEither provide the file, or change sslmode.'),
        at("db", 'server certificate for "other" does not match host name "db"'),
        at("db", "SSL error: tlsv1 alert unknown ca"),
        at("db", 'FATAL:  unrecognized configuration parameter "no_such"'),
        at("db", 'FATAL:  invalid value for parameter "work_mem": "much"'),
        at("pooler", "FATAL:  unsupported startup parameter: search_path"),
        at("pooler", "FATAL:  unsupported startup parameter in options: no_such"),
        'invalid sslmode value: "foo"\n',
        # One host by two addresses: the one that answered has the say.
        LOCALHOST.format("::1", "Connection refused") + LOCALHOST.format("127.0.0.1", "server does not support SSL"),
        at("a", "server does not support SSL, but SSL was required") + at("b", "SSL error: certificate verify failed"),
    ],
)
def test_what_time_does_not_mend(words: str) -> None:
    cause = cause_of(connecting(words))
    assert cause is not None
    assert (cause.stage, cause.passing) == (Stage.CONNECT, False)
    assert cause.words.replace("; connection", " connection") == " ".join(words.split())


@pytest.mark.parametrize(
    "words",
    [
        at("db", "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?"),
        at("db", "timeout expired"),
        at("db", "FATAL:  the database system is starting up"),
        at("db", "FATAL:  the database system is not yet accepting connections"),
        at("db", "FATAL:  sorry, too many clients already"),
        at("db", 'FATAL:  too many connections for role "dbt"'),
        at("db", "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute"),
        at("db", "SSL SYSCALL error: EOF detected"),
        at("db", "SSL error: unexpected eof while reading"),
        at("db", "server closed the connection unexpectedly"),
        at("pooler", "FATAL:  query_wait_timeout"),
        at("pooler", "FATAL:  no more connections allowed (max_client_conn)"),
        at("pooler", "FATAL:  server login has been failing, try again later (server_login_retry)"),
        'could not translate host name "db" to address: Temporary failure in name resolution\n',
        # The other host may come back.
        at("a", "Connection refused") + at("b", "server does not support SSL, but SSL was required"),
    ],
)
def test_what_time_may_mend(words: str) -> None:
    cause = cause_of(connecting(words))
    assert cause is not None
    assert (cause.stage, cause.passing) == (Stage.CONNECT, True)
    assert cause.words.replace("; connection", " connection") == " ".join(words.split())


def test_one_hosts_refusal_is_said_without_its_address_and_that_of_several_with_it() -> None:
    refusal = 'FATAL:  password authentication failed for user "dbt"'
    alone, both = (
        cause_of(connecting(at("db", refusal))),
        cause_of(connecting(at("a", "timeout expired") + at("b", refusal))),
    )
    assert alone is not None
    assert both is not None
    assert alone.words == 'password authentication failed for user "dbt"'
    assert both.words == (
        'connection to server at "a", port 5432 failed: timeout expired; '
        'connection to server at "b", port 5432 failed: FATAL: password authentication failed for user "dbt"'
    )


@pytest.mark.parametrize(
    "words", ['role "dbt" does not exist', "permission denied for database wh", "Connection refused"]
)
def test_a_statements_error_is_no_login_whatever_it_says(words: str) -> None:
    cause = cause_of(answered(psycopg2.errors.UndefinedObject, words, "42704"))
    assert cause is not None
    assert (cause.stage, cause.passing) == (Stage.STATEMENT, False)
    assert cause_of(DbtDatabaseError(words)) is None
    assert cause_of(RuntimeError(words)) is None


@pytest.mark.parametrize(
    ("kind", "state", "passing"),
    [
        pytest.param(psycopg2.errors.InsufficientPrivilege, "42501", False, id="a right"),
        pytest.param(psycopg2.errors.DeadlockDetected, "40P01", True, id="a deadlock"),
        pytest.param(psycopg2.errors.SerializationFailure, "40001", True, id="a serialization failure"),
        pytest.param(psycopg2.errors.DiskFull, "53100", True, id="a full disk"),
        pytest.param(psycopg2.errors.LockNotAvailable, "55P03", True, id="a lock"),
        pytest.param(psycopg2.errors.SyntaxError, "42601", False, id="a mistake"),
        pytest.param(psycopg2.errors.ConnectionException, "08001", False, id="a foreign server's refusal"),
    ],
)
def test_a_statements_error_passes_by_its_code(kind: type[psycopg2.Error], state: str, passing: bool) -> None:
    cause = cause_of(answered(kind, "words", state))
    assert cause is not None
    assert (cause.stage, cause.passing, cause.denied) == (Stage.STATEMENT, passing, state == "42501")


def test_a_closed_session_and_a_network_error_are_about_the_way() -> None:
    closed = cause_of(psycopg2.InterfaceError("connection already closed"))
    assert closed is not None
    assert (closed.stage, closed.passing) == (Stage.SESSION, True)
    assert cause_of(psycopg2.InterfaceError("cursor already closed")) is None
    reset = cause_of(ConnectionResetError(104, "Connection reset by peer"))
    assert reset is not None
    assert reset.passing


def test_another_adapters_failed_connection_is_one_too() -> None:
    cause = cause_of(FailedToConnectError("250001: could not connect to the backend"))
    assert cause is not None
    assert (cause.stage, cause.passing) == (Stage.CONNECT, True)
