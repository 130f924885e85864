"""Signatures and attestations, made and checked by cosign.

With keys alone: no transparency log, and no network but the registry's.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from podbt.errors import ConfigError, PromotionError
from podbt.promote.registry import Registry
from podbt.promote.statements import S
from podbt.promote.tools import FailedError, Shell

# What cosign says -> what that means of a signature, and of an attestation.
_WORDS: Final = (
    (r"no signatures found", "nobody signed it", "is missing"),
    (r"none of the attestations matched the predicate type", "nobody signed it", "is missing"),
    (r"does not match any digest in statement", "its signature is another image's", "is another image's"),
    (
        r"accepted signatures do not match threshold|invalid signature|could not verify",
        "it is signed by another key",
        "is signed by another key",
    ),
    (r"no matching attestations|no attestations found", "nobody signed it", "is missing"),
)
_STATEMENT: Final = "https://in-toto.io/Statement/"


class NoSignatureError(PromotionError):
    """Nobody signed it."""


class NoStatementError(PromotionError):
    """Nothing of a type was stated with a key; perhaps with another one."""


class Signatures:
    """cosign with what it needs to know: that there are no services to ask."""

    def __init__(self, shell: Shell, folder: Path) -> None:
        self._shell = shell
        self._folder = folder
        self._offline, self._root = folder / "offline.json", folder / "root.json"

    def prepare(self) -> None:
        """Writes what tells cosign to use no service; the same each time."""
        for file, words in ((self._offline, ["signing-config"]), (self._root, ["trusted-root"])):
            if not file.is_file():
                new = file.with_suffix(".new")
                self._shell.ask("cosign", *words, "create", "--out", new)
                new.replace(file)

    def sign(self, registry: Registry, digest: str, key: str) -> None:
        """Signs an image.

        Raises:
            PromotionError: The key cannot be used, or the registry fails.
        """
        try:
            self._shell.do("cosign", "sign", "--key", key, *self._to_sign, *self._http(registry), registry.at(digest))
        except FailedError as error:
            raise self._not_signed(error, registry, key) from None

    def attest(
        self, registry: Registry, digest: str, key: str, kind: str, *, predicate: Path, bundle: Path | None = None
    ) -> None:
        """Signs a statement about an image.

        Args:
            registry: Where the image is.
            digest: The image's.
            key: The private one.
            kind: The statement's type.
            predicate: A file with the statement, JSON.
            bundle: Where the signed statement is written, too, before it is in the registry.

        Raises:
            PromotionError: As for `sign`.
        """
        words = ["--type", kind, "--predicate", str(predicate), *(["--bundle", str(bundle)] if bundle else [])]
        try:
            self._shell.do(
                "cosign", "attest", "--key", key, *self._to_sign, *words, *self._http(registry), registry.at(digest)
            )
        except FailedError as error:
            raise self._not_signed(error, registry, key) from None

    def verify(self, registry: Registry, digest: str, key: str, *, later: bool = False) -> None:
        """Proves that an image's digest was signed with a key.

        Args:
            registry: Where the image and its signatures are.
            digest: The image's.
            key: The public one.
            later: What is to be verified is only made before: a dry run cannot look.

        Raises:
            PromotionError: It was not; the line says what is there instead.
        """
        run = self._shell.do if later else self._shell.ask
        try:
            run("cosign", "verify", "--key", key, *self._to_check, *self._http(registry), registry.at(digest))
        except FailedError as error:
            raise self._refused(error, registry, digest, key) from None

    def predicates(
        self, registry: Registry, digest: str, key: str, kind: str, what: str, *, later: bool = False
    ) -> list[Any]:
        """What was stated about an image with a key, by type.

        Raises:
            PromotionError: There is nothing of this type and key.
        """
        run = self._shell.do if later else self._shell.ask
        words = ["--type", kind]
        try:
            text = run(
                "cosign", "verify-attestation", "--key", key, *self._to_check, *words, *self._http(registry),
                registry.at(digest),
            )  # fmt: skip
        except FailedError as error:
            raise self._refused(error, registry, digest, key, what) from None
        return list(_predicates(text, digest))

    def statements(self, kind: type[S], registry: Registry, digest: str, key: str, *, later: bool = False) -> list[S]:
        """As `predicates`, for what podbt itself states."""
        found = self.predicates(registry, digest, key, kind.type, kind.what, later=later)
        try:
            return [kind.parse(one, source=f"the attestation {kind.what}") for one in found]
        except ConfigError as error:
            raise PromotionError(
                f"{digest} in {registry.where} is refused: {error}. Use the podbt that it was made with."
            ) from None

    @property
    def _to_sign(self) -> list[str]:
        return ["--signing-config", str(self._offline), "--trusted-root", str(self._root), "--yes"]

    @property
    def _to_check(self) -> list[str]:
        return ["--insecure-ignore-tlog", "--trusted-root", str(self._root)]

    @staticmethod
    def _http(registry: Registry) -> list[str]:
        return ["--allow-http-registry"] if registry.stage.plain_http else []

    def _refused(self, error: FailedError, registry: Registry, digest: str, key: str, what: str = "") -> PromotionError:
        for words, of_signature, of_attestation in _WORDS:
            if re.search(words, error.output):
                meaning = f"its attestation {what} {of_attestation}" if what else of_signature
                kind = NoSignatureError if not what and of_signature == _WORDS[0][1] else PromotionError
                if what and not of_attestation.startswith("is another"):
                    kind = NoStatementError
                return kind(f"{digest} in {registry.where} is refused: {meaning} (key {key}).")
        return self._unusable(error, key) or registry.explained(error)

    def _not_signed(self, error: FailedError, registry: Registry, key: str) -> PromotionError:
        return self._unusable(error, key) or registry.explained(error)

    @staticmethod
    def _unusable(error: FailedError, key: str) -> PromotionError | None:
        if re.search(r"decrypt|incorrect password", error.output, re.IGNORECASE):
            return PromotionError(f"The key {key} does not open with the password in COSIGN_PASSWORD.")
        if re.search(r"loading (public |private )?key|reading key|open .*: no such file|loading URL", error.output):
            return PromotionError(f"The key {key} cannot be read: {error.said}")
        return None


def _predicates(text: str, digest: str) -> Iterator[Any]:
    """The predicates in what cosign verified: a DSSE envelope on each line."""
    for line in filter(str.strip, text.splitlines()):
        try:
            statement = json.loads(base64.b64decode(json.loads(line)["payload"], validate=True))
            subjects = [f"sha256:{one['digest']['sha256']}" for one in statement["subject"]]
            kind, predicate = statement["_type"], statement["predicate"]
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise PromotionError(
                "cosign printed something else than statements: use the version that is pinned."
            ) from None
        if digest in subjects and str(kind).startswith(_STATEMENT):
            yield predicate
