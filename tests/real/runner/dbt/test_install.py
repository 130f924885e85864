"""Packages of a project as an image gets them: from beside it, from git with a secret, and whole."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.support.dbt_projects import project, write

from podbt.errors import ConfigError
from podbt.runner.dbt.bake import bake
from podbt.runner.dbt.install import lay_out, read_secrets

SECRET = "hunter2-of-the-git-host"
COMMON = {
    "dbt_project.yml": project().replace("name: shop", "name: common"),
    "macros/one.sql": "{% macro one() %}1{% endmacro %}",
    "models/base.sql": "select 1 as id",
}
SHOP = {"models/orders.sql": "select {{ common.one() }} as id from {{ ref('base') }}"}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in dict(os.environ).items():
        monkeypatch.setenv(name, value)


def repository(folder: Path) -> Path:
    write(folder, COMMON)
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"], ["tag", "v1"]):
        subprocess.run([*git, *words], check=True)
    return folder


def test_a_package_beside_the_project_ends_in_it(tmp_path: Path) -> None:
    write(tmp_path / "tree/common", COMMON)
    shop = write(tmp_path / "tree/teams/shop", SHOP | {"packages.yml": "packages: [{local: ../../common}]"})
    plan = bake(shop, tmp_path / "baked", copy_to=tmp_path / "project")
    assert set(plan.nodes) == {"model.shop.orders", "model.common.base"}
    installed = tmp_path / "project/dbt_packages/common"
    assert installed.is_dir()
    assert not installed.is_symlink()
    assert (installed / "macros/one.sql").read_text() == (tmp_path / "tree/common/macros/one.sql").read_text()


def test_a_package_around_the_project_ends_in_it(tmp_path: Path) -> None:
    """The project is then no part of the package, else each would be in the other without end."""
    write(tmp_path / "common", COMMON)
    tests = write(tmp_path / "common/integration_tests", SHOP | {"packages.yml": "packages: [{local: ../}]"})
    plan = bake(tests, tmp_path / "baked", copy_to=tmp_path / "project")
    assert set(plan.nodes) == {"model.shop.orders", "model.common.base"}
    installed = tmp_path / "project/dbt_packages/common"
    assert {path.name for path in installed.iterdir()} == {"dbt_project.yml", "macros", "models"}
    assert not installed.is_symlink()


def test_packages_that_lie_in_the_project_are_taken_as_they_are(tmp_path: Path) -> None:
    vendored = {f"dbt_packages/common/{name}": text for name, text in COMMON.items()}
    files = SHOP | vendored | {"packages.yml": "packages: [{package: acme/common, version: 1.0.0}]"}
    plan = bake(write(tmp_path / "shop", files), tmp_path / "baked", deps=False, copy_to=tmp_path / "project")
    assert set(plan.nodes) == {"model.shop.orders", "model.common.base"}
    assert (tmp_path / "project/dbt_packages/common/macros/one.sql").is_file()


def packages(url: str) -> dict[str, str]:
    return SHOP | {"packages.yml": f'packages: [{{git: "{url}", revision: v1}}]'}


def test_no_secret_of_the_build_is_left_anywhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    repository(tmp_path / SECRET)
    url = f"file://{tmp_path}/{{{{ env_var('DBT_ENV_SECRET_GIT') }}}}"
    shop = write(tmp_path / "tree", packages(url))
    plan = bake(shop, tmp_path / "baked", secrets={"DBT_ENV_SECRET_GIT": SECRET}, copy_to=tmp_path / "project")
    assert "model.common.base" in plan.nodes
    assert "DBT_ENV_SECRET_GIT" not in os.environ
    assert not list((tmp_path / "project").rglob(".git"))
    for folder in ("project", "baked"):
        holding = [
            file for file in (tmp_path / folder).rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()
        ]
        assert holding == []
    assert "package-lock.yml" in {file.name for file in (tmp_path / "project").iterdir()}
    assert SECRET not in "".join(capfd.readouterr())


def test_a_secret_that_a_file_would_keep_ends_the_build(tmp_path: Path) -> None:
    repository(tmp_path / SECRET)
    url = f"file://{tmp_path}/{{{{ env_var('DBT_ENV_SECRET_GIT') }}}}"
    shop = write(tmp_path / "tree", packages(url) | {"models/note.sql": f"select '{SECRET}' as note"})
    with pytest.raises(ConfigError, match="holds the value of DBT_ENV_SECRET_GIT, a secret of the build") as error:
        bake(shop, tmp_path / "baked", secrets={"DBT_ENV_SECRET_GIT": SECRET}, copy_to=tmp_path / "project")
    assert SECRET not in str(error.value)


def test_a_secret_that_the_build_lacks_is_asked_for(tmp_path: Path) -> None:
    shop = write(tmp_path / "tree", packages("https://{{ env_var('DBT_ENV_SECRET_GIT') }}@git.invalid/x"))
    with pytest.raises(ConfigError, match=r"(?s)DBT_ENV_SECRET_GIT.*make image SECRETS=FILE"):
        bake(shop, tmp_path / "baked", copy_to=tmp_path / "project")


def test_a_package_that_cannot_be_had_is_gits_word_without_the_secret(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shop = write(tmp_path / "tree", packages(f"file://{tmp_path}/{{{{ env_var('TOKEN') }}}}"))
    with pytest.raises(ConfigError, match=r"(?s)dbt deps failed.*make image DEPS=no") as error:
        bake(shop, tmp_path / "baked", secrets={"TOKEN": SECRET}, copy_to=tmp_path / "project")
    assert SECRET not in str(error.value)
    assert SECRET not in "".join(capfd.readouterr())


def test_packages_know_what_else_the_build_is_given(tmp_path: Path) -> None:
    write(tmp_path / "common", COMMON)
    shop = write(tmp_path / "shop", SHOP | {"packages.yml": "packages: [{local: \"../{{ env_var('PLACE') }}\"}]"})
    assert "model.common.base" in bake(shop, tmp_path / "baked", env={"PLACE": "common"}).nodes


def test_what_links_lead_to_is_laid_out(tmp_path: Path) -> None:
    shop = write(tmp_path / "shop", {"models/a.sql": "select 1 as id"})
    write(tmp_path / "more", {"b.sql": "select 2 as id"})
    (shop / "models/more").symlink_to("../../more")
    (shop / "models/c.sql").symlink_to("a.sql")
    lay_out(shop, tmp_path / "project")
    assert {path.relative_to(tmp_path / "project").as_posix() for path in (tmp_path / "project").rglob("*.sql")} == {
        "models/a.sql", "models/c.sql", "models/more/b.sql",
    }  # fmt: skip
    assert not any(path.is_symlink() for path in (tmp_path / "project").rglob("*"))


@pytest.mark.parametrize(("link", "said"), [("nowhere", "is a symbolic link to nothing"), (".", "that it lies in")])
def test_a_link_that_cannot_be_followed_is_named(tmp_path: Path, link: str, said: str) -> None:
    shop = write(tmp_path / "shop", {})
    (shop / "models").symlink_to(link)
    with pytest.raises(ConfigError, match=said) as error:
        lay_out(shop, tmp_path / "project")
    assert str(shop / "models") in str(error.value)


def test_secrets_are_lines_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "build.env"
    file.write_text("# of the git host\n\nTOKEN=a=b c\n  OTHER=x\n")
    assert read_secrets(file) == {"TOKEN": "a=b c", "OTHER": "x"}
    assert read_secrets(tmp_path / "none") == {}
    assert read_secrets(None) == {}
    file.write_text("TOKEN=a\nhunter2\n")
    with pytest.raises(ConfigError, match=r"^Line 2 of the build's secrets is no NAME=value\.$"):
        read_secrets(file)
