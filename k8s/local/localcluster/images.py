"""The images: what goes into each, its name, and building it once."""

from __future__ import annotations

import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localcluster.content import Content
from localcluster.locks import lock_of
from localcluster.machine import PROBE_IMAGE, Source
from localcluster.project import add_project, read_project
from localcluster.shell import LocalError

if TYPE_CHECKING:
    from localcluster.places import Places
    from localcluster.session import Session
    from localcluster.shell import Shell

PYTHON_IMAGE = PROBE_IMAGE
POSTGRES_MAJOR = "15"
# Where a machine keeps its own certificates; the first of these that names a file is used.
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
CERTIFICATES_NAME = "images/certificates/machine.pem"
# Of the machine that builds; none of them is kept in the image.
PASSED_ON = (
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL",
    "DBT_PACKAGE_HUB_URL",
)  # fmt: skip
# What of podbt's checkout goes into an image.
OWN = ("src", "images", "requirements", "pyproject.toml", "LICENSE")
# How the dbt image reads the build's secrets. The builder without BuildKit knows no such mount, nor any other way.
SECRET_MOUNT = "--mount=type=secret,id=podbt "  # noqa: S105 - no secret


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a person says of a project's image.

    Attributes:
        dbt: The release of dbt, as "1.10"; empty for the newest.
        targets: The targets that it is for: "prod,ci".
        variables: dbt's variables, as YAML.
        env: Environment variables, as NAME=value words.
        deps: "no" where the project's own dbt_packages go in, and nothing is installed.
        secrets: A file of NAME=value lines that the installation of packages alone may read.
    """

    dbt: str = ""
    targets: str = ""
    variables: str = ""
    env: str = ""
    deps: str = ""
    secrets: Path | None = None

    @property
    def arguments(self) -> tuple[tuple[str, str], ...]:
        """The build arguments that are given; images differ by them."""
        given = (
            ("DBT", self.dbt),
            ("TARGETS", self.targets),
            ("VARS", self.variables),
            ("ENV", self.env),
            ("DEPS", self.deps),
        )
        return tuple((name, value) for name, value in given if value)


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image to build: its name ends in a hash of all that goes in.

    Attributes:
        source_folder: Whose git revision the image is of.
        podbt: The checkout of podbt, which goes in as well.
    """

    repository: str
    version: str
    dockerfile: str
    base: str
    content: Content
    source_folder: Path
    podbt: Path
    arguments: tuple[tuple[str, str], ...] = ()
    secrets: Path | None = None

    @property
    def name(self) -> str:
        # The machine's certificates only help the build; what is built is the same without.
        digest = self.content.digest(self.base, *map(str, self.arguments), without=(CERTIFICATES_NAME,))
        return f"{self.repository}:{self.version}-{digest}"


def version(places: Places) -> str:
    """Return the version that pyproject.toml states."""
    return str(tomllib.loads((places.root / "pyproject.toml").read_text())["project"]["version"])


def dbt_image(places: Places, project: Path, *, base: str, choices: Choices | None = None) -> Image:
    """Return the dbt image of a project, which may be any folder.

    Raises:
        LocalError: Something of the project cannot go into an image, or there is no such dbt or file of secrets.
    """
    choices = choices or Choices()
    if choices.secrets and not choices.secrets.is_file():
        raise LocalError(f"{choices.secrets} is missing: name a file of NAME=value lines, or no secrets.")
    found = read_project(project)
    content = _python_content(places, "dbt", dbt=choices.dbt)
    add_project(content, found, installed=choices.deps == "no")
    return Image(
        repository=f"podbt-dbt-{found.name.replace('_', '-')}",
        version=version(places),
        dockerfile="images/dbt/Dockerfile",
        base=base,
        content=content,
        source_folder=found.folder,
        podbt=places.root,
        arguments=(*choices.arguments, *((("SUBFOLDER", found.place),) if found.packages else ())),
        secrets=choices.secrets,
    )


def airflow_image(places: Places, *, base: str) -> Image:
    """Return the Airflow image, with this checkout's DAGs."""
    content = _python_content(places, "airflow")
    content.add_folder("dags", places.root / "dags")
    return Image(
        repository="podbt-airflow",
        version=version(places),
        dockerfile="images/airflow/Dockerfile",
        base=base,
        content=content,
        source_folder=places.root,
        podbt=places.root,
    )


