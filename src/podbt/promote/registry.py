"""Images in registries: looked up by crane, copied with what refers to them by oras."""

import re
from dataclasses import dataclass

from podbt.errors import PromotionError
from podbt.promote.config import Stage
from podbt.promote.statements import DIGEST
from podbt.promote.tools import FailedError, Shell

_ABSENT = re.compile(r"MANIFEST_UNKNOWN|NAME_UNKNOWN|NOT_FOUND|404 Not Found|manifest unknown|not found", re.IGNORECASE)
_SILENT = re.compile(
    r"connection refused|no such host|i/o timeout|connection reset|unexpected EOF|\bEOF\b|no route to host|"
    r"TLS handshake|network is unreachable|deadline exceeded",
    re.IGNORECASE,
)
_FULL = re.compile(r"\b507\b|no space left|Insufficient Storage|quota|exceeded", re.IGNORECASE)
_CHANGED = re.compile(r"does not match digest|did not match|mismatch|wrong digest", re.IGNORECASE)
_DENIED = re.compile(r"UNAUTHORIZED|DENIED|\b401\b|\b403\b|basic credential", re.IGNORECASE)


@dataclass(frozen=True)
class Registry:
    """A stage's repository.

    Attributes:
        stage: Whose.
        shell: Runs the tools.
    """

    stage: Stage
    shell: Shell

    @property
    def where(self) -> str:
        return f"stage {self.stage.name} ({self.stage.repository})"

    def at(self, digest: str) -> str:
        """An image's whole name, which says its content."""
        return f"{self.stage.repository}@{digest}"

    def tagged(self, tag: str) -> str:
        return f"{self.stage.repository}:{tag}"

    def resolve(self, tag: str) -> str:
        """The digest that a tag names.

        Raises:
            PromotionError: There is no such tag, or the registry fails.
        """
        if (found := self.find(tag)) is None:
            raise PromotionError(
                f"{self.tagged(tag)} is not in stage {self.stage.name}'s registry: make release pushes it."
            )
        return found

    def find(self, tag: str) -> str | None:
        """As `resolve`; None where there is no such tag."""
        try:
            found = self.shell.ask("crane", "digest", *self._insecure, self.tagged(tag)).strip()
        except FailedError as error:
            if _ABSENT.search(error.output):
                return None
            raise self.explained(error) from None
        if not re.fullmatch(DIGEST, found):
            raise PromotionError(f"{self.where} answers '{found[:80]}' for a digest.")
        return found

    def require(self, digest: str) -> None:
        """Looks whether an image is there itself: signatures stay where one was deleted.

        Raises:
            PromotionError: It is not, or the registry fails.
        """
        try:
            self.shell.ask("crane", "digest", *self._insecure, self.at(digest))
        except FailedError as error:
            if _ABSENT.search(error.output):
                raise PromotionError(
                    f"{digest} is not in {self.where}: it has to come from there. Promote it to {self.stage.name} "
                    "first, or release it anew."
                ) from None
            raise self.explained(error) from None

    def manifest(self, digest: str) -> str:
        """An image's manifest, as JSON."""
        try:
            return self.shell.ask("crane", "manifest", *self._insecure, self.at(digest))
        except FailedError as error:
            raise self.explained(error) from None

    def tag(self, digest: str, tag: str) -> None:
        """Names an image once more."""
        try:
            self.shell.do("crane", "tag", *self._insecure, self.at(digest), tag)
        except FailedError as error:
            raise self.explained(error) from None

    def copy_from(self, source: "Registry", digest: str, tag: str) -> None:
        """Copies an image, then what refers to it: signatures and attestations. What is there is not sent again.

        Raises:
            PromotionError: One of the registries fails; nothing is lost, and the same call goes on.
        """
        flags = [
            *(["--from-plain-http"] if source.stage.plain_http else []),
            *(["--to-plain-http"] if self.stage.plain_http else []),
        ]
        # In two steps: the second alone would not bring back an image that was deleted under its signatures.
        for recursive in ([], ["-r"]):
            try:
                self.shell.do("oras", "cp", "--no-tty", *recursive, *flags, source.at(digest), self.tagged(tag))
            except FailedError as error:
                raise self._copy_failed(source, digest, error) from None

    def push(self, layout: str, digest: str, tag: str) -> None:
        """Pushes an image of an OCI layout, a folder."""
        flags = ["--to-plain-http"] if self.stage.plain_http else []
        try:
            self.shell.do("oras", "cp", "--no-tty", "--from-oci-layout", *flags, f"{layout}@{digest}", self.tagged(tag))
        except FailedError as error:
            raise self.explained(error) from None

    def explained(self, error: FailedError) -> PromotionError:
        """What a failure of a tool means, in one line with the tool's own words."""
        if _FULL.search(error.output):
            return PromotionError(f"The registry of {self.where} is full: make room and run it again. {error.said}")
        if _DENIED.search(error.output):
            return PromotionError(
                f"The registry of {self.where} refuses this login: log in there (docker login, or oras login). "
                f"{error.said}"
            )
        if _SILENT.search(error.output):
            return PromotionError(f"The registry of {self.where} does not answer: run it again. {error.said}")
        return PromotionError(f"{error.program} failed at {self.where}: {error.said}")

    def _copy_failed(self, source: "Registry", digest: str, error: FailedError) -> PromotionError:
        if _CHANGED.search(error.output):
            return PromotionError(
                f"{digest} in {source.where} is refused: its content there is not what its digest says. "
                f"Release it anew. {error.said}"
            )
        host = source.stage.repository.partition("/")[0]
        at_source = host != self.stage.repository.partition("/")[0] and f"//{host}/" in error.said
        side = source if at_source else self
        return PromotionError(f"{side.explained(error)} Nothing was deployed; the same command goes on from here.")

    @property
    def _insecure(self) -> list[str]:
        return ["--insecure"] if self.stage.plain_http else []
