"""A stage's Helm release: upgraded, tested, and brought back where that fails."""

import json
import re
from dataclasses import dataclass

from podbt.errors import PromotionError
from podbt.promote.config import Deploy, Promotion, Stage
from podbt.promote.tools import FailedError, Shell


@dataclass(frozen=True)
class Release:
    """The Helm release of a stage.

    Attributes:
        promotion: Whose.
        stage: The stage.
        deploy: What the file says of the release.
        shell: Runs helm.
    """

    promotion: Promotion
    stage: Stage
    deploy: Deploy
    shell: Shell

    def state(self) -> tuple[int, str]:
        """The release's newest revision and its status; 0 where there is no release."""
        try:
            found = json.loads(self.shell.ask("helm", "status", *self._names, "--output", "json"))
        except FailedError as error:
            if "not found" in error.output:
                return 0, ""
            raise self._failed("cannot be looked at", error) from None
        return int(found["version"]), str(found["info"]["status"])

    def runs(self, key: str, digest: str) -> bool:
        """Whether the release is deployed with this digest at this key of its values."""
        version, status = self.state()
        if not version or status != "deployed":
            return False
        found = json.loads(self.shell.ask("helm", "get", "values", *self._names, "--output", "json") or "{}") or {}
        for name in key.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return bool(found == digest)

    def unlock(self, *, ours: bool) -> None:
        """Clears what an upgrade left that was killed.

        Args:
            ours: It was a promotion that this machine began, and it is over.

        Raises:
            PromotionError: Another helm may be at work on the release.
        """
        version, status = self.state()
        if not status.startswith("pending-"):
            return
        if not ours:
            raise PromotionError(
                f"Another helm is at work on release {self.deploy.release} in {self.deploy.namespace} ({status}): wait "
                "for it. If it was killed, helm rollback brings the release back."
            )
        try:
            if version == 1:
                self.shell.do("helm", "uninstall", *self._names, "--wait")
            else:
                self.shell.do("helm", "rollback", *self._names, "--wait", *self._timeout)
        except FailedError as error:
            raise self._failed("cannot be freed from a killed upgrade", error) from None

    def upgrade(self) -> None:
        """Installs or upgrades; helm brings back the revision before where that fails.

        Raises:
            PromotionError: It failed.
        """
        files = [*self.deploy.values, *filter(None, (self.stage.values, self.stage.approval))]
        words = [word for name in files for word in ("--values", str(self.promotion.path(name)))]
        try:
            self.shell.do(
                "helm", "upgrade", "--install", self.deploy.release, self._chart, *self._place, *words,
                "--rollback-on-failure", "--wait", *self._timeout,
            )  # fmt: skip
        except FailedError as error:
            raise self._failed("was not upgraded", error) from None

    def test(self) -> str:
        """Runs the chart's tests; returns what ran.

        Raises:
            PromotionError: One failed.
        """
        try:
            text = self.shell.do("helm", "test", *self._names, *self._timeout)
        except FailedError as error:
            raise self._failed("fails its tests (helm test)", error) from None
        names = [name for name in re.findall(r"^TEST SUITE:\s+(\S+)$", text, re.MULTILINE) if name != "None"]
        return ", ".join(names) or "none"

    def back(self, revision: int) -> None:
        """Brings back a revision."""
        try:
            self.shell.do("helm", "rollback", *self._with(str(revision)), "--wait", *self._timeout)
        except FailedError as error:
            raise self._failed(f"was not brought back to revision {revision}", error) from None

    @property
    def _chart(self) -> str:
        chart = self.deploy.chart
        return chart if chart.startswith("oci://") else str(self.promotion.path(chart))

    @property
    def _place(self) -> list[str]:
        context = ["--kube-context", self.deploy.context] if self.deploy.context else []
        return ["--namespace", self.deploy.namespace, *context]

    @property
    def _names(self) -> list[str]:
        return self._with()

    def _with(self, *words: str) -> list[str]:
        return [self.deploy.release, *words, *self._place]

    @property
    def _timeout(self) -> list[str]:
        return ["--timeout", f"{self.deploy.timeout_seconds}s"]

    def _failed(self, what: str, error: FailedError) -> PromotionError:
        return PromotionError(f"Release {self.deploy.release} in {self.deploy.namespace} {what}: {error.said}")


def of(promotion: Promotion, stage: Stage, shell: Shell) -> Release | None:
    """The release of a stage; None where something else deploys."""
    return Release(promotion, stage, stage.deploy, shell) if stage.deploy else None
