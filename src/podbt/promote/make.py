"""`podbt release`: from an image that docker built to one that is pushed, tried, described and signed."""

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from podbt import constants
from podbt.contract.plan import Plan
from podbt.errors import ConfigError, PromotionError
from podbt.promote import lock, sbom, smoke
from podbt.promote.config import Promotion
from podbt.promote.image import REVISION, Layout, normalize
from podbt.promote.release import Image, Releaser
from podbt.promote.statements import Build, Check, Tests
from podbt.promote.tools import FailedError, Shell

_BAKED: Final = "opt/podbt/baked"
_VERSION: Final = "org.opencontainers.image.version"
_SCRATCH: Final = "released-"
_HEX: Final = frozenset("0123456789abcdef")
_COMMIT_LENGTHS: Final = (40, 64)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a person asks for.

    Attributes:
        image: The image's name at the docker daemon.
        repository: The folder of git that it was built from.
        dry_run: Push and sign nothing; print the steps.
    """

    image: str
    repository: Path
    dry_run: bool = False


def release(promotion: Promotion, order: Order, tell: Callable[[str], None] = print) -> str:
    """Releases an image once: a commit that was released is not again.

    Returns:
        The line that says what is so now.

    Raises:
        PromotionError: It is not fit for a release, a check failed (which is attested), or a registry does.
        ConfigError: promotion.yaml has no smoke run.
    """
    if promotion.smoke is None:
        raise ConfigError("promotion.yaml has no smoke, so nothing would prove that the image works: write it there.")
    lock.prepare(promotion.state)
    first = promotion.stages[0].name
    with lock.held(promotion.state, "release", f"release of {order.image}", wait_seconds=0) as descriptor:
        shell = Shell(dry=order.dry_run, tell=tell, kept_open=(descriptor,))
        releaser = Releaser(promotion, shell)
        releaser.prepare()
        sbom.find()
        revision = _label(shell, order.image)
        if digest := releaser.released(revision):
            return f"{revision[:12]} is released as {digest} already; nothing to do."
        for left in promotion.state.glob(f"{_SCRATCH}*"):  # by a release that was killed: it holds a whole image
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(dir=promotion.state, prefix=_SCRATCH) as folder:
            scratch = Path(folder)
            began = time.monotonic()
            layout = _layout(shell, order, revision, scratch)
            tell(f"{time.monotonic() - began:7.1f} s  {layout.digest} made of {order.image}")
            plan, check = _plan(layout, scratch / "baked")
            checks = [check]
            if plan:
                checks += smoke.run(shell, promotion.smoke, order.image, plan.hash, tell)
            began = time.monotonic()
            sbom.write(shell, layout, scratch, scratch / "sbom.json")
            tell(f"{time.monotonic() - began:7.1f} s  SBOM written")
            now = datetime.now(UTC)
            build = Build(
                at=now,
                revision=revision,
                project=plan.project if plan else "",
                plan_hash=plan.hash if plan else "0" * 64,
                dbt_version=plan.dbt_version if plan else "",
                podbt_version=layout.labels.get(_VERSION, ""),
            )
            passed = all(one.outcome == "passed" for one in checks)
            tests = Tests(at=now, outcome="passed" if passed else "failed", checks=checks)
            began = time.monotonic()
            image = Image(layout=layout.folder, digest=layout.digest, build=build, sbom=scratch / "sbom.json")
            releaser.publish(image, tests)
            tell(f"{time.monotonic() - began:7.1f} s  pushed to stage {first}, attested and signed")
    if order.dry_run:
        return f"dry run: nothing was pushed; {revision[:12]} would be released as {layout.digest}."
    return f"{revision[:12]} is released as {layout.digest}: podbt promote --to {first} --revision {revision}"


def _label(shell: Shell, image: str) -> str:
    """The commit that the image says it was built of."""
    try:
        asked = f'{{{{index .Config.Labels "{REVISION}"}}}}'
        found = shell.ask("docker", "image", "inspect", "--format", asked, image).strip()
    except FailedError as error:
        raise PromotionError(f"There is no image {image}: make image builds it. docker: {error.said}") from None
    if len(found) not in _COMMIT_LENGTHS or not set(found) <= _HEX:
        raise PromotionError(
            f"{image} was built of '{found}', which is no git commit: commit what was changed and build it again."
        )
    return found


def _layout(shell: Shell, order: Order, revision: str, scratch: Path) -> Layout:
    try:
        when = shell.ask("git", "-C", order.repository, "show", "--no-patch", "--format=%ct", revision).strip()
        saved = scratch / "saved.tar"
        shell.ask("docker", "save", "--output", saved, order.image)
    except FailedError as error:
        raise PromotionError(f"{order.image} cannot be released: {error.program}: {error.said}") from None
    layout = normalize(saved, scratch / "layout", datetime.fromtimestamp(int(when), UTC))
    saved.unlink()
    return layout


def _plan(layout: Layout, folder: Path) -> tuple[Plan | None, Check]:
    """The plan that the image holds, and whether it is one."""
    layout.extract(folder, _BAKED)
    file = folder / _BAKED / constants.PLAN_FILE
    try:
        plan = Plan.parse_json(file.read_bytes(), source=constants.PLAN_FILE)
    except FileNotFoundError:
        return None, Check(name="plan", outcome="failed", message="the image holds none")
    except ConfigError as error:
        return None, Check(name="plan", outcome="failed", message=str(error))
    return plan, Check(name="plan", outcome="passed", counts={"nodes": len(plan.nodes)})
