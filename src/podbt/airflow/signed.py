"""Whether an image may run: a stage approved its digest, with its key.

The approval comes with the settings, as a Sigstore bundle that `podbt promote` wrote: nothing is asked of a registry.
"""

import base64
import binascii
import json
from functools import lru_cache
from typing import Any, Final

from podbt.contract.settings.kubernetes import Settings
from podbt.errors import ConfigError

_STATEMENT: Final = "application/vnd.in-toto+json"
_PROMOTION: Final = "https://podbt.io/attestations/promotion/v1"


def require_signed(settings: Settings) -> None:
    """Lets an image pass that may run here.

    Raises:
        ConfigError: Only approved images may, and this one is none.
    """
    signed = settings.signed
    if signed is None:
        return
    digest = settings.image.partition("@")[2]
    if not digest:
        raise ConfigError(
            f"Image {settings.image} is refused: only images that stage {signed.stage} approved may run, and those are "
            "named by digest (…@sha256:…)."
        )
    if not any(digest == _approved(bundle, signed.stage, signed.public_key) for bundle in signed.bundles):
        raise ConfigError(
            f"Image {settings.image} is refused: stage {signed.stage} did not approve it with its key. "
            f"podbt promote --to {signed.stage} --digest {digest} does, for what was released and tested."
        )


@lru_cache(maxsize=64)
def _approved(bundle: str, stage: str, public_key: str) -> str:
    """The digest that a bundle approves for a stage; empty where it approves none."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - DAG files that sign nothing load none of it
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(public_key.encode())
    except ValueError:
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ConfigError("settings: signed.public_key is no public key of ECDSA, as cosign makes them.")
    try:
        envelope = json.loads(bundle)["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        (signature,) = envelope["signatures"]
        key.verify(base64.b64decode(signature["sig"], validate=True), _signed_bytes(payload), ec.ECDSA(SHA256()))
        statement: Any = json.loads(payload)
        predicate = statement["predicate"]
        if (envelope["payloadType"], statement["predicateType"]) != (_STATEMENT, _PROMOTION):
            return ""
        if predicate["stage"] != stage or predicate["outcome"] not in {"approved", "passed"}:
            return ""
        (subject,) = statement["subject"]
        return f"sha256:{subject['digest']['sha256']}"
    except (InvalidSignature, ValueError, KeyError, TypeError, binascii.Error):
        return ""


def _signed_bytes(payload: bytes) -> bytes:
    """What is signed of a DSSE envelope (its pre-authentication encoding)."""
    kind = _STATEMENT.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
