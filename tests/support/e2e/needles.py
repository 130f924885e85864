"""Looks for secrets where none may be. What is reported names the secret and the place, never the value."""

import base64
import json
import subprocess
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import IO
from urllib.parse import quote

from tests.support.e2e import kube
from tests.support.e2e.shell import run

LOGS, ARTIFACTS = "/opt/airflow/logs", "/artifacts"
_CHUNK_BYTES = 4 << 20
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

_SEARCH = """
import json, os, sys
wanted = {name: [form.encode() for form in forms] for name, forms in json.load(sys.stdin).items()}
for root in sys.argv[1:]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            content = open(path, "rb").read()
            for which, forms in wanted.items():
                if any(form in content for form in forms):
                    print(which, path)
"""


class Needles:
    """Values that are looked for as they are, and as base64, URLs and JSON write them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._forms = {name: _forms(value) for name, value in values.items()}

    @classmethod
    def of_cluster(cls, more: Mapping[str, str]) -> "Needles":
        """Every credential that the chart made."""
        found = {
            f"{name}/{key}": kube.secret(name)[key]
            for name, keys in {
                "podbt-admin": ["password"],
                "podbt-airflow": ["fernet-key", "jwt-secret", "api-secret-key"],
                "podbt-metadata": ["connection", "password"],
                "podbt-postgres": ["password"],
                "podbt-warehouse": ["password"],
            }.items()
            for key in keys
        }
        assert all(len(value) >= 16 for value in found.values())  # a short one would be found by chance
        return cls({**found, **more})

    def within(self, text: str | bytes, place: str) -> list[str]:
        content = text if isinstance(text, bytes) else text.encode()
        return [
            f"{name} in {place}"
            for name, forms in self._forms.items()
            if any(form.encode() in content for form in forms)
        ]

    def in_volumes(self) -> list[str]:
        """Looks through every file on the volumes of logs and of artifacts."""
        found = kube.exec_api_server("python", "-c", _SEARCH, LOGS, ARTIFACTS, stdin=json.dumps(self._forms))
        return found.splitlines()

    def in_cluster(self) -> list[str]:
        """Looks through what `kubectl get` and `kubectl logs` show of the namespace, Secrets excepted."""
        kinds = "pods,events,configmaps,deployments,replicasets,statefulsets,jobs,services,serviceaccounts,pvc"
        found = self.within(kube.kubectl("get", kinds, "--output", "json"), "objects of the namespace")
        for pod in kube.items("pods"):
            name = pod["metadata"]["name"]
            found += self.within(kube.kubectl("logs", name, "--all-containers"), f"log of {name}")
        return found

    def in_images(self, images: Iterable[str]) -> list[str]:
        """Looks through every layer of the images, files that a later layer removed included, and their history."""
        names = list(images)
        found = self.within(run("docker", "image", "inspect", *names), "configuration of the images")
        for name in names:
            found += self.within(run("docker", "history", "--no-trunc", name), f"history of {name}")
        with subprocess.Popen(("docker", "save", *names), stdout=subprocess.PIPE) as saving:
            assert saving.stdout
            with tarfile.open(fileobj=saving.stdout, mode="r|") as archive:
                for member in archive:
                    if content := archive.extractfile(member):
                        found += self._in_stream(content, member.name)
        assert saving.returncode == 0
        return found

    def _in_stream(self, content: IO[bytes], place: str) -> list[str]:
        overlap = max(len(form) for forms in self._forms.values() for form in forms)
        found: set[str] = set()
        rest = b""
        for chunk in _plain_chunks(content):
            window = rest + chunk
            found |= set(self.within(window, place))
            rest = window[-overlap:]
        return sorted(found)


def _plain_chunks(content: IO[bytes]) -> Iterator[bytes]:
    """A layer's bytes without the compression that some of Docker's image stores keep."""
    first = content.read(_CHUNK_BYTES)
    assert not first.startswith(_ZSTD), "a layer is compressed by zstd, and this search cannot read it"
    unzip = zlib.decompressobj(wbits=31) if first.startswith(_GZIP) else None
    for chunk in chain([first], iter(lambda: content.read(_CHUNK_BYTES), b"")):
        yield unzip.decompress(chunk) if unzip else chunk


def _forms(value: str) -> list[str]:
    encoded = base64.b64encode(value.encode()).decode()
    return sorted({value, encoded, quote(value, safe=""), json.dumps(value)[1:-1]})
