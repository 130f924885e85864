from pathlib import Path

import pytest
from localcluster.content import Content
from localcluster.project import add_project, read_project, secrets_in
from localcluster.shell import LocalError


def project(folder: Path, *, name: str = "name: 'shop'", profiles: str = "") -> Path:
    for path, text in {
        "dbt_project.yml": f"# about\n{name}\nversion: 1\n",
        "models/orders.sql": "select 1",
        "target/manifest.json": "{}",
        "logs/dbt.log": "",
        "dbt_packages/utils/dbt_project.yml": "name: utils",
        ".user.yml": "id: me",
        ".env": "PASSWORD=x",
        "profiles.yml": profiles,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.mark.parametrize("name", ["name: shop", "name: 'shop'", 'name: "shop"  # ours'])
def test_name(tmp_path: Path, name: str) -> None:
    assert read_project(project(tmp_path, name=name)).name == "shop"


def test_folder_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"holds no dbt_project\.yml"):
        read_project(tmp_path)
    with pytest.raises(LocalError, match=r"has no name"):
        read_project(project(tmp_path, name="nickname: shop"))


def test_only_the_project_itself_goes_in(tmp_path: Path) -> None:
    content = Content()
    add_project(content, read_project(project(tmp_path, profiles="shop: {target: x}")))
    assert sorted(content.files) == ["project/dbt_project.yml", "project/models/orders.sql", "project/profiles.yml"]


def test_credential_is_refused_by_its_key_not_its_value(tmp_path: Path) -> None:
    found = read_project(project(tmp_path, profiles="shop:\n  outputs:\n    x:\n      password: hunter2\n"))
    with pytest.raises(LocalError, match=r"holds a credential \(password\)") as caught:
        add_project(Content(), found)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("password: hunter2", ["password"]),
        ("  pass: 'x'", ["pass"]),
        ("token: dapi123", ["token"]),
        ("private_key_path: /k.pem", ["private_key_path"]),
        ("- client_secret: abc", ["client_secret"]),
        ("password: \"{{ env_var('WAREHOUSE_PASSWORD') }}\"", []),
        ("password: ''", []),
        ("password:", []),
        ("password: # given at run time", []),
        ("user: dbt", []),
    ],
)
def test_secrets_in_profiles(line: str, found: list[str]) -> None:
    assert secrets_in(f"shop:\n{line}\nschema: analytics\n") == found


def test_reference_project_can_go_in() -> None:
    root = Path(__file__).resolve().parents[3]
    content = Content()
    add_project(content, read_project(root / "dbt_dental_models"))
    assert {"project/profiles.yml", "project/demo_data/__main__.py"} <= set(content.files)
