"""promotion.yaml: the stages that an image goes through, their registries, keys and values files."""

import re
from pathlib import Path
from typing import Annotated, Final, Self

import yaml
from pydantic import AfterValidator, Field, model_validator

from podbt.contract.model import Strict
from podbt.errors import ConfigError

FILE: Final = "promotion.yaml"
_NAME: Final = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
_REPOSITORY: Final = re.compile(r"[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+")
# Where cosign finds a key that is no file.
_KEY_STORES: Final = ("env://", "awskms://", "azurekms://", "gcpkms://", "hashivault://", "k8s://", "pkcs11:")


def _repository(text: str) -> str:
    if not _REPOSITORY.fullmatch(text):
        raise ValueError("is no registry.example.com/path without scheme, tag and digest")
    return text


def _key(text: str) -> str:
    if "PRIVATE KEY" in text:
        raise ValueError("holds a key itself; name its file, or env://NAME")
    return text


Key = Annotated[str, Field(min_length=1), AfterValidator(_key)]
Repository = Annotated[str, AfterValidator(_repository)]


class Signing(Strict):
    """A pair of cosign's keys: files, or addresses of a key store (env://NAME, awskms://…)."""

    private_key: Key | None = None
    """Only needed where something is signed."""
    public_key: Key


class Deploy(Strict):
    """A Helm release that runs the stage's image."""

    release: Annotated[str, Field(pattern=_NAME)]
    namespace: Annotated[str, Field(pattern=_NAME)]
    chart: Annotated[str, Field(min_length=1)]
    """A folder, an archive, or oci://repository@digest."""
    context: str | None = None
    """Of the kubeconfig; by default the current one."""
    values: list[str] = []
    """Values files before the stage's own."""
    timeout_seconds: Annotated[int, Field(ge=1, le=7200)] = 900
    """For an upgrade, and again for the chart's tests."""


class Stage(Strict):
    """One place that images run in."""

    name: Annotated[str, Field(pattern=_NAME)]
    repository: Repository
    """The image's repository in this stage's registry."""
    plain_http: bool = False
    """The registry speaks HTTP without TLS."""
    signing: Signing | None = None
    """With what the stage says that an image passed there; by default with the release's keys."""
    values: Annotated[str, Field(min_length=1)] | None = None
    """The stage's values file, in which promotion changes one line."""
    values_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")] = "dbt.image.digest"
    """That line's key."""
    record: Annotated[str, Field(min_length=1)] | None = None
    """The file that tells of the stage's promotions; by default promotions-<stage>.jsonl beside the values file."""
    approval: Annotated[str, Field(min_length=1)] | None = None
    """A values file that promotion writes whole: what the stage signed, for Airflow to check (dbt.signed)."""
    deploy: Deploy | None = None
    """By default nothing is deployed: something else follows the values file."""


class Database(Strict):
    """A throwaway database for the smoke run of an image: an image of PostgreSQL, started for it alone."""

    image: Annotated[str, Field(min_length=1)]
    load: list[str] = []
    """A command in the image that fills it with sources; libpq's PG* variables lead it there."""


class Smoke(Strict):
    """What an image has to pass before it is signed."""

    database: Database
    target: Annotated[str, Field(min_length=1)]
    selectors: Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]], Field(min_length=1)]
    """Built in this order."""
    env: dict[str, str] = {}
    """dbt's variables of the environment; {host}, {port}, {user}, {password}, {database} stand for the database's."""
    timeout_seconds: Annotated[int, Field(ge=1, le=86400)] = 3600


class Promotion(Strict):
    """The whole file."""

    signing: Signing
    """With what a release is signed and attested."""
    stages: Annotated[list[Stage], Field(min_length=1)]
    """In order: releases are pushed to the first."""
    smoke: Smoke | None = None
    folder: Annotated[Path, Field(exclude=True)] = Path()
    """Where the file is; paths in it begin there."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [stage.name for stage in self.stages]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"stages: {twice[0]} is there twice; give each stage a name of its own")
        values = [self.path(stage.values) for stage in self.stages if stage.values]
        if len(set(values)) < len(values):
            raise ValueError("stages: two have the same values file; give each its own")
        return self

    def path(self, text: str) -> Path:
        """A path of the file, from where the file is."""
        return Path(self.folder, text)

    def key(self, text: str) -> str:
        """A key as cosign takes it."""
        return text if text.startswith(_KEY_STORES) else str(self.path(text))

    def stage(self, name: str) -> Stage:
        """The stage of this name.

        Raises:
            ConfigError: There is none.
        """
        found = next((stage for stage in self.stages if stage.name == name), None)
        if found is None:
            raise ConfigError(f"There is no stage '{name}'. Give one of {', '.join(one.name for one in self.stages)}.")
        return found

    def before(self, stage: Stage) -> Stage | None:
        """The stage that an image has to pass first; None for the first one."""
        place = self.stages.index(stage)
        return self.stages[place - 1] if place else None

    def keys(self, stage: Stage) -> Signing:
        """With what a stage says that an image passed there."""
        return stage.signing or self.signing

    def record(self, stage: Stage) -> Path:
        """The file that tells of the stage's promotions."""
        if stage.record:
            return self.path(stage.record)
        return (
            self.path(stage.values or "").with_name(f"promotions-{stage.name}.jsonl")
            if stage.values
            else self.path(f"promotions-{stage.name}.jsonl")
        )

    @property
    def state(self) -> Path:
        """A folder for what is nobody's but this machine's: locks, and what a promotion was about to do."""
        return self.folder / ".podbt-promote"


def load(file: Path) -> Promotion:
    """Reads promotion.yaml.

    Raises:
        ConfigError: It cannot be read or is wrong; one line.
    """
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read ({error.strerror}). Name it by --config; docs/promotion.md shows one."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{file} is no mapping. docs/promotion.md shows one.")
    if "folder" in data:
        raise ConfigError(f"{file}: folder: is not a known key; remove it")
    return Promotion.parse({**data, "folder": str(file.resolve().parent)}, source=str(file))
