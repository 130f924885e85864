from pathlib import Path

import pytest
from localcluster.content import Content
from localcluster.project import add_project, read_project, secrets_in
from localcluster.shell import LocalError


def project(folder: Path, *, name: str = "name: 'shop'", profiles: str = "") -> Path:
    for path, text in {
        "dbt_project.yml": f"# about\n{name}\nversion: 1\n",
        "packages.yml": "packages: [{package: x/y, version: 1.0.0}]",
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
    assert sorted(content.files) == [
        "project/dbt_project.yml",
        "project/models/orders.sql",
        "project/packages.yml",
        "project/profiles.yml",
    ]


def test_packages_go_in_where_nothing_is_to_install_them(tmp_path: Path) -> None:
    content = Content()
    add_project(content, read_project(project(tmp_path)), installed=True)
    assert "project/dbt_packages/utils/dbt_project.yml" in content.files
    assert "project/target/manifest.json" not in content.files


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


def files_of(folder: Path, files: dict[str, str]) -> set[str]:
    """What of a project goes in, without dbt_project.yml."""
    for path, text in {"shop/dbt_project.yml": "name: shop\n", **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    content = Content()
    add_project(content, read_project(folder / "shop"), name="tree")
    return {name.removeprefix("tree/") for name in content.files if name != "tree/dbt_project.yml"}


@pytest.mark.parametrize("name", ["target", "logs", "dbt_packages", "dbt_internal_packages", "dbt_cloud.yml", "venv"])
def test_folders_with_the_names_of_dbts_own_are_the_projects_where_they_are_not_dbts(tmp_path: Path, name: str) -> None:
    ours = {f"shop/models/{name}/x.sql": "", f"shop/{name}.sql": "", f"shop/models/{name}.yml": ""}
    assert files_of(tmp_path, ours) == {path.removeprefix("shop/") for path in ours}


OWN = [
    pytest.param("target-path: build", "build/x", id="plain"),
    pytest.param("target-path: './out/build/'  # ours", "out/build/x", id="quoted"),
    pytest.param("log-path: var/log", "var/log/dbt.log", id="logs"),
    pytest.param("target-path: \"{{ env_var('DBT_T', 'made') }}\"", "made/x", id="a variable's default"),
    pytest.param('"target-path": build', "build/x", id="a quoted key"),
    pytest.param("", "target/x", id="by default"),
    pytest.param("", "logs/dbt.log", id="logs by default"),
]


@pytest.mark.parametrize(("line", "path"), OWN)
def test_what_dbt_makes_stays_out_wherever_the_project_has_it(tmp_path: Path, line: str, path: str) -> None:
    project_file = {"shop/dbt_project.yml": f"name: shop\n{line}\n"}
    files = {f"shop/{path}": "", f"shop/models/{path}": "", **project_file}
    assert files_of(tmp_path, files) == {f"models/{path}"}


def test_a_folder_of_models_is_theirs_whatever_its_name(tmp_path: Path) -> None:
    text = "name: shop\nmodel-paths: [models, target]\nseed-paths:\n  - logs  # lists\n"
    files = {"shop/dbt_project.yml": text, "shop/target/a.sql": "", "shop/logs/b.csv": ""}
    assert files_of(tmp_path, files) == {"target/a.sql", "logs/b.csv"}


def test_packages_that_nothing_would_install_are_the_projects(tmp_path: Path) -> None:
    package = {"shop/dbt_packages/utils/dbt_project.yml": "name: utils"}
    assert files_of(tmp_path / "without", package) == {"dbt_packages/utils/dbt_project.yml"}
    assert files_of(tmp_path / "with", package | {"shop/packages.yml": "packages: []"}) == {"packages.yml"}
    text = "name: shop\npackages-install-path: vendor\n"
    files = {"shop/dbt_project.yml": text, "shop/vendor/u/x.sql": "", "shop/dependencies.yml": "packages: []"}
    assert files_of(tmp_path / "elsewhere", files) == {"dependencies.yml"}


COMMON = {
    "common/dbt_project.yml": "name: common",
    "common/macros/m.sql": "",
    "common/profiles.yml": "x: {password: y}",
}


@pytest.mark.parametrize(
    "text",
    [
        "packages:\n  - local: ../common  # ours\n",
        "packages: [{local: ../common}]",
        "packages:\n  - {package: a/b, version: 1.0.0}\n  - {\"local\": '../common/'}\n",
        '# packages: [{local: ../gone}]\npackages:\n- local: "../common"\n',
    ],
)
@pytest.mark.parametrize("file", ["packages.yml", "dependencies.yml"])
def test_a_package_beside_the_project_goes_in_beside_it(tmp_path: Path, text: str, file: str) -> None:
    files = {**COMMON, "common/target/x": "", f"shop/{file}": text}
    assert files_of(tmp_path, files) == {
        "shop/dbt_project.yml", f"shop/{file}", "common/dbt_project.yml", "common/macros/m.sql",
    }  # fmt: skip
    assert read_project(tmp_path / "shop").place == "shop"


def test_packages_of_packages_and_packages_inside_are_found(tmp_path: Path) -> None:
    files = {
        "teams/shop/dbt_project.yml": "name: shop\n",
        "teams/shop/packages.yml": "packages: [{local: ../../libs/one}, {local: packages/inner}]",
        "teams/shop/packages/inner/dbt_project.yml": "name: inner",
        "libs/one/dbt_project.yml": "name: one",
        "libs/one/packages.yml": "packages: [{local: ../../libs/two}]",
        "libs/two/dbt_project.yml": "name: two",
        "libs/two/packages.yml": "packages: [{local: ../../libs/one}]",
        "libs/other/dbt_project.yml": "name: other",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    found = read_project(tmp_path / "teams/shop")
    assert [package.name for package in found.packages] == ["one", "two"]
    assert (found.top, found.place) == (tmp_path, "teams/shop")
    content = Content()
    add_project(content, found)
    assert "project/teams/shop/packages/inner/dbt_project.yml" in content.files
    assert not any("other" in name for name in content.files)


def test_a_package_around_the_project_goes_in_without_what_dbt_made_in_either(tmp_path: Path) -> None:
    """As most packages have a project with their tests: integration_tests, local: ../."""
    tests = project(tmp_path / "integration_tests", name="name: its_tests")
    (tests / "packages.yml").write_text("packages: [{local: ../}]")
    for path in ("dbt_project.yml", "macros/one.sql", "profiles.yml", "target/manifest.json"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("name: around")
    found = read_project(tests)
    assert (found.top, found.place) == (tmp_path, "integration_tests")
    content = Content()
    add_project(content, found)
    assert sorted(content.files) == [
        "project/dbt_project.yml",
        "project/integration_tests/dbt_project.yml",
        "project/integration_tests/models/orders.sql",
        "project/integration_tests/packages.yml",
        "project/integration_tests/profiles.yml",
        "project/macros/one.sql",
    ]


REFUSED = [
    pytest.param({"shop/packages.yml": "packages: [{local: ../gone}]"}, "local package '../gone' is not there",
                 id="gone"),
    pytest.param({"shop/packages.yml": "packages: [{local: /srv/common}]"}, "has a path of this machine",
                 id="absolute"),
    pytest.param({"shop/packages.yml": "packages: [{local: ../shop}]"}, "is the project itself", id="itself"),
    pytest.param({"shop/dbt_project.yml": "name: shop\nmodel-paths:\n  - models\n  - ../theirs/models\n"},
                 "model-paths leads out of the project ('../theirs/models')", id="models outside"),
    pytest.param({"shop/dbt_project.yml": "name: shop\nmacro-paths: ['/srv/macros']\n"},
                 "macro-paths leads out of the project ('/srv/macros')", id="macros outside"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "said"), REFUSED)
def test_what_cannot_go_in_is_one_line_with_the_file_and_the_way_out(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    with pytest.raises(LocalError) as error:
        files_of(tmp_path, files)
    assert said in str(error.value)
    assert str(tmp_path / "shop") in str(error.value)
    assert "\n" not in str(error.value)
