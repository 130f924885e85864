"""Which values are secret: by the names of environment variables and of keys, and as parts of URLs and DSNs."""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

import yaml

_NAME: Final = re.compile(
    r"passw(or)?d|passphrase|passcode|pass$|(^|_)(pass|pwd|pw)(_|$)|secret|token|private_?key|account_?key"
    r"|access_?key(?!_?id)|api_?key|credential|keyfile_json|(^|_)jwt(_|$)",
    re.IGNORECASE,
)
_HEADERS: Final = re.compile(r"OTEL_EXPORTER_OTLP_(\w+_)?HEADERS")
"""OpenTelemetry's place for keys: name=value, and so on."""
_NO_SECRETS: Final = frozenset({"PWD"})  # the shell's working directory
# Of a Google key file, which as a whole is one: a project's or an account's name stands in every relation and log line.
_PUBLIC: Final = frozenset(
    {
        "auth_provider_x509_cert_url", "auth_uri", "client_email", "client_id", "client_x509_cert_url", "project_id",
        "token_uri", "type", "universe_domain",
    }
)  # fmt: skip
_ENV_VAR: Final = re.compile(r"env_var\(\s*['\"](\w+)['\"](?:\s*,\s*(?:'([^']*)'|\"([^\"]*)\"))?")
_LITERAL: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_EXPRESSION: Final = re.compile(r"{{(.*?)}}|{%(.*?)%}", re.DOTALL)
# password=… of libpq, ODBC, ADO and queries of URLs.
_ASSIGNED: Final = re.compile(
    r"(?:passw(?:or)?d|pwd|passphrase|passcode|token|secret|private_?key|account_?key|access_?key|api_?key)\s*=\s*"
    r"(?:'((?:[^'\\]|\\.)*)'|\"([^\"]*)\"|{([^}]*)}|([^\s;&'\"{]+))",
    re.IGNORECASE,
)


def secrets_of(profiles: Path | None, env: Mapping[str, str]) -> dict[str, str]:
    """The secret values of an environment and of a profiles.yml.

    Args:
        profiles: The file, if there is one.
        env: The environment, which templates of that file take values from as well.

    Returns:
        By value what to call it: the variable, or the file with a number. The same secret is called the same in each
        run, whatever its value is by then.
    """
    found: dict[str, str] = {}
    for name, value in sorted(env.items()):
        _add(found, name, _of_variable(name, value, env))
    if profiles is not None:
        # dbt reports an unreadable profile itself, better than this could.
        with contextlib.suppress(OSError, UnicodeDecodeError, yaml.YAMLError):
            _add(found, profiles.name, _of_data(yaml.safe_load(profiles.read_text(encoding="utf-8")), env))
    return found


def _add(found: dict[str, str], name: str, values: Iterable[str]) -> None:
    for number, value in enumerate(dict.fromkeys(values)):
        found.setdefault(value, f"{name}.{number}" if number else name)


def _of_variable(name: str, value: str, env: Mapping[str, str]) -> Iterator[str]:
    if is_secret(name):
        yield value
    yield from embedded(value)
    if _HEADERS.fullmatch(name):
        for header in value.split(","):
            sent = unquote(header.partition("=")[2].strip())
            yield from (sent, sent.rpartition(" ")[2])  # of "Bearer KEY" the key, too
    if value.lstrip().startswith("{"):  # such as an Airflow connection, or a key file's content
        with contextlib.suppress(ValueError, RecursionError):
            yield from _of_data(json.loads(value), env)


def is_secret(name: str) -> bool:
    """Whether an environment variable of this name holds a secret."""
    return bool(_NAME.search(name)) and name not in _NO_SECRETS


def embedded(text: str) -> Iterator[str]:
    """Passwords within a text: of URLs (scheme://user:password@host) and of assignments (password=…)."""
    for part in text.split("://")[1:]:
        rest = re.split(r"\s", part, maxsplit=1)[0]
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        # A password with a slash that nobody encoded reaches beyond what is the authority by the letter.
        user = (authority if "@" in authority else rest).rpartition("@")[0]
        if password := user.partition(":")[2]:
            yield from (password, unquote(password))
    for groups in _ASSIGNED.findall(text):
        for value in filter(None, groups):
            yield from (value, unquote_plus(value))


def _of_data(data: Any, env: Mapping[str, str], *, secret: bool = False) -> Iterator[str]:
    """What is secret in plain data. Below a key that says so, everything is."""
    if isinstance(data, dict):
        for key, value in data.items():
            named = bool(_NAME.search(str(key)))
            yield from _of_data(value, env, secret=(secret or named) and str(key) not in _PUBLIC)
    elif isinstance(data, list):
        for item in data:
            yield from _of_data(item, env, secret=secret)
    elif data is not None and not isinstance(data, bool):
        text = str(data)
        if "{{" in text or "{%" in text:
            yield from filter(None, _of_template(text, env, secret=secret))
        elif secret:
            yield text
        else:
            yield from embedded(text)


def _of_template(text: str, env: Mapping[str, str], *, secret: bool) -> Iterator[str]:
    """A template is not the secret itself: that is in the environment, or written out in it as a default."""
    yield from embedded(_EXPRESSION.sub("", text))
    for name, *defaults in _ENV_VAR.findall(text):
        if secret or is_secret(name):
            yield from (env.get(name, ""), *defaults)
        else:
            for value in (env.get(name, ""), *defaults):
                yield from embedded(value)
    if secret:
        names = {name for name, *_ in _ENV_VAR.findall(text)}
        for groups in _EXPRESSION.findall(text):
            for pair in _LITERAL.findall("".join(groups)):
                yield from (value for value in pair if value not in names)
