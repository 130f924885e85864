"""Whether an image may go on: all that has to be signed about it, looked at in a registry."""

from dataclasses import dataclass

from podbt.errors import PromotionError
from podbt.promote.config import Promotion, Stage
from podbt.promote.registry import Registry
from podbt.promote.signing import NoStatementError, Signatures
from podbt.promote.statements import SBOM, Build, Outcome, Promoted, Tests, newest


@dataclass(frozen=True)
class Evidence:
    """What is proven about an image.

    Attributes:
        build: What it was built of.
        tests: How its tests ended: well.
    """

    build: Build
    tests: Tests


@dataclass(frozen=True)
class Judge:
    """Looks at images with a project's keys.

    Attributes:
        promotion: Whose.
        signatures: Checks them.
    """

    promotion: Promotion
    signatures: Signatures

    def released(self, registry: Registry, digest: str, *, later: bool = False) -> Evidence | None:
        """Proves that an image is there as it was released: signed, with an SBOM, built of a commit, its tests passed.

        Args:
            registry: Where to look.
            digest: Of the image.
            later: Something before brings it there, so that a dry run finds nothing yet.

        Returns:
            What is known of it; None in a dry run of what comes later.

        Raises:
            PromotionError: It is refused, in one line.
        """
        key = self.promotion.key(self.promotion.signing.public_key)
        signatures = self.signatures
        if not later:
            registry.require(digest)
        signatures.verify(registry, digest, key, later=later)
        signatures.predicates(registry, digest, key, SBOM, "with its parts (SBOM)", later=later)
        build = newest(signatures.statements(Build, registry, digest, key, later=later))
        tests = newest(signatures.statements(Tests, registry, digest, key, later=later))
        if not build or not tests:
            return None
        if tests.outcome != "passed":
            failed = ", ".join(check.name for check in tests.checks if check.outcome != "passed")
            raise PromotionError(
                f"{digest} in {registry.where} is refused: its tests failed ({failed}). Mend that and release anew."
            )
        return Evidence(build, tests)

    def words(self, stage: Stage, registry: Registry, digest: str, *, later: bool = False) -> list[Promoted]:
        """What a stage said of an image, the newest first; nothing where it never did."""
        key = self.promotion.key(self.promotion.keys(stage).public_key)
        try:
            said = self.signatures.statements(Promoted, registry, digest, key, later=later)
        except NoStatementError:
            return []
        return sorted((word for word in said if word.stage == stage.name), key=lambda word: word.at, reverse=True)

    def passed(self, stage: Stage, registry: Registry, digest: str, *, ever: bool = False) -> None:
        """Proves that an image passed a stage.

        Args:
            stage: Whose word counts.
            registry: Where to look for it.
            digest: The image's.
            ever: It is enough that it passed once, whatever came of it later.

        Raises:
            PromotionError: It did not, in one line.
        """
        ended = [word for word in self.words(stage, registry, digest) if word.outcome is not Outcome.APPROVED]
        if not ended:
            raise PromotionError(
                f"{digest} is refused: it did not pass stage {stage.name}. Promote it to {stage.name} first "
                f"(podbt promote --to {stage.name} --digest {digest})."
            )
        if not any(word.outcome is Outcome.PASSED for word in (ended if ever else ended[:1])):
            at = f"{ended[0].at:%Y-%m-%d %H:%M} UTC"
            raise PromotionError(f"{digest} is refused: it failed in stage {stage.name} ({at}).")
