"""The base of everything that is read from outside: unknown keys are refused, and the refusal is one line."""

import json
from typing import Annotated, Any, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from podbt.errors import ConfigError


def _stays_within(path: str) -> str:
    if path.startswith("/") or not {".", ".."}.isdisjoint(path.split("/")):
        raise PydanticCustomError("store_path", "is no path within the artifact store")
    return path


StorePath: TypeAlias = Annotated[str, AfterValidator(_stays_within)]
"""A path relative to the artifact store's root or to a run's folder: whoever may write there may not lead elsewhere."""


class Strict(BaseModel):
    """A frozen pydantic model that refuses unknown keys and silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def parse(cls, data: Any, *, source: str) -> Self:
        """Validates plain data, as JSON or YAML gives it.

        Args:
            data: The decoded document.
            source: What to call the document in an error: a path or a name.

        Raises:
            ConfigError: One line that names the source, the key and what is wrong. Values are left out of it.
        """
        # Through JSON, since strict validation takes text for an enum or a time only from there.
        try:
            return cls.model_validate_json(json.dumps(data, default=str))
        except ValidationError as error:
            raise ConfigError(f"{source}: {describe(error)}") from None

    @classmethod
    def parse_json(cls, text: str | bytes, *, source: str) -> Self:
        """As `parse`, from JSON text."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ConfigError(f"{source}: {describe(error)}") from None


def describe(error: ValidationError) -> str:
    """Puts pydantic's complaints on one line, without the values (one of them may be a secret)."""
    parts = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(step) for step in item["loc"])
        what = "is not a known key; remove it" if item["type"] == "extra_forbidden" else item["msg"]
        parts.append(f"{where}: {what}" if where else what)
    return "; ".join(parts)
