"""A release: an image is pushed to the first stage's registry, and all that has to be signed about it is signed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from podbt.errors import ConfigError, PromotionError
from podbt.promote import values
from podbt.promote.config import Promotion
from podbt.promote.evidence import Evidence, Judge
from podbt.promote.registry import Registry
from podbt.promote.signing import Signatures
from podbt.promote.statements import SBOM, Build, Statement, Tests
from podbt.promote.tools import Shell


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image of which all is known that a release says of it.

    Attributes:
        layout: An OCI layout, a folder.
        digest: The image's in it.
        build: What it was built of.
        sbom: What it is made of, as CycloneDX JSON.
    """

    layout: Path
    digest: str
    build: Build
    sbom: Path


class Releaser:
    """Publishes images in a project's first stage."""

    def __init__(self, promotion: Promotion, shell: Shell, tell: Callable[[str], None] = print) -> None:
        self._promotion, self._shell, self._tell = promotion, shell, tell
        self._signatures = Signatures(shell, promotion.state)
        self._judge = Judge(promotion, self._signatures)
        self._registry = Registry(promotion.stages[0], shell)

    def prepare(self) -> None:
        """Checks the tools, before anything takes long."""
        self._shell.require("cosign", "crane", "oras")
        self._signatures.prepare()

    def released(self, revision: str) -> str | None:
        """The digest that a commit was released as; None where it was not, or not wholly.

        Raises:
            PromotionError: The registry fails.
        """
        digest = self._registry.find(revision)
        if digest is None:
            return None
        try:
            evidence = self._judge.released(self._registry, digest)
        except PromotionError:
            return None
        return digest if evidence and evidence.build.revision == revision else None

    def publish(self, image: Image, tests: Tests) -> Evidence | None:
        """Pushes an image, attests what is known of it, and signs it, which comes last.

        Raises:
            PromotionError: A registry or a key fails, or the tests did: that is attested, too.
        """
        key = self._promotion.signing.private_key
        if key is None:
            raise ConfigError("signing has no private_key, which signs a release.")
        key = self._promotion.key(key)
        self._registry.push(str(image.layout), image.digest, image.build.revision)
        self._signatures.attest(self._registry, image.digest, key, SBOM, predicate=image.sbom)
        for statement in (image.build, tests):
            self._attest(image.digest, key, statement)
        if tests.outcome != "passed":
            failed = ", ".join(check.name for check in tests.checks if check.outcome != "passed")
            raise PromotionError(f"{image.digest} was not signed: its tests failed ({failed}), which is attested.")
        self._signatures.sign(self._registry, image.digest, key)
        return self._judge.released(self._registry, image.digest, later=self._shell.dry)

    def _attest(self, digest: str, key: str, statement: Statement) -> None:
        file = self._promotion.state / f"{type(statement).__name__.lower()}.json"
        values.write(file, statement.to_json())
        self._signatures.attest(self._registry, digest, key, statement.type, predicate=file)