def postgres_image(places: Places, *, base: str) -> Image:
    """Return the evaluation database's image, which stands in for the official one."""
    content = Content()
    content.add_folder("images/postgres", places.root / "images" / "postgres")
    return Image(
        repository="podbt-postgres",
        version=POSTGRES_MAJOR,
        dockerfile="images/postgres/Dockerfile",
        base=base,
        content=content,
        source_folder=places.root,
        podbt=places.root,
    )


def bases(session: Session, shell: Shell, source: Source) -> tuple[str, str]:
    """Return the names of the Python base image and, for the database's image, the Debian one (empty if official)."""
    if source is Source.REGISTRY:
        return session.shell.environ.get("PODBT_BASE_IMAGE") or PYTHON_IMAGE, ""
    script = session.places.recipe / "base-image"
    debian = shell.run(script, "debian").strip()
    return shell.run(script, "python").strip(), debian


def build(
    shell: Shell, image: Image, *, tag: str = "", of_commit: bool = False, cached: bool = True
) -> tuple[str, bool]:
    """Build an image unless it is there; return its name and whether it was built.

    Args:
        shell: Runs Docker.
        image: What to build.
        tag: One more name for it.
        of_commit: Build it under the tag alone. What is there of the same files may be labelled with an earlier commit.
        cached: Whether Docker may take layers that it has.
    """
    if of_commit:
        _build(shell, image, tag, cached=cached)
        return tag, True
    name = image.name
    missing = shell.attempt("docker", "image", "inspect", "--format", "{{.Id}}", name)[0] != 0
    if missing:
        _build(shell, image, name)
    if tag:
        shell.do("docker", "tag", name, tag)
    return name, missing


def revision(shell: Shell, folder: Path, podbt: Path | None = None) -> str:
    """Return the folder's git revision, marked where files differ from it, or those that go in of podbt's checkout."""
    code, commit = shell.attempt("git", "-C", folder, "rev-parse", "HEAD")
    if code != 0:
        return "unknown"
    changed = _changed(shell, folder, ".") or (podbt is not None and _changed(shell, podbt, *OWN))
    return commit.strip() + ("-modified" if changed else "")


def _changed(shell: Shell, folder: Path, *paths: str) -> bool:
    code, said = shell.attempt("git", "-C", folder, "status", "--porcelain", "--", *paths)
    return code == 0 and bool(said.strip())


def certificates(shell: Shell) -> Path | None:
    """Return the machine's own bundle of certificates, where its environment names one."""
    for variable in CERTIFICATES:
        named = shell.environ.get(variable, "")
        if named and Path(named).is_file():
            return Path(named)
    return None


def _python_content(places: Places, image: str, *, dbt: str = "") -> Content:
    content = Content()
    for name in (f"images/{image}/Dockerfile", "images/certificates/with", "pyproject.toml", "LICENSE"):
        content.add(name, places.root / name)
    for lock in (places.root / "requirements" / "build.txt", lock_of(places.root, image, dbt=dbt)):
        content.add(f"requirements/{lock.name}", lock)
    content.add_folder("src", places.root / "src")
    return content


def _build(shell: Shell, image: Image, name: str, *, cached: bool = True) -> None:
    context = Content(dict(image.content.files))
    bundle = certificates(shell)
    if bundle and "images/certificates/with" in context.files:
        context.add(CERTIFICATES_NAME, bundle)
    text = context.files.get(image.dockerfile)
    if not image.secrets and isinstance(text, Path):
        context.add(image.dockerfile, text.read_text().replace(SECRET_MOUNT, "").encode())
    arguments = [
        ("BASE_IMAGE", image.base),
        ("VERSION", image.version),
        ("REVISION", revision(shell, image.source_folder, image.podbt)),
        *image.arguments,
        *((key, shell.environ[key]) for key in PASSED_ON if shell.environ.get(key)),
    ]
    words = [word for key, value in arguments for word in ("--build-arg", f"{key}={value}")]
    words += [] if cached else ["--no-cache"]
    if image.secrets:
        shell = shell.but(DOCKER_BUILDKIT="1")
        words += ["--secret", f"id=podbt,src={image.secrets.resolve()}"]
    with tempfile.TemporaryFile() as archive:
        context.archive(archive)
        archive.seek(0)
        try:
            shell.do("docker", "build", "--tag", name, "--file", image.dockerfile, *words, "-", stdin=archive)
        except LocalError as error:
            raise LocalError(f"building {name}: {error}", error.log) from error
