"""Keeps credentials out of everything the runner writes."""

import base64
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

from podbt.contract.record import NodeRecord
from podbt.runner.process.documents import Documents, tokens
from podbt.runner.process.secrets import secrets_of

_SHORTEST = 4  # replacing shorter values would tear holes into ordinary words
_SHORTEST_BASE64 = 8  # a part of a short one is a few letters that occur anywhere
_WORDS = frozenset({"true", "false", "none", "null"})  # SECRETS_ENABLED=true; masked, they would break JSON
# What programs leave as it is when they encode a password for a URL: nothing; a path's slash; what JavaScript, RFC 3986
# (in a name or in a user's part) and SQLAlchemy leave.
_UNENCODED = ("", "/", "!*'()", "!$&'()*+,;=", "!$&'()*+,;=:", " +")
MASK = "*****"


class Redactor:
    """Replaces known secret values by asterisks, also where they are URL-encoded, escaped for JSON or in base64.

    Which values are secret is the matter of `secrets`.
    """

    def __init__(self, secrets: Mapping[str, str] | set[str]) -> None:
        """Takes secrets, by value what to call each in a file for programs.

        One of fewer than four characters is none: its replacement would tear holes into ordinary words.
        """
        numbered = {value: f"secret.{number}" for number, value in enumerate(sorted(secrets))}
        named = secrets if isinstance(secrets, Mapping) else numbered
        known = {value: name for value, name in named.items() if len(value) >= _SHORTEST}
        known = {value: name for value, name in known.items() if value.lower() not in _WORDS}
        masks: dict[str, str] = {}
        for secret in known:
            # A number is masked by a number, as it always was in text that may be JSON.
            own = {secret: "9" * len(secret)} if secret.isdigit() else {}
            masks |= {**dict.fromkeys(_forms(secret), MASK), **own}
        self._documents = Documents(tokens(known, _forms))
        # Longest first: one secret may contain another.
        self._masks = sorted(masks.items(), key=lambda item: len(item[0]), reverse=True)
        self._bytes = [(form.encode(), mask.encode()) for form, mask in self._masks]

    @classmethod
    def collect(cls, profiles: Path | None, env: Mapping[str, str] = os.environ) -> "Redactor":
        return cls(secrets_of(profiles, env))

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
        """Rewrites a file in place where it holds a secret: one for programs so that they can still read it."""
        content = path.read_bytes()
        try:
            clean = self._documents.masked(content) if path.suffix == ".json" else self.content(content)
        except ValueError:  # cut short, say, so nobody's to read but a person's
            clean = self.content(content)
        if clean != content:
            path.write_bytes(clean)

    def restored(self, content: bytes) -> bytes:
        """A file for programs with the secrets that were taken out of it, as far as this process has them."""
        return self._documents.restored(content)

    def text_file(self, path: Path) -> None:
        """As `file`, unless it is no text: a few bytes of an image may be anything."""
        try:
            path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return
        self.file(path)


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

    def write_plain(self, text: str) -> None:
        """Writes what holds no secret and is for programs, which a word that happens to be one would break."""
        self.written += len(text)
        self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _forms(secret: str) -> set[str]:
    """How a text may hold a secret."""
    forms = {secret, *_encoded(secret)}
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


def _encoded(secret: str) -> set[str]:
    """How a URL may hold it: as much or as little encoded as programs do, or twice, in either case of the digits."""
    upper = {quote(secret, safe=safe) for safe in _UNENCODED} | {quote_plus(secret)}
    upper |= {re.sub("[:@/]", lambda match: quote(match[0], safe=""), secret)}
    upper |= {"".join(f"%{byte:02X}" for byte in secret.encode())}
    upper |= {quote(form, safe="") for form in set(upper)}
    return upper | {re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form) for form in upper}
