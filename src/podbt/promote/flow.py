"""The flow of a promotion: verify, copy, verify again, write one line, deploy, test, say so.

Each step may be repeated: a promotion that died goes on by the same call.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from podbt.errors import ConfigError, PromotionError
from podbt.promote import approval, deploy, lock, record, values
from podbt.promote.config import Promotion, Stage
from podbt.promote.evidence import Evidence, Judge
from podbt.promote.registry import Registry
from podbt.promote.signing import Signatures
from podbt.promote.statements import Action, Outcome, Promoted
from podbt.promote.tools import Shell


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person asks for.

    Attributes:
        to: The stage.
        action: Forward, or back.
        digest: The image; by default what the stage before runs, or, going back, what this one ran before.
        revision: The image by its git commit instead.
        by: Who asks.
        dry_run: Change nothing; look at everything that is there, and print the steps.
        wait_seconds: For another promotion of the stage.
    """

    to: str
    action: Action = Action.PROMOTE
    digest: str | None = None
    revision: str | None = None
    by: str
    dry_run: bool = False
    wait_seconds: float = 0.0


def promote(promotion: Promotion, wish: Wish, tell: Callable[[str], None] = print) -> str:
    """Brings an image into a stage.

    Returns:
        The line that says what is so now.

    Raises:
        PromotionError: It is refused, or a step failed; the stage is as it was, or the same call goes on.
        ConfigError: The file or the values are wrong.
    """
    stage = promotion.stage(wish.to)
    lock.prepare(promotion.state)
    doing = f"{wish.action} to {stage.name} by {wish.by}"
    with lock.held(promotion.state, stage.name, doing, wait_seconds=wish.wait_seconds) as descriptor:
        shell = Shell(dry=wish.dry_run, tell=tell, kept_open=(descriptor,))
        shell.require("cosign", "crane", "oras", *(["helm"] if stage.deploy else []))
        return Flow(promotion, stage, wish, shell, tell).run()


