"""Several dbt projects in one Airflow: which settings a name means, and what is said of one that is not there."""

from pathlib import Path

import pytest
import yaml
from tests.support.settings import MINIMAL

from podbt.contract.settings.files import check_project, settings_file
from podbt.contract.settings.load import load_settings
from podbt.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PODBT_SETTINGS", str(tmp_path / "settings.yaml"))
    return tmp_path


def mount(folder: Path, project: str | None, **keys: str) -> Path:
    file = folder / (project or ".") / "settings.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump({**MINIMAL, **keys}))
    return file


def test_each_project_has_its_own(folder: Path) -> None:
    for project in ("finance", "sales"):
        mount(folder, project, target=f"{project}_prod")
    assert load_settings(project="finance").target == "finance_prod"
    assert load_settings(project="sales").target == "sales_prod"


def test_without_a_name_it_is_the_default(folder: Path) -> None:
    mount(folder, None, target="default")
    mount(folder, "finance", target="finance")
    mount(folder, "sales", target="sales")
    assert load_settings().target == "default"
    assert load_settings(project="sales").target == "sales"


def test_without_a_name_it_is_the_only_one(folder: Path) -> None:
    mount(folder, "finance", target="finance")
    assert load_settings().target == "finance"


def test_of_several_one_has_to_be_named(folder: Path) -> None:
    mount(folder, "finance")
    mount(folder, "sales")
    with pytest.raises(ConfigError, match=r"^Several dbt projects are known here: finance, sales\. Say which one"):
        load_settings()


@pytest.mark.parametrize("name", ["sale", "../finance", "", ".", "FINANCE"])
def test_an_unknown_one_is_refused_with_those_that_are_there(folder: Path, name: str) -> None:
    mount(folder, "finance")
    mount(folder, "sales")
    for refusing in (settings_file, check_project):
        with pytest.raises(ConfigError) as refused:
            refusing(name)
        assert str(refused.value).startswith(f"Project '{name}' is not known here. Known: finance, sales. ")
        assert "\n" not in str(refused.value)


def test_what_kubernetes_keeps_beside_a_mounted_file_is_no_project(folder: Path) -> None:
    mount(folder, None)
    mount(folder, "..2026_01_01", target="hidden")
    (folder / "..data").symlink_to(folder / "..2026_01_01")
    with pytest.raises(ConfigError, match="Known: none"):
        settings_file("..data")


def test_a_dag_file_is_parsed_without_any_settings(folder: Path) -> None:
    check_project("finance")
    with pytest.raises(ConfigError, match="Known: none"):
        load_settings(project="finance")


def test_a_plan_may_lie_beside_its_settings(folder: Path) -> None:
    mount(folder, "finance", plan="plans")
    assert load_settings(project="finance").plan == str(folder / "finance/plans")
    mount(folder, "sales", plan="/etc/podbt-plan")
    assert load_settings(project="sales").plan == "/etc/podbt-plan"
