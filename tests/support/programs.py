"""Programs that tests put on PATH: small scripts, run for real."""

import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Programs:
    """A folder of scripts; each call is noted in `calls`."""

    folder: Path

    def add(self, name: str, body: str) -> None:
        """Put a bash script on PATH that notes its arguments and then runs `body`."""
        path = self.folder / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"{self.folder}/.calls"\n{body}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    @property
    def calls(self) -> list[str]:
        noted = self.folder / ".calls"
        return noted.read_text().splitlines() if noted.exists() else []