@dataclass
class Flow:
    """One promotion under its lock."""

    promotion: Promotion
    stage: Stage
    wish: Wish
    shell: Shell
    tell: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.signatures = Signatures(self.shell, self.promotion.state)
        self.judge = Judge(self.promotion, self.signatures)
        self.registry = Registry(self.stage, self.shell)
        before = self.promotion.before(self.stage) if self.wish.action is Action.PROMOTE else None
        self.source_stage = before or self.stage
        self.source = Registry(self.source_stage, self.shell)
        self.release = deploy.of(self.promotion, self.stage, self.shell)
        self.file = self.promotion.record(self.stage)
        self.entries = record.read(self.file)
        self.values = self.promotion.path(self.stage.values) if self.stage.values else None

    def run(self) -> str:
        left = lock.Journal.read(self.promotion.state, self.stage.name)
        self._check_values()
        self.signatures.prepare()
        digest = self._wanted(left)
        if not left and self._is_there(digest):
            return f"{self.stage.name} runs {digest} already; nothing to do."
        journal = self._begin(digest, left)
        with self._step(f"verified in stage {self.source_stage.name}"):
            evidence = self._verify_source(digest)
        if self.release:
            self.release.unlock(ours=left is not None)
        if not self.wish.dry_run:
            journal.write(self.promotion.state, self.stage.name)
        if self.source.stage.repository != self.registry.stage.repository:
            with self._step(f"copied to {self.registry.stage.repository}"):
                self.registry.copy_from(self.source, digest, evidence.build.revision)
            with self._step(f"verified in stage {self.stage.name}"):
                self._verify_copy(digest, evidence)
        resumed = left is not None and left.id == journal.id
        self._say(journal, Outcome.APPROVED, resumed=resumed and self._bundle.is_file())
        if self.stage.approval:
            approval.write(self.promotion.path(self.stage.approval), self._bundle, self.shell)
        tests = self._bring_up(journal, evidence)
        self._say(journal, Outcome.PASSED, resumed=resumed, tests=tests)
        self._end(journal, evidence, Outcome.PASSED, tests=tests)
        if self.wish.dry_run:
            return f"dry run: nothing was changed; {self.stage.name} would run {digest}."
        was = f" (was {journal.previous})" if journal.previous and journal.previous != digest else ""
        return f"{self.stage.name} runs {digest}{was}, after {time.monotonic() - self.began:.1f} s."

    @property
    def _bundle(self) -> Path:
        """What the stage signed before the image runs there."""
        return self.promotion.state / f"{self.stage.name}-approved.bundle.json"

    def _check_values(self) -> None:
        """Values and file have to speak of the same image, or the digest would be another repository's."""
        if self.values is None:
            return
        named = values.sibling(self.values, self.stage.values_key, "repository")
        if named and named != self.stage.repository:
            raise ConfigError(
                f"{self.values}: the image's repository is {named}, but stage {self.stage.name} promotes into "
                f"{self.stage.repository}: make them the same."
            )

    def _wanted(self, left: lock.Journal | None) -> str:
        """The digest that is asked for."""
        if self.wish.digest:
            return self.wish.digest
        if self.wish.revision:
            return self.source.resolve(self.wish.revision)
        if self.wish.action is Action.ROLLBACK:
            now = record.running(self.entries)
            # One that died on its way, or failed and was not brought back: what ran before it is what last passed.
            entry = now if left and now and now.digest != left.digest else record.earlier(self.entries)
            if entry is None:
                raise PromotionError(f"{self.stage.name} ran nothing before ({self.file}): name a --digest.")
            return entry.digest
        if left and left.action is Action.PROMOTE:
            return left.digest
        entry = record.running(record.read(self.promotion.record(self.source_stage)))
        if self.source_stage is self.stage or entry is None:
            raise PromotionError(
                f"Which image is to go to {self.stage.name}? Name it by --digest, or by --revision, its git commit."
            )
        return entry.digest

    def _is_there(self, digest: str) -> bool:
        now = record.running(self.entries)
        if now is None or now.digest != digest or self.entries[-1].outcome is not Outcome.PASSED:
            return False
        if self.values and values.read(self.values, self.stage.values_key) != digest:
            return False
        return self.release is None or self.release.runs(self.stage.values_key, digest)

    def _begin(self, digest: str, left: lock.Journal | None) -> lock.Journal:
        if left and left.digest == digest and left.action is self.wish.action:
            self.tell(f"podbt: going on with the promotion that began at {left.at:%Y-%m-%d %H:%M:%S} UTC")
            return left
        now = record.running(self.entries)
        ran = now.digest if now else values.read(self.values, self.stage.values_key) if self.values else ""
        return lock.Journal(
            id=uuid.uuid4().hex,
            action=self.wish.action,
            digest=digest,
            previous=left.previous if left else ran,
            at=datetime.now(UTC),
        )

    def _verify_source(self, digest: str) -> Evidence:
        evidence = self.judge.released(self.source, digest)
        if evidence is None:
            raise PromotionError(f"{digest} in {self.source.where} is refused: its attestations say nothing.")
        if self.wish.revision and evidence.build.revision != self.wish.revision:
            raise PromotionError(
                f"{self.source.tagged(self.wish.revision)} is refused: the tag was moved to {digest}, which was built "
                f"of commit {evidence.build.revision}."
            )
        if self.wish.action is Action.ROLLBACK:
            self.judge.passed(self.stage, self.source, digest, ever=True)
        elif self.source_stage is not self.stage:
            self.judge.passed(self.source_stage, self.source, digest)
        return evidence

    def _verify_copy(self, digest: str, evidence: Evidence) -> None:
        tag = evidence.build.revision
        if not self.wish.dry_run and (found := self.registry.resolve(tag)) != digest:
            raise PromotionError(
                f"{self.registry.tagged(tag)} names {found} after the copy of {digest}: somebody else writes there."
            )
        self.judge.released(self.registry, digest, later=self.wish.dry_run)

    def _bring_up(self, journal: lock.Journal, evidence: Evidence) -> str:
        """Writes the line, deploys and tests; brings the stage back where that fails. Returns what was tested."""
        version = self.release.state()[0] if self.release else 0
        self._write(journal.digest)
        if not self.release:
            return ""
        try:
            with self._step(f"deployed release {self.release.deploy.release}"):
                self.release.upgrade()
        except PromotionError as error:
            raise self._came_back(journal, evidence, error) from None
        try:
            with self._step("tested (helm test)"):
                return self.release.test()
        except PromotionError as error:
            if version:
                self.release.back(version)
            raise self._came_back(journal, evidence, error) from None

    def _came_back(self, journal: lock.Journal, evidence: Evidence, error: PromotionError) -> PromotionError:
        self._write(journal.previous)
        self._say(journal, Outcome.FAILED, resumed=False)
        self._end(journal, evidence, Outcome.FAILED, message=str(error))
        back = f"is back at {journal.previous}" if journal.previous else "has no image that passed before"
        return PromotionError(f"{error} Stage {self.stage.name} {back}.")

    def _write(self, digest: str) -> None:
        if self.values is None:
            return
        text = values.replaced(self.values, self.stage.values_key, digest)
        if self.wish.dry_run:
            self.tell(f'  # {self.values}: {self.stage.values_key}: "{digest}"')
        elif text != self.values.read_bytes().decode():
            values.write(self.values, text)

    def _say(self, journal: lock.Journal, outcome: Outcome, *, resumed: bool, tests: str = "") -> None:
        """Attests the stage's word, unless a promotion that died said it."""
        if resumed and any(
            word.id == journal.id and word.outcome is outcome
            for word in self.judge.words(self.stage, self.registry, journal.digest, later=self.wish.dry_run)
        ):
            return
        word = Promoted(
            at=datetime.now(UTC),
            id=journal.id,
            stage=self.stage.name,
            action=journal.action,
            outcome=outcome,
            by=self.wish.by,
            previous=journal.previous,
            tests=tests,
        )
        key = self.promotion.keys(self.stage).private_key
        if key is None:
            raise ConfigError(f"stages: {self.stage.name}: signing has no private_key, which signs what passed there.")
        with self._step(f"attested: {outcome}"):
            predicate = self.promotion.state / f"{self.stage.name}-{outcome}.json"
            values.write(predicate, word.to_json())
            bundle = self._bundle if outcome is Outcome.APPROVED else None
            self.signatures.attest(
                self.registry,
                journal.digest,
                self.promotion.key(key),
                Promoted.type,
                predicate=predicate,
                bundle=bundle,
            )

    def _end(
        self, journal: lock.Journal, evidence: Evidence, outcome: Outcome, *, tests: str = "", message: str = ""
    ) -> None:
        if self.wish.dry_run:
            self.tell(f"  # {self.file}: one more line")
            return
        entry = record.Entry(
            id=journal.id,
            at=datetime.now(UTC),
            by=self.wish.by,
            stage=self.stage.name,
            action=journal.action,
            outcome=outcome,
            digest=journal.digest,
            previous=journal.previous,
            source=self.source.stage.repository,
            revision=evidence.build.revision,
            plan_hash=evidence.build.plan_hash,
            tests=tests,
            message=message,
        )
        record.append(self.file, entry)
        lock.Journal.remove(self.promotion.state, self.stage.name)

    @contextmanager
    def _step(self, done: str) -> Iterator[None]:
        began = time.monotonic()
        if self.wish.dry_run:
            self.tell(f"# {done}")
        yield
        if not self.wish.dry_run:
            self.tell(f"{time.monotonic() - began:7.1f} s  {done}")
