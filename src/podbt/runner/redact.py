"""Keeps credentials out of everything the runner writes."""

import base64
import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

import yaml

from podbt.contract.record import NodeRecord

_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|pass$|_pwd(_|$)|^pwd_|secret|token|private_key|service_account_key|api_?key|credential|keyfile_json",
    re.IGNORECASE,
)
_TEMPLATE_ENV = re.compile(r"env_var\(\s*['\"](\w+)['\"]")
_SHORTEST = 4  # replacing shorter values would tear holes into ordinary words
_SHORTEST_BASE64 = 8  # a part of a short one is a few letters that occur anywhere
_WORDS = frozenset({"true", "false", "none", "null"})  # SECRETS_ENABLED=true; masked, they would break JSON
MASK = "*****"


class Redactor:
    """Replaces known secret values by asterisks, also where they are URL-encoded, escaped for JSON or in base64.

    The values come from environment variables whose names say so, from such keys of profiles.yml, and from the
    variables that templates under such keys name.
    """

    def __init__(self, secrets: set[str]) -> None:
        masks: dict[str, str] = {}
        for secret in secrets:
            if len(secret) >= _SHORTEST and secret.lower() not in _WORDS:
                # A number is masked by a number: asterisks within one would break a JSON file.
                own = {secret: "9" * len(secret)} if secret.isdigit() else {}
                masks |= {**dict.fromkeys(_forms(secret), MASK), **own}
        # Longest first: one secret may contain another.
        self._masks = sorted(masks.items(), key=lambda item: len(item[0]), reverse=True)
        self._bytes = [(form.encode(), mask.encode()) for form, mask in self._masks]

    @classmethod
    def collect(cls, profiles: Path | None, env: Mapping[str, str] = os.environ) -> "Redactor":
        found = {value for name, value in env.items() if _SECRET_NAME.search(name)}
        if profiles is not None:
            # dbt reports an unreadable profile itself, better than this could.
            with contextlib.suppress(OSError, UnicodeDecodeError, yaml.YAMLError):
                for value in _secret_values(yaml.safe_load(profiles.read_text(encoding="utf-8"))):
                    # A template is not the secret itself; what it renders to is in the environment.
                    names = _TEMPLATE_ENV.findall(value) if "{{" in value else None
                    found |= {value} if names is None else {env[name] for name in names if name in env}
        return cls(found)

    def text(self, text: str) -> str:
        for form, mask in self._masks:
            text = text.replace(form, mask)
        return text

    def node(self, node: NodeRecord) -> NodeRecord:
        return node.model_copy(update={"message": self.text(node.message)}) if node.message else node

    def content(self, content: bytes) -> bytes:
        for form, mask in self._bytes:
            content = content.replace(form, mask)
        return content

    def file(self, path: Path) -> None:
        """Rewrites a file in place where it holds a secret."""
        content = path.read_bytes()
        clean = self.content(content)
        if clean != content:
            path.write_bytes(clean)


class RedactedStream:
    """A text stream without secrets, which counts what passes.

    It stands in for sys.stdout and sys.stderr, so that dbt's own console output, its exceptions and Python's pass
    through it as well.
    """

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self._stream = stream
        self._redactor = redactor
        self.written = 0

    def write(self, text: str) -> int:
        self.written += len(text)
        self._stream.write(self._redactor.text(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _forms(secret: str) -> set[str]:
    """How a text may hold a secret."""
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    forms = {secret, *quoted, *(re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), form) for form in quoted)}
    forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    forms |= {secret.replace("'", "''"), repr(secret)[1:-1]}  # as SQL and as Python quote it
    if len(secret) >= _SHORTEST_BASE64:
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # Within a longer text ("user:password") it may begin at any of three places; its first and last letters
            # then depend on what surrounds it.
            forms.add(encode(secret.encode()).decode().rstrip("="))
            for offset in range(3):
                data = b"\0" * offset + secret.encode()
                start, end = (0, 2, 3)[offset], len(data) * 8 // 6
                forms.add(encode(data).decode()[start:end])
    return {form for form in forms if len(form) >= _SHORTEST}


def _secret_values(data: Any, *, secret: bool = False) -> set[str]:
    if isinstance(data, dict):
        return set().union(*(_secret_values(v, secret=bool(_SECRET_NAME.search(str(k)))) for k, v in data.items()))
    if isinstance(data, list):
        return set().union(*(_secret_values(item, secret=secret) for item in data))
    return {str(data)} if secret and data is not None else set()
