"""The image of an Airflow that is not ours, with podbt put into it as the documentation says."""

import hashlib
import os
import shutil
import sys
from pathlib import Path

from tests.support.e2e.shell import DRIVER, ROOT, attempt, run

VERSION = "3.2.2"
_HERE = Path(__file__).parent
_CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")


def bring(folder: Path, dbt_image: str) -> str:
    """Builds the image where it is not there, and copies it into the cluster.

    Args:
        folder: An empty folder, which becomes the build's context.
        dbt_image: An image that `make up` built; what it starts from, this one starts from.

    Returns:
        The image's name.
    """
    label = '{{index .Config.Labels "org.opencontainers.image.base.name"}}'
    base = run("docker", "image", "inspect", "--format", label, dbt_image).strip()
    dated = {"SOURCE_DATE_EPOCH": "1767225600"}  # so that the same files are the same wheel
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), env=dated)
    (folder / "certificates").mkdir()
    for file, name in (
        (_HERE / "Dockerfile", "Dockerfile"),
        (ROOT / "images/certificates/with", "certificates/with"),
        (ROOT / "requirements/build.txt", "build.txt"),
        (ROOT / f"requirements/airflow-{VERSION.rpartition('.')[0]}.txt", "airflow.txt"),
    ):
        shutil.copyfile(file, folder / name)
    digest = hashlib.sha256(base.encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.read_bytes())
    name = f"their-airflow:{VERSION}-{digest.hexdigest()[:12]}"
    if attempt("docker", "image", "inspect", name).returncode != 0:
        _build(folder, base, name)
    run(*DRIVER, "load", name)
    return name


def _build(folder: Path, base: str, name: str) -> None:
    # The machine's own certificates only help the build, as `make image` has it.
    if bundle := next((os.environ[key] for key in _CERTIFICATES if os.environ.get(key)), ""):
        shutil.copyfile(bundle, folder / "certificates/machine.pem")
    index = os.environ.get("PIP_INDEX_URL")
    arguments = [f"BASE_IMAGE={base}", *([f"PIP_INDEX_URL={index}"] if index else [])]
    words = [word for argument in arguments for word in ("--build-arg", argument)]
    run("docker", "build", "--tag", name, *words, str(folder), timeout_seconds=3600)
