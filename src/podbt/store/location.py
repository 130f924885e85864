"""Which store is meant: a folder or the address of a bucket, with what else its client has to know."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from podbt import constants
from podbt.contract.settings.bucket import BUCKET_URL, ENDPOINT_URL
from podbt.errors import ConfigError
from podbt.store.store import Store
from podbt.store.volume import Volume

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where the artifact store is.

    Credentials are no part of it: the client takes them from the environment or from the identity of its pod.

    Attributes:
        address: A folder, or s3://bucket/prefix, or gs://bucket/prefix.
        endpoint_url: Where the bucket's server is, unless it is the cloud's own.
        region: S3's region.
    """

    address: str
    endpoint_url: str | None = None
    region: str | None = None

    @classmethod
    def read(cls, address: str | None = None, env: Mapping[str, str] = os.environ) -> "Location":
        """The location that was asked for, else the environment's, else /artifacts.

        Raises:
            ConfigError: The address or the endpoint is not one.
        """
        chosen = address or env.get(constants.ENV_ARTIFACTS) or constants.ARTIFACTS_PATH
        endpoint = env.get(constants.ENV_ARTIFACTS_ENDPOINT) or None
        if _URL.match(chosen) and not re.match(BUCKET_URL, chosen):
            raise ConfigError(f"Artifact store '{chosen}' is not s3://bucket/prefix, gs://bucket/prefix or a folder.")
        if endpoint and not re.match(ENDPOINT_URL, endpoint):
            raise ConfigError(f"{constants.ENV_ARTIFACTS_ENDPOINT} '{endpoint}' is not http(s)://host[:port].")
        return cls(address=chosen, endpoint_url=endpoint, region=env.get(constants.ENV_ARTIFACTS_REGION) or None)

    @property
    def in_bucket(self) -> bool:
        return bool(_URL.match(self.address))

    def open(self) -> Store:
        """The store. Asks no server yet."""
        if not self.in_bucket:
            return Volume(Path(self.address))
        from podbt.store.bucket import Bucket  # noqa: PLC0415 - its library is for buckets alone

        return Bucket(self.address.rstrip("/"), self.endpoint_url, self.region)
