"""Keeps credentials out of dbt's JSON files without harming them for the programs that read them (docs/adr/0014).

In text for people each occurrence of a secret becomes asterisks. In a file for programs that is too much: a password
that is an ordinary word, `orders`, stands in keys, names and SQL all over a manifest, and one of digits in times and
hashes. So keys and the names of things stay as they are, a secret that is a word of the project is masked only where
something says that it is a secret, and what stands for a secret names it: whoever has it can put it back.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from podbt.runner.process.secrets import embedded, is_secret

_STRONG: Final = 8
"""From how many characters on a secret is looked for within words, and in every encoding."""
_WORD: Final = re.compile(r"[A-Za-z]{1,12}\Z")
_WORDS: Final = re.compile(r"\w+")
# What things are called and how they refer to each other, times and hashes: never touched.
_NAMES: Final = frozenset(
    {
        "alias", "build_path", "checksum", "completed_at", "database", "dbt_schema_version", "dbt_version", "fqn",
        "generated_at", "identifier", "invocation_id", "invocation_started_at", "name", "original_file_path",
        "package_name", "patch_path", "path", "relation_name", "resource_type", "run_started_at", "schema",
        "source_name", "started_at", "status", "thread_id", "unique_id",
    }
)  # fmt: skip
# What a project's files say, as it stands there, and what is chosen among a few words.
_SAID: Final = frozenset(
    {
        "access", "batch_size", "block_contents", "data_type", "group", "incremental_strategy", "language", "macro_sql",
        "materialized", "on_schema_change", "period", "raw_code", "severity", "strategy", "tags", "type", "unique_key",
        "unrendered_config",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Secret:
    """A secret as a file for programs may hold it.

    Attributes:
        value: What it is.
        token: What stands for it.
        forms: How else a text may hold it, each with what stands for that.
    """

    value: str
    token: str
    forms: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, value: str, name: str, forms: Iterable[str]) -> "Secret":
        others = sorted(set(forms) - {value}, key=lambda form: (-len(form), form))
        return cls(value, f"*****{name}*****", tuple((form, f"*****{name}~{n}*****") for n, form in enumerate(others)))

    @property
    def weak(self) -> bool:
        """Whether it may be an ordinary word, or digits that occur anywhere."""
        return len(self.value) < _STRONG or bool(_WORD.match(self.value))

    @property
    def by_itself(self) -> bool:
        """Whether it is only looked for as a word: what may be one, and digits, which times and hashes are full of."""
        return self.weak or self.value.isdigit()


class Documents:
    """Masks secrets in JSON files, and puts them back."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._secrets = sorted(secrets, key=lambda secret: len(secret.value), reverse=True)
        self._plain: frozenset[str] = frozenset()
        """Secrets that turned out to be words of the project, or part of what something is called."""

    def masked(self, content: bytes) -> bytes:
        """A file without secrets; the very same bytes where it holds none.

        Raises:
            ValueError: It is no JSON.
        """
        present = [secret for secret in self._secrets if _occurs(secret, content)]
        if not present:
            return content
        document = json.loads(content)
        names, words = "\n".join(_names(document)), frozenset(_words(document))
        self._plain |= {one.value for one in present if one.value in (words if one.by_itself else names)}
        masks = [secret for secret in present if secret.weak or secret.value not in self._plain]
        changed = _walk(document, "", lambda key, text: self._text(masks, key, text), _number(masks))
        return json.dumps(changed).encode() if changed != document else content

    def restored(self, content: bytes) -> bytes:
        """A file with the secrets that this process knows, in the places where they stood."""
        if b"*****" not in content:
            return content
        for secret in self._secrets:
            for form, token in ((secret.value, secret.token), *secret.forms):
                content = content.replace(token.encode(), json.dumps(form)[1:-1].encode())
        return content

    def _text(self, secrets: Iterable[Secret], key: str, text: str) -> str:
        for secret in secrets:
            if secret.value not in text and not any(form in text for form, _ in secret.forms):
                continue
            if not secret.weak:
                text = _strong(secret, text)
            elif is_secret(key):
                text = text.replace(secret.value, secret.token)
            elif secret.value in self._plain:
                text = _labelled(secret, text)
            else:
                text = _by_itself(secret, text)
        return text


def _occurs(secret: Secret, content: bytes) -> bool:
    written = (secret.value, json.dumps(secret.value)[1:-1], *(form for form, _ in secret.forms))
    return any(form.encode() in content for form in written)


def _strong(secret: Secret, text: str) -> str:
    if secret.by_itself:
        return _by_itself(secret, text)
    text = text.replace(secret.value, secret.token)
    for form, token in secret.forms:
        text = text.replace(form, token)
    return text


def _labelled(secret: Secret, text: str) -> str:
    """Where the text itself says that it is a secret: user:secret@host, password=secret."""
    if secret.value in set(embedded(text)):
        text = text.replace(f":{secret.value}@", f":{secret.token}@")
        text = re.sub(rf"(=\s*['\"{{]?){re.escape(secret.value)}(?!\w)", lambda match: match[1] + secret.token, text)
    return text


def _by_itself(secret: Secret, text: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(secret.value)}(?!\w)", lambda _: secret.token, text)


def _number(secrets: Iterable[Secret]) -> Callable[[Any], Any]:
    """A number that is a secret becomes another one."""
    numbers = {secret.value for secret in secrets if not secret.weak and secret.value.isdigit()}
    return lambda number: int("9" * len(str(number))) if str(number) in numbers else number


def _walk(value: Any, key: str, text: Callable[[str, str], str], number: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {name: _walk(item, str(name), text, number) for name, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, key, text, number) for item in value]
    if isinstance(value, str):
        return value if key in _NAMES else text(key, value)
    return number(value) if type(value) is int else value


def _strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Each string with the key that it stands at, and each key with none."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield "", str(name)
            # All of what a project wrote as configuration is its own text.
            yield from _strings(item, key if key in _SAID else str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, key)
    elif isinstance(value, str):
        yield key, value


def _names(document: Any) -> Iterator[str]:
    return (text for key, text in _strings(document) if not key or key in _NAMES)


def _words(document: Any) -> Iterator[str]:
    """Words that the project itself says."""
    for key, text in _strings(document):
        if not key or key in _NAMES or key in _SAID:
            yield from _WORDS.findall(text)


def tokens(secrets: Mapping[str, str], forms: Callable[[str], Iterable[str]]) -> list[Secret]:
    """Secrets by value and name, with the forms of those that are no ordinary words."""
    return [
        Secret.of(value, name, forms(value) if len(value) >= _STRONG and not _WORD.match(value) else ())
        for value, name in secrets.items()
    ]
