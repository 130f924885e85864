"""The programs that promotion stands on, in the versions that it was tested with, and how they are run."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from podbt.errors import PromotionError

_TIMEOUT_SECONDS: Final = 1800


@dataclass(frozen=True)
class Tool:
    """A program: the version that is wanted, and how it is asked for its own."""

    version: str
    ask: tuple[str, ...]
    module: str = ""
    """The Go module that it is built from."""

    def fits(self, found: str) -> bool:
        """Whether a version begins as the wanted one."""
        return f"{found}.".startswith(f"{self.version}.")


TOOLS: Final = {
    "cosign": Tool("3.1.3", ("version",), "github.com/sigstore/cosign/v3/cmd/cosign"),
    "crane": Tool("0.21.9", ("version",), "github.com/google/go-containerregistry/cmd/crane"),
    "oras": Tool("1.3.6", ("version",), "oras.land/oras/cmd/oras"),
    "helm": Tool("4", ("version", "--short")),
}
_VERSION: Final = re.compile(r"\bv?(\d+(?:\.\d+)+)")


class FailedError(Exception):
    """A program ended with an error.

    Attributes:
        program: Its name.
        code: Its exit code.
        output: What it wrote, on both channels.
    """

    def __init__(self, program: str, code: int, output: str) -> None:
        super().__init__(f"{program} ended with {code}")
        self.program, self.code, self.output = program, code, output

    @property
    def said(self) -> str:
        """The line that tells the most, in the program's own words."""
        lines = [" ".join(line.split()) for line in self.output.splitlines() if line.strip()]
        errors = [line for line in lines if re.match(r"(?i)error\b", line)]
        line = (errors or lines or [f"exit code {self.code}"])[0 if errors else -1]
        return re.sub(r"(?i)^(error( response from registry)?:? ?)+", "", line).removesuffix(".") or line


@dataclass(kw_only=True)
class Shell:
    """Runs programs, as argument lists.

    Attributes:
        dry: Nothing is changed: what would be done is told.
        tell: Takes the lines for the person.
        kept_open: Descriptors that the programs inherit.
    """

    dry: bool = False
    tell: Callable[[str], None] = print
    kept_open: tuple[int, ...] = ()
    _places: dict[str, str] = field(default_factory=dict)

    def require(self, *names: str) -> None:
        """Finds the programs, on PATH or in podbt's cache, and asks for their versions.

        Raises:
            PromotionError: One is missing or of another version; the line says how to get it.
        """
        for name in names:
            if name not in self._places:
                self._places[name] = _find(name)

    def ask(self, *words: str | Path, timeout: float = _TIMEOUT_SECONDS) -> str:
        """Runs what changes nothing, in a dry run as well; returns its standard output.

        Raises:
            FailedError: It ended with an error.
            PromotionError: It is not there, or did not end in time (seconds).
        """
        if self.dry:
            self._show(words)
        return self._run(words, timeout)

    def do(self, *words: str | Path) -> str:
        """Runs what changes something, or looks at what was changed before; in a dry run it is told alone."""
        if self.dry:
            self._show(words)
            return ""
        return self._run(words, _TIMEOUT_SECONDS)

    def _show(self, words: Sequence[str | Path]) -> None:
        self.tell(f"  $ {shlex.join(map(str, words))}")

    def _run(self, words: Sequence[str | Path], timeout: float) -> str:
        name, *arguments = map(str, words)
        # An empty password is allowed; without a word on it cosign would ask a terminal that nobody sees.
        environment = {"COSIGN_PASSWORD": "", **os.environ}
        try:
            ended = subprocess.run(
                [self._places.get(name, name), *arguments],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
                env=environment, timeout=timeout, pass_fds=self.kept_open,
            )  # fmt: skip
        except FileNotFoundError:
            raise PromotionError(f"{name} is not on PATH. {_how_to_get(name)}") from None
        except subprocess.TimeoutExpired:
            raise PromotionError(
                f"{name} {arguments[0] if arguments else ''} did not end within {timeout:.0f} s: look at "
                "what it waits for, and run the same command again."
            ) from None
        if ended.returncode:
            raise FailedError(name, ended.returncode, f"{ended.stdout}\n{ended.stderr}")
        return ended.stdout


def cache() -> Path:
    """Where programs are that podbt's own scripts build."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "podbt"
    return Path(os.environ.get("PODBT_CACHE") or default) / "bin"


def found_version(name: str) -> str:
    """The version of the program that promotion would take; empty where there is none."""
    seen = dict(_candidates(name))
    fitting = [version for version in seen.values() if TOOLS[name].fits(version)]
    return next(iter([*fitting, *seen.values()]), "")


def _candidates(name: str) -> Iterator[tuple[str, str]]:
    """Where a program is, and in which version."""
    for place in filter(None, (shutil.which(name), shutil.which(name, path=cache()))):
        ended = subprocess.run([place, *TOOLS[name].ask], capture_output=True, text=True, check=False, timeout=60)
        match = _VERSION.search(ended.stdout) or _VERSION.search(ended.stderr)
        yield place, match[1] if match else "unknown"


def _find(name: str) -> str:
    tool = TOOLS[name]
    seen = []
    for place, version in _candidates(name):
        if tool.fits(version):
            return place
        seen.append(version)
    found = f"is of version {seen[0]}" if seen else "is not on PATH"
    raise PromotionError(f"{name} {found}, and {tool.version} is needed. {_how_to_get(name)}")


def _how_to_get(name: str) -> str:
    tool = TOOLS.get(name)
    if tool is None or not tool.module:
        return f"Install {name}{' ' + tool.version if tool else ''}."
    return (
        f"Install that version's release, or build it with Go (make promotion-tools, in podbt's repository): "
        f"go install {tool.module}@v{tool.version}"
    )
