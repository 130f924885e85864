"""Image registries on loopback ports, images for them, and a project with stages, keys and releases."""

import gzip
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from tests.support.proxies import ProxyHandler, listening
from tests.support.store_servers import program

from podbt.promote import lock
from podbt.promote.config import Promotion, load
from podbt.promote.release import Image, Releaser
from podbt.promote.statements import Build, Check, Tests
from podbt.promote.tools import Shell, cache

STAGES = ("dev", "staging", "prod")
REPOSITORY = "team/podbt-dbt"
REVISION = "0123456789abcdef0123456789abcdef01234567"
PASSWORD = "of the tests' own keys"


@dataclass
class Registry:
    """A registry of its own on a folder, which can be stopped and started again."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def repository(self) -> str:
        return f"{self.address}/{REPOSITORY}"

    def start(self) -> None:
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = int(probe.getsockname()[1])
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder.with_suffix(".yaml")
        storage = {"filesystem": {"rootdirectory": str(self.folder)}, "delete": {"enabled": True}}
        said = {"version": 0.1, "storage": storage, "http": {"addr": self.address}, "log": {"level": "error"}}
        config.write_text(yaml.safe_dump(said))
        with self.folder.with_suffix(".log").open("ab") as log:
            command = [program("registry"), "serve", str(config)]
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "OTEL_TRACES_EXPORTER": "none"}
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                break
            except OSError:
                assert self.process.poll() is None, self.folder.with_suffix(".log").read_text()
                assert time.monotonic() < deadline, "the registry does not listen"
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def move(self) -> None:
        """Starts again on another port: somebody else may have the one that was free for a moment."""
        self.stop()
        self.port = 0
        self.start()


GONE = -1
"""In place of a status: no answer at all, as of a server that went away."""


def no_fault(_number: int, _method: str, _path: str) -> None:
    """Lets everything pass."""


@dataclass
class Way:
    """What is between a client and a registry: what to answer a request with instead, by number, method and path."""

    project: "Project"
    fault: Callable[[int, str, str], int | None] = no_fault
    seen: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def between(registry: Registry, way: Way) -> Iterator[int]:
    """A proxy in front of a registry that fails requests; yields its port."""

    class Handler(ProxyHandler):
        def handle_any(self) -> None:
            body = self.body()
            with way.lock:
                way.seen += 1
                number = way.seen
            status = way.fault(number, self.command, self.path)
            if status == GONE:
                self.close_connection = True
                return
            if status:
                said = {507: "no space left on device", 500: "injected"}.get(status, "denied")
                errors = {"errors": [{"code": "UNKNOWN", "message": said}]}
                self.answer(status, {"Content-Type": "application/json"}, json.dumps(errors).encode())
                return
            try:
                self.answer(*self.ask(registry.port, self.command, self.path, body))
            except OSError:
                self.close_connection = True

    with listening(Handler) as port:
        yield port


def layout(folder: Path, *contents: bytes) -> str:
    """Writes an OCI layout with an image of a layer for each content; returns the image's digest."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def blob(content: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    layers, plain = [], []
    for content in contents:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo("content")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        plain.append(f"sha256:{hashlib.sha256(archive.getvalue()).hexdigest()}")
        layers.append(blob(gzip.compress(archive.getvalue(), 1, mtime=0), "layer.v1.tar+gzip"))
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": plain}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(json.dumps(config).encode(), "config.v1+json"),
        "layers": layers,
    }
    made = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [made]}))
    return str(made["digest"])


