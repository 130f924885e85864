"""Images as `docker save` writes them, made of nothing but their files."""

import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

COMMIT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = int(COMMIT.timestamp()) + 1000


def archive(entries: dict[str, bytes], **facts: Any) -> bytes:
    """A tar of these files; a name with a slash at its end is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name.rstrip("/"))
            entry.size, entry.mode = len(content), 0o640
            entry.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            for key, value in {"mtime": LATER, "uid": 65532, **facts}.items():
                setattr(entry, key, value)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def saved(file: Path, layers: list[bytes], **config: Any) -> Path:
    """What `docker save` writes."""
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    inner = {
        "User": "65532:65532",
        "Labels": {"org.opencontainers.image.revision": "0" * 40},
        **config.pop("config", {}),
    }
    said = {"architecture": "amd64", "os": "linux", "config": inner, **config}
    manifest = [{"Config": "config.json", "RepoTags": ["x:1"], "Layers": names}]
    files = {"manifest.json": json.dumps(manifest).encode(), "config.json": json.dumps(said).encode()}
    file.write_bytes(archive(files | dict(zip(names, layers, strict=True))))
    return file
