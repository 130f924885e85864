"""The locked requirements that an image is made of; of the dbt image there is one for each release of dbt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcluster.shell import LocalError

if TYPE_CHECKING:
    from pathlib import Path

DBT = "dbt"


def releases(root: Path) -> list[str]:
    """Return the releases of dbt that an image may have, the newest last: "1.9", "1.10"."""
    found = (file.stem.removeprefix(f"{DBT}-") for file in (root / "requirements").glob(f"{DBT}-*.txt"))
    return sorted(found, key=lambda release: [int(part) for part in release.split(".")])


def lock_of(root: Path, image: str, *, dbt: str = "") -> Path:
    """Return the lock of an image.

    Args:
        root: The checkout.
        image: Its name: "airflow", "dbt".
        dbt: The release of dbt, by default the newest one.

    Raises:
        LocalError: There is no image with that dbt.
    """
    if image != DBT:
        return root / "requirements" / f"{image}.txt"
    known = releases(root)
    if dbt and dbt not in known:
        raise LocalError(f"There is no image with dbt '{dbt}': DBT is one of {', '.join(known)}.")
    return root / "requirements" / f"{DBT}-{dbt or known[-1]}.txt"
