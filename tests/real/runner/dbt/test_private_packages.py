"""Packages of a git host that asks for a token: the build has it, and nothing that the build leaves."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.support.dbt_projects import project, write
from tests.support.git_server import git_host

from podbt.errors import ConfigError
from podbt.runner.dbt.bake import bake

TOKEN = "ghp-hunter2-of-the-clinic"
SHARED = {
    "dbt_project.yml": project().replace("name: shop", "name: shared"),
    "models/base.sql": "select 1 as id",
}
SHOP = {"models/orders.sql": "select id from {{ ref('base') }}"}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in dict(os.environ).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    work, folder = write(tmp_path / "work", SHARED), tmp_path / "repositories"
    git = ["git", "-C", str(work), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"], ["tag", "v1"]):
        subprocess.run([*git, *words], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(folder / "shared.git")], check=True)
    return folder


def shop(folder: Path, host: str) -> Path:
    url = f"http://{{{{ env_var('DBT_ENV_SECRET_GIT') }}}}@{host}/shared.git"
    return write(folder / "shop", SHOP | {"packages.yml": f'packages: [{{git: "{url}", revision: v1}}]'})


@pytest.mark.parametrize("login", [f"{TOKEN}:", f"oauth2:{TOKEN}"], ids=["a token", "a user and a token"])
def test_the_token_lets_the_build_in_and_stays_nowhere(
    tmp_path: Path, repositories: Path, login: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with git_host(repositories, login) as host:
        secrets = {"DBT_ENV_SECRET_GIT": login.removesuffix(":")}
        plan = bake(shop(tmp_path, host), tmp_path / "baked", secrets=secrets, copy_to=tmp_path / "project")
    assert set(plan.nodes) == {"model.shop.orders", "model.shared.base"}
    assert (tmp_path / "project/dbt_packages/shared/models/base.sql").is_file()
    for file in (path for name in ("project", "baked") for path in (tmp_path / name).rglob("*") if path.is_file()):
        assert TOKEN.encode() not in file.read_bytes(), file
    assert TOKEN not in plan.to_json()
    assert TOKEN not in "".join(capfd.readouterr())
    assert not [name for name, value in os.environ.items() if TOKEN in value]


def test_a_wrong_token_is_gits_word_without_it(
    tmp_path: Path, repositories: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = "another-token-of-mine"
    with (
        git_host(repositories, f"{TOKEN}:") as host,
        pytest.raises(ConfigError, match="dbt deps failed") as error,
    ):
        bake(shop(tmp_path, host), tmp_path / "baked", secrets={"DBT_ENV_SECRET_GIT": wrong})
    said = str(error.value) + "".join(capfd.readouterr())
    assert wrong not in said
    assert "could not read Password" in said or "Authentication failed" in said
