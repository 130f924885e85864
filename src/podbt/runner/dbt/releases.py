"""The releases of dbt that an image can have, and which of them a project admits by its require-dbt-version."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from podbt.errors import ConfigError
from podbt.runner.dbt.build_profile import read_yaml

RELEASES: Final = ("1.9", "1.10", "1.11")
"""Those that requirements/ has a lock of."""

_REFUSED: Final = "This version of dbt is not supported"
_PATCH: Final = 999
"""An image has the last patch of its release."""


def advice(project: Path, error: ConfigError) -> str | None:
    """Says which release the project could be built with, where dbt refused it for its own.

    Args:
        project: The project's folder, with what of its packages is installed.
        error: With dbt's words.
    """
    if _REFUSED not in str(error):
        return None
    named = dict(_required(project))
    if fitting := [release for release in RELEASES if all(_admits(one, release) for one in named.values())]:
        images = " or ".join(f"DBT={release}" for release in fitting)
        return (
            f"Build it with {images}, which require-dbt-version admits: make image DBT=, docker build --build-arg DBT=."
        )
    wanted = "; ".join(f"{name} requires {', '.join(one)}" for name, one in named.items())
    return f"No image has such a dbt (there are {', '.join(RELEASES)}): {wanted}. Widen require-dbt-version."


def _required(project: Path) -> Iterator[tuple[str, list[str]]]:
    own = read_yaml(project / "dbt_project.yml")
    packages = project / str(own.get("packages-install-path", "dbt_packages"))
    for file in [project / "dbt_project.yml", *sorted(packages.glob("*/dbt_project.yml"))]:
        content = read_yaml(file)
        wanted = content.get("require-dbt-version") or []
        versions = wanted.split(",") if isinstance(wanted, str) else [str(one) for one in wanted]
        if versions:
            yield str(content.get("name", file.parent.name)), [version.strip() for version in versions]


def _admits(versions: list[str], release: str) -> bool:
    from dbt_common.exceptions.base import DbtBaseException, SemverError  # noqa: PLC0415 - slow to import
    from dbt_common.semver import VersionSpecifier, versions_compatible  # noqa: PLC0415

    try:
        wanted = map(VersionSpecifier.from_version_string, [f"{release}.{_PATCH}", *versions])
        return bool(versions_compatible(*wanted))
    except (DbtBaseException, SemverError):  # dbt says what is wrong with it
        return False
