"""The part of the settings of every runtime that says in which bucket run records are kept, where that is no volume."""

from typing import Annotated, Final, Self

from pydantic import StringConstraints, model_validator

from podbt import constants
from podbt.contract.model import Strict

BUCKET_URL: Final = r"^(s3|gs)://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/[A-Za-z0-9._=-]+)*$"
ENDPOINT_URL: Final = r"^https?://[A-Za-z0-9.\[\]:-]+$"


class Bucket(Strict):
    """A prefix of a bucket. Each runtime adds what else a store may be there.

    Credentials come from the environment (AWS_ACCESS_KEY_ID, GOOGLE_SERVICE_ACCOUNT_KEY, …) or from the identity of
    whatever runs dbt; there is no key for them here.
    """

    url: Annotated[str, StringConstraints(pattern=BUCKET_URL)] | None = None
    """s3://bucket/prefix or gs://bucket/prefix"""
    endpoint_url: Annotated[str, StringConstraints(pattern=ENDPOINT_URL)] | None = None
    """Of a server that is not the cloud's own."""
    region: str | None = None

    @model_validator(mode="after")
    def _options_of_a_bucket(self) -> Self:
        if self.url is None and (self.endpoint_url or self.region):
            raise ValueError("endpoint_url and region belong to a url; remove them")
        if self.region and self.url and not self.url.startswith("s3:"):
            raise ValueError("region is S3's; remove it")
        return self

    def environment(self, folder: str | None) -> dict[str, str]:
        """What the runner is told of the store.

        Args:
            folder: Where the runner finds the store when it is no bucket.
        """
        given = {
            constants.ENV_ARTIFACTS: self.url or folder,
            constants.ENV_ARTIFACTS_ENDPOINT: self.endpoint_url,
            constants.ENV_ARTIFACTS_REGION: self.region,
        }
        return {name: value for name, value in given.items() if value}
