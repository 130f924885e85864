"""Where the settings ask for it, an image runs that its stage approved, and no other."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.support.settings import MINIMAL

from podbt.airflow.overrides import checked_overrides
from podbt.airflow.resolve import resolve, resolve_pod
from podbt.errors import ConfigError
from podbt.promote.statements import Promoted

GOOD, OTHER = (f"sha256:{letter * 64}" for letter in "ab")
REPOSITORY = "registry.example.com/dbt"
KEY, STRANGERS = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
STEP: dict[str, Any] = {"command": "build"}


def bundle(
    digest: str = GOOD,
    *,
    key: ec.EllipticCurvePrivateKey = KEY,
    kind: str = Promoted.type,
    payload: bytes = b"",
    **said: Any,
) -> str:
    """What cosign writes for a stage's word."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "", "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": kind,
        "predicate": {"stage": "prod", "outcome": "approved", **said},
    }
    content, words = json.dumps(statement).encode(), b"application/vnd.in-toto+json"
    signed = b"DSSEv1 %d %s %d %s" % (len(words), words, len(content), content)
    signature = key.sign(signed, ec.ECDSA(SHA256()))
    envelope = {
        "payload": base64.b64encode(payload or content).decode(),
        "payloadType": words.decode(),
        "signatures": [{"sig": base64.b64encode(signature).decode()}],
    }
    return json.dumps({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope})


def payload_of(text: str) -> bytes:
    return base64.b64decode(json.loads(text)["dsseEnvelope"]["payload"])


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a settings file."""

    def write(*bundles: str, image: str = f"{REPOSITORY}@{GOOD}", key: str = PEM) -> None:
        signed = {"stage": "prod", "public_key": key, "bundles": list(bundles)}
        file = tmp_path / "settings.yaml"
        file.write_text(yaml.safe_dump({**MINIMAL, "image": image, "signed": signed}))
        monkeypatch.setenv("PODBT_SETTINGS", str(file))

    return write


@pytest.mark.parametrize("outcome", ["approved", "passed"])
def test_an_approved_image_runs(settings: Any, outcome: str) -> None:
    settings(bundle(OTHER), bundle(outcome=outcome))
    assert resolve(STEP, {})[0] == resolve_pod(STEP, {})[0]


def test_a_task_may_name_another_approved_image(settings: Any) -> None:
    settings(bundle(OTHER), bundle())
    assert resolve_pod(STEP, {"image": f"{REPOSITORY}@{OTHER}"})[0].image.endswith(OTHER)


@pytest.mark.parametrize(
    "bundles",
    [
        pytest.param([], id="nothing is approved"),
        pytest.param([bundle(OTHER)], id="another image is"),
        pytest.param([bundle(key=STRANGERS)], id="another key approved it"),
        pytest.param([bundle(stage="dev")], id="another stage did"),
        pytest.param([bundle(outcome="failed")], id="it failed"),
        pytest.param([bundle(kind="https://podbt.io/attestations/tests/v1")], id="another statement"),
        pytest.param([bundle(OTHER, payload=payload_of(bundle()))], id="changed"),
        pytest.param(["{}"], id="no bundle"),
        pytest.param(["text"], id="no JSON"),
    ],
)  # fmt: skip
def test_any_other_image_is_refused_with_one_line(settings: Any, bundles: list[str]) -> None:
    settings(*bundles)
    for function in (resolve, resolve_pod):
        with pytest.raises(ConfigError) as raised:
            function(STEP, {})
        assert str(raised.value) == (
            f"Image {REPOSITORY}@{GOOD} is refused: stage prod did not approve it with its key. "
            f"podbt promote --to prod --digest {GOOD} does, for what was released and tested."
        )


def test_an_image_by_tag_is_refused(settings: Any) -> None:
    settings(bundle(), image=f"{REPOSITORY}:1")
    with pytest.raises(
        ConfigError, match=r"only images that stage prod approved may run, and those are named by digest"
    ):
        resolve_pod(STEP, {})


def test_a_task_cannot_say_what_is_signed() -> None:
    with pytest.raises(ConfigError, match="signed is said by the settings file, for all tasks"):
        checked_overrides({"signed": None}, None)


def test_a_key_that_is_none_is_one_line(settings: Any) -> None:
    settings(bundle(), key="-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n")
    with pytest.raises(ConfigError, match=r"signed.public_key is no public key of ECDSA"):
        resolve_pod(STEP, {})
