"""Keeps credentials out of everything the runner writes."""

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from podbt.contract.record import NodeRecord

_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|pass$|_pwd(_|$)|^pwd_|secret|token|private_key|api_?key|credential|keyfile_json",
    re.IGNORECASE,
)
_SHORTEST = 4  # replacing shorter values would tear holes into ordinary words
MASK = "*****"


class Redactor:
    """Replaces known secret values by asterisks.

    The values come from environment variables whose names say so and from such keys of profiles.yml.
    """

    def __init__(self, secrets: set[str]) -> None:
        # Longest first: one secret may contain another.
        self._secrets = sorted((s for s in secrets if len(s) >= _SHORTEST), key=len, reverse=True)

    @classmethod
    def collect(cls, profiles: Path | None, env: Mapping[str, str] = os.environ) -> "Redactor":
        found = {value for name, value in env.items() if _SECRET_NAME.search(name)}
        if profiles is not None:
            # dbt reports an unreadable profile itself, better than this could.
            with contextlib.suppress(OSError, UnicodeDecodeError, yaml.YAMLError):
                found |= _secret_values(yaml.safe_load(profiles.read_text(encoding="utf-8")))
        return cls(found)

    def text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _mask(secret))
        return text

    def node(self, node: NodeRecord) -> NodeRecord:
        return node.model_copy(update={"message": self.text(node.message)}) if node.message else node

    def file(self, path: Path) -> None:
        """Rewrites a file in place where it holds a secret, as plain text or as JSON writes it."""
        content = path.read_bytes()
        clean = content
        for secret in self._secrets:
            for form in {secret, _json_form(secret)}:
                clean = clean.replace(form.encode(), _mask(secret).encode())
        if clean != content:
            path.write_bytes(clean)


def _mask(secret: str) -> str:
    """A number is masked by a number: asterisks within one would break a JSON file."""
    return "9" * len(secret) if secret.isdigit() else MASK


def _json_form(secret: str) -> str:
    return secret.replace("\\", "\\\\").replace('"', '\\"')


def _secret_values(data: Any, *, secret: bool = False) -> set[str]:
    if isinstance(data, dict):
        return set().union(*(_secret_values(v, secret=bool(_SECRET_NAME.search(str(k)))) for k, v in data.items()))
    if isinstance(data, list):
        return set().union(*(_secret_values(item, secret=secret) for item in data))
    # A template is not the secret itself; what it renders to is in the environment.
    return {str(data)} if secret and data is not None and "{{" not in str(data) else set()
