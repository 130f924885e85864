"""A built image as an OCI layout that says nothing of when and where it was built.

Two builds of the same files differ in what a builder adds: the times of files and of the image, its history, the name
of a container. All of that is left out or set to one time here, so that the same files make the same digest.
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from podbt.errors import PromotionError

REVISION: Final = "org.opencontainers.image.revision"
_LEVEL: Final = 6
_CHUNK: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"
_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
# Of an image's configuration, what OCI knows; a builder's own notes are left out.
_TOP: Final = ("architecture", "os", "os.version", "os.features", "variant")
_CONFIG: Final = (
    "User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal", "Healthcheck",
    "Shell",
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """An OCI layout with one image.

    Attributes:
        folder: Where it is.
        digest: The image's.
        labels: Of the image.
        env: The image's environment, NAME=value.
    """

    folder: Path
    digest: str
    labels: dict[str, str]
    env: tuple[str, ...]

    def layers(self) -> list[Path]:
        """Their archives, the lowest first."""
        manifest = json.loads(self._blob(self.digest).read_bytes())
        return [self._blob(layer["digest"]) for layer in manifest["layers"]]

    def extract(self, folder: Path, *below: str) -> None:
        """Writes the image's regular files below some paths, without anything that leads out of the folder."""
        for layer in self.layers():
            with tarfile.open(layer, "r:gz") as archive:
                for entry in archive:
                    _take(archive, entry, folder, below)

    def _blob(self, digest: str) -> Path:
        return self.folder / "blobs/sha256" / digest.removeprefix("sha256:")


def normalize(saved: Path, folder: Path, time: datetime) -> Layout:
    """Makes a layout of what `docker save` wrote.

    Args:
        saved: The archive, of one image.
        folder: Where the layout goes; new.
        time: Of the image, and the latest that a file in it may have: the commit's.

    Raises:
        PromotionError: It is no such archive.
    """
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    epoch = int(time.timestamp())
    try:
        with tarfile.open(saved, "r:") as archive:
            (found,) = json.loads(_read(archive, "manifest.json"))
            config = json.loads(_read(archive, found["Config"]))
            layers = [_layer(archive, name, blobs, epoch) for name in found["Layers"]]
    except (tarfile.TarError, KeyError, ValueError, OSError) as error:
        raise PromotionError(
            f"{saved} is no archive of one image, as docker save writes it ({' '.join(str(error).split())})."
        ) from None
    inner = {key: value for key, value in config.get("config", {}).items() if key in _CONFIG and value}
    content = {
        **{key: config[key] for key in _TOP if config.get(key)},
        "created": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "config": inner,
        "rootfs": {"type": "layers", "diff_ids": [plain for _, plain in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _blob(blobs, content, "config.v1+json"),
        "layers": [described for described, _ in layers],
    }
    made = _blob(blobs, manifest, "manifest.v1+json")
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [made]}), encoding="utf-8")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")
    return Layout(folder, str(made["digest"]), inner.get("Labels") or {}, tuple(inner.get("Env") or ()))


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file")
    return file.read()


def _blob(blobs: Path, content: Any, kind: str) -> dict[str, Any]:
    data = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}


class _Hashing(io.RawIOBase):
    """Passes on what is written, and hashes it."""

    def __init__(self, target: Any) -> None:
        self._target, self.hash, self.size = target, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.hash.update(data)
        self.size += len(data)
        return int(self._target.write(data))


def _layer(archive: tarfile.TarFile, name: str, blobs: Path, epoch: int) -> tuple[dict[str, Any], str]:
    """Writes one layer; returns its description and the digest of its plain archive."""
    new = blobs / "new"
    with _opened(archive, name) as source, new.open("wb") as file:
        packed = _Hashing(file)
        with gzip.GzipFile("", "wb", _LEVEL, packed, mtime=0) as zipped:
            plain = _Hashing(zipped)
            with tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as target:
                for entry in source:
                    content = source.extractfile(entry) if entry.isreg() else None
                    target.addfile(_timeless(entry, epoch), content)
    digest = packed.hash.hexdigest()
    new.replace(blobs / digest)
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": packed.size}, f"sha256:{plain.hash.hexdigest()}"


@contextmanager
def _opened(archive: tarfile.TarFile, name: str) -> Iterator[tarfile.TarFile]:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file")
    zipped = file.read(2) == _GZIP
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:gz" if zipped else "r:") as layer:
        yield layer


def _timeless(entry: tarfile.TarInfo, epoch: int) -> tarfile.TarInfo:
    """An entry without names of users, and with no time after the image's."""
    entry.mtime = min(int(entry.mtime), epoch)
    entry.uname = entry.gname = ""
    entry.pax_headers = {key: value for key, value in entry.pax_headers.items() if key.startswith("SCHILY.xattr.")}
    return entry


def _take(archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path, below: tuple[str, ...]) -> None:
    parts = [part for part in entry.name.split("/") if part not in {"", "."}]
    path = "/".join(parts)
    if ".." in parts or not parts or not any(f"{path}/".startswith(f"{one}/") for one in below):
        return
    target = folder / path
    if parts[-1] == _OPAQUE:
        _remove(target.parent)
    elif parts[-1].startswith(_WHITEOUT):
        _remove(target.with_name(parts[-1].removeprefix(_WHITEOUT)))
    elif entry.isreg() and (content := archive.extractfile(entry)):
        if target.is_dir():
            _remove(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            while chunk := content.read(_CHUNK):
                file.write(chunk)


def _remove(path: Path) -> None:
    if path.is_dir():
        for one in path.iterdir():
            _remove(one)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
