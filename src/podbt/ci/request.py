"""What is asked of `podbt ci`, checked before anything is done."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from podbt.errors import ConfigError
from podbt.runner.dbt.arguments import EXCLUDE, Arguments

_PULL_REQUEST: Final = re.compile(r"[a-z0-9]{1,20}", re.ASCII)
_PREFIX: Final = re.compile(r"[a-z][a-z0-9_]{0,19}", re.ASCII)
_PASSED_ON: Final = EXCLUDE | {
    "--vars", "--threads", "--full-refresh", "-f", "--fail-fast", "-x", "--warn-error", "--warn-error-options",
    "--indirect-selection", "--favor-state",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Request:
    """One pull request's build.

    Attributes:
        pull_request: Its number, or what a forge calls it, in small letters and digits.
        prefix: What its schemas begin with.
        target: Whose connection of profiles.yml is used; None for the profile's default.
        state: What to compare with and to defer to: a target's name in the artifact store, or a folder.
        check: Whether everything is built without rows first, which costs seconds.
        clone: Whether incremental models begin with a copy of the state's table.
        keep: Whether the schemas stay.
        dry_run: Whether it is only said what would be built.
        full_if_missing: Whether the whole project is built where there is no state yet.
        wait_seconds: How long another run of the same pull request is waited for.
        more: dbt's options for the build.
        scratch: Where files are made.
    """

    pull_request: str
    prefix: str = "ci_"
    target: str | None = None
    state: str = ""
    check: bool = True
    clone: bool = True
    keep: bool = False
    dry_run: bool = False
    full_if_missing: bool = False
    wait_seconds: float = 600
    more: Arguments = field(default_factory=lambda: Arguments(()))
    scratch: Path = Path("/tmp")  # noqa: S108 - the one writable place of a container with a read-only root

    def __post_init__(self) -> None:
        if not _PULL_REQUEST.fullmatch(self.pull_request):
            raise ConfigError(
                f"--pr '{self.pull_request}' is no part of a schema's name. Give 1 to 20 small letters and digits."
            )
        if not _PREFIX.fullmatch(self.prefix):
            raise ConfigError(
                f"--prefix '{self.prefix}': a schema's name begins with a small letter; then letters, digits, _."
            )
        for part in self.more.parts:
            if part.name not in _PASSED_ON:
                raise ConfigError(
                    f"'{part.name}' is not passed on: podbt ci itself selects. Behind the dashes may stand "
                    f"{', '.join(sorted(name for name in _PASSED_ON if name.startswith('--')))}."
                )

    @property
    def schema(self) -> str:
        """The first of the pull request's schemas: what dbt takes for target.schema."""
        return f"{self.prefix}{self.pull_request}"

    @property
    def check_schema(self) -> str:
        """The same for the build without rows: an incremental model must not find that one's empty table."""
        return f"{self.schema}__empty"
