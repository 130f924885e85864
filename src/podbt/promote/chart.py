"""podbt's chart as an OCI artifact: pushed once for a version, and signed like an image."""

import hashlib
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

from podbt.errors import ConfigError, PromotionError
from podbt.promote import lock
from podbt.promote.config import Promotion, Stage
from podbt.promote.registry import Registry
from podbt.promote.signing import NoSignatureError, Signatures
from podbt.promote.tools import FailedError, Shell

_NOT_YET: Final = f"sha256:{'0' * 64}"
_CHART_FILE: Final = re.compile(r"[^/]+/Chart\.yaml")


def publish(
    promotion: Promotion, archive: Path, to: Stage, *, dry_run: bool = False, tell: Callable[[str], None] = print
) -> str:
    """Pushes a packed chart below a repository, unless its version is there, and signs it.

    Args:
        promotion: Whose keys sign it.
        archive: What helm package made.
        to: Whose registry: its repository is the folder that the chart goes to.
        dry_run: Change nothing; print the steps.
        tell: Takes the lines for the person.

    Returns:
        The line that says what is so now.

    Raises:
        PromotionError: The version is there with another content, or a registry or a key fails.
        ConfigError: It is no packed chart, or there is no private key.
    """
    if promotion.signing.private_key is None:
        raise ConfigError("signing has no private_key, which signs a chart.")
    name, version = _named(archive)
    lock.prepare(promotion.state)
    shell = Shell(dry=dry_run, tell=tell)
    shell.require("cosign", "crane", "helm")
    signatures = Signatures(shell, promotion.state)
    signatures.prepare()
    folder, stage = to.repository, to.model_copy(update={"repository": f"{to.repository}/{name}"})
    registry = Registry(stage, shell)
    key = promotion.key(promotion.signing.public_key)
    digest = registry.find(version)
    if digest:
        held = [layer["digest"] for layer in json.loads(registry.manifest(digest))["layers"]]
        if f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}" not in held:
            raise PromotionError(
                f"{registry.tagged(version)} is there with another content, and a version is pushed once: give the "
                "chart another version."
            )
        try:
            signatures.verify(registry, digest, key)
        except NoSignatureError:
            pass  # it died in between
        else:
            return f"{name} {version} is released as {registry.at(digest)} already; nothing to do."
    else:
        try:
            shell.do("helm", "push", archive, f"oci://{folder}", *(["--plain-http"] if stage.plain_http else []))
        except FailedError as error:
            raise registry.explained(error) from None
        digest = _NOT_YET if dry_run else registry.resolve(version)
    signatures.sign(registry, digest, promotion.key(promotion.signing.private_key))
    if dry_run:
        return f"dry run: nothing was pushed; {name} {version} would go to oci://{folder}."
    return f"{name} {version} is released: helm upgrade --install {name} oci://{registry.at(digest)}"


def _named(archive: Path) -> tuple[str, str]:
    """A packed chart's name and version."""
    try:
        with tarfile.open(archive, "r:gz") as packed:
            member = next(one for one in packed if _CHART_FILE.fullmatch(one.name))
            file = packed.extractfile(member)
            chart: Any = yaml.safe_load(file.read()) if file else {}
        return str(chart["name"]), str(chart["version"])
    except (OSError, tarfile.TarError, StopIteration, KeyError, TypeError, yaml.YAMLError):
        raise ConfigError(f"{archive} is no packed chart: make dist makes one.") from None