def key_pair(folder: Path, name: str) -> None:
    """Makes a pair of cosign's keys."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [tool("cosign"), "generate-key-pair", "--output-key-prefix", name]
    subprocess.run(
        command, cwd=folder, check=True, capture_output=True, env={**os.environ, "COSIGN_PASSWORD": PASSWORD}
    )


def tool(name: str) -> str:
    """A tool of promotion: where ci/promotion-tools puts it, or on PATH."""
    found = shutil.which(name, path=cache()) or shutil.which(name)
    if not found:
        raise RuntimeError(f"{name} is neither on PATH nor in {cache()}. Run `make promotion-tools` once; it needs Go.")
    return found


def build(revision: str = REVISION) -> Build:
    said = {"revision": revision, "project": "shop", "plan_hash": "a" * 64}
    return Build(at=datetime.now(UTC), dbt_version="1.11.0", podbt_version="0.1.0", **said)


def outcomes(*each: str) -> Tests:
    """The outcomes of checks: smoke-1, smoke-2, …"""
    checks = [Check.parse({"name": f"smoke-{n}", "outcome": one}, source="a test") for n, one in enumerate(each, 1)]
    passed = set(each) == {"passed"}
    return Tests(at=datetime.now(UTC), outcome="passed" if passed else "failed", checks=checks)


@dataclass
class Project:
    """A folder with promotion.yaml, keys and values files, for stages with a registry each."""

    folder: Path
    registries: dict[str, Registry]
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of the stages in promotion.yaml."""

    @classmethod
    def new(cls, folder: Path) -> "Project":
        """One with keys of its own, and registries that do not run yet."""
        project = cls(folder, {name: Registry(folder / "registries" / name) for name in STAGES})
        for name in ("release", *STAGES, "strangers"):
            key_pair(folder / "keys", name)
        return project

    @contextmanager
    def fork(self, folder: Path) -> Iterator["Project"]:
        """A copy of all of it, with registries that run until the block ends."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        for values in folder.glob("values-*.yaml"):
            values.unlink()  # they name the other registries
        project = Project(folder, {name: Registry(folder / "registries" / name) for name in STAGES})
        try:
            for registry in project.registries.values():
                registry.start()
            project.write()
            yield project
        finally:
            for registry in project.registries.values():
                registry.stop()

    @property
    def file(self) -> Path:
        return self.folder / "promotion.yaml"

    def values(self, stage: str) -> Path:
        return self.folder / f"values-{stage}.yaml"

    def write(self) -> None:
        """Writes promotion.yaml, and the values files that are not there."""
        stages = []
        for name, registry in self.registries.items():
            own = {"signing": key_names(name), "values": self.values(name).name, "plain_http": True}
            stages.append({"name": name, "repository": registry.repository, **own, **self.changes.get(name, {})})
            if not self.values(name).exists():
                repository = stages[-1]["repository"]
                self.values(name).write_text(
                    f"# {name}\ndbt:\n  target: {name}\n  image: # one project's\n    repository: {repository}\n"
                    "    digest: '' # written by podbt promote\n\nlogs: {}  # the last line\n"
                )
        self.file.write_text(yaml.safe_dump({"signing": key_names("release"), "stages": stages}, sort_keys=False))

    def digest(self, stage: str) -> str:
        """What the stage's values file says."""
        return str(yaml.safe_load(self.values(stage).read_text())["dbt"]["image"]["digest"])

    def promotion(self) -> Promotion:
        return load(self.file)

    def image(self, *contents: bytes, revision: str = REVISION) -> Image:
        """An image that the contents make, on disk."""
        folder = self.folder / "layouts" / hashlib.sha256(b"\0".join(contents)).hexdigest()[:12]
        digest = layout(folder, *contents)
        sbom = folder / "sbom.json"
        sbom.write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}')
        return Image(layout=folder, digest=digest, build=build(revision), sbom=sbom)

    def release(self, *contents: bytes, revision: str = REVISION, tested: Tests | None = None) -> str:
        """Releases an image that the contents make; returns its digest."""
        image = self.image(*contents, revision=revision)
        promotion = self.promotion()
        lock.prepare(promotion.state)
        releaser = Releaser(promotion, Shell(tell=lambda _: None))
        releaser.prepare()
        releaser.publish(image, tested or outcomes("passed"))
        return image.digest

    def push(self, stage: str, *contents: bytes, tag: str = "by-hand") -> str:
        """Pushes an image as anybody can who may write into the registry; returns its digest."""
        image = self.image(*contents)
        target = f"{self.registries[stage].repository}:{tag}"
        run("oras", "cp", "--from-oci-layout", "--to-plain-http", f"{image.layout}@{image.digest}", target)
        return image.digest

    def sign(self, stage: str, digest: str, key: str = "release") -> None:
        run("cosign", "sign", "--key", self._key(key), *self._quiet, f"{self.registries[stage].repository}@{digest}")

    def attest(self, stage: str, digest: str, kind: str, predicate: str, key: str = "release") -> None:
        file = self.folder / "predicate.json"
        file.write_text(predicate)
        words = ["--key", self._key(key), *self._quiet, "--type", kind, "--predicate", str(file)]
        run("cosign", "attest", *words, f"{self.registries[stage].repository}@{digest}")

    def said(self, stage: str, kind: str, key: str) -> int:
        """How often something of a type was attested with a key, as cosign finds it."""
        state = self.folder / ".podbt-promote"
        words = ["--insecure-ignore-tlog", "--trusted-root", str(state / "root.json"), "--type", kind]
        name = f"{self.registries[stage].repository}@{self.digest(stage)}"
        found = run("cosign", "verify-attestation", "--key", str(self.folder / "keys" / f"{key}.pub"), *words, name)
        return len(found.splitlines())

    def _key(self, name: str) -> str:
        return str(self.folder / "keys" / f"{name}.key")

    @property
    def _quiet(self) -> list[str]:
        state = self.folder / ".podbt-promote"
        return ["--signing-config", str(state / "offline.json"), "--trusted-root", str(state / "root.json"), "--yes"]


def key_names(name: str) -> dict[str, str]:
    """A pair of keys as promotion.yaml names it."""
    return {"private_key": f"keys/{name}.key", "public_key": f"keys/{name}.pub"}


def run(program: str, *words: str) -> str:
    """Runs one of the tools as a person would."""
    ended = subprocess.run([tool(program), *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
