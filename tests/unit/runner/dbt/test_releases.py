"""Which dbt an image of a project can have, where dbt refused its own."""

from pathlib import Path

import pytest

from podbt.errors import ConfigError
from podbt.runner.dbt.releases import RELEASES, advice

REFUSED = ConfigError("dbt parse failed: This version of dbt is not supported with the 'shop' package.")


def project(folder: Path, required: str, **packages: str) -> Path:
    for name, one in {".": required, **{f"dbt_packages/{name}": one for name, one in packages.items()}}.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        text = f"name: {name.rpartition('/')[2].replace('.', 'shop')}\n"
        (folder / name / "dbt_project.yml").write_text(text + (f"require-dbt-version: {one}\n" if one else ""))
    return folder


def test_the_releases_are_those_that_are_locked() -> None:
    locks = (Path(__file__).parents[4] / "requirements").glob("dbt-*.txt")
    assert sorted(RELEASES) == sorted(lock.stem.removeprefix("dbt-") for lock in locks)


@pytest.mark.parametrize(
    ("required", "named"),
    [
        pytest.param("'>=1.10.0'", "DBT=1.10 or DBT=1.11,", id="text"),
        pytest.param("['>=1.9.0', '<1.11.0']", "DBT=1.9 or DBT=1.10,", id="list"),
        pytest.param("'>=1.9.4,<1.10.0'", "DBT=1.9,", id="comma"),
        pytest.param("'>=1.10.5'", "DBT=1.10 or DBT=1.11,", id="patch"),
    ],
)
def test_the_admitted_releases_are_named(tmp_path: Path, required: str, named: str) -> None:
    said = advice(project(tmp_path, required), REFUSED)
    assert said is not None
    assert said.startswith(f"Build it with {named}")
    assert "\n" not in said


def test_a_packages_wish_counts_too(tmp_path: Path) -> None:
    said = advice(project(tmp_path, "'>=1.9.0'", utils="['>=1.9.0', '<1.10.0']", other=""), REFUSED)
    assert said is not None
    assert said.startswith("Build it with DBT=1.9,")


def test_where_none_will_do_each_wish_is_said(tmp_path: Path) -> None:
    said = advice(project(tmp_path, "'>=1.12.0'", utils="'>=1.9.0,<2.0.0'"), REFUSED)
    assert said == (
        "No image has such a dbt (there are 1.9, 1.10, 1.11): shop requires >=1.12.0; utils requires >=1.9.0, <2.0.0. "
        "Widen require-dbt-version."
    )


def test_another_error_gets_no_advice(tmp_path: Path) -> None:
    assert advice(project(tmp_path, "'>=1.12.0'"), ConfigError("dbt parse failed: Compilation Error")) is None
