"""The address of a server that is told of runs, out of the environment."""

import re
from collections.abc import Mapping
from typing import Final

from podbt.errors import ConfigError

_URL: Final = re.compile(r"https?://[^\s@]+")


def address(env: Mapping[str, str], variable: str, *, off: str, example: str, key: str) -> str | None:
    """The address without a slash at its end; None where nobody is told.

    Args:
        env: The environment.
        variable: Which of its variables has it.
        off: The variable that turns it off, by "true".
        example: What an address looks like.
        key: What belongs into another variable, for the message: "the key belongs into …".

    Raises:
        ConfigError: The address is none. It is not in the message: somebody may have put a password into it.
    """
    url = env.get(variable)
    if not url or env.get(off, "").strip().lower() == "true":
        return None
    if not _URL.fullmatch(url):
        raise ConfigError(f"{variable} is no address such as {example}. Correct it; {key}.")
    return url.rstrip("/")
