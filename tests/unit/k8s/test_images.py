import io
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from localcluster import images, locks
from localcluster.places import Places
from localcluster.session import Session
from localcluster.shell import LocalError, Shell
from tests.support.programs import Programs

# `docker image inspect` knows what `docker build` built; the context that build read is kept.
DOCKER = """
case "$1" in
  image) grep -qxF -- "${{@: -1}}" {folder}/built 2>/dev/null ;;
  build) cat >{folder}/context.tar; echo "$3" >>{folder}/built ;;
  tag) ;;
esac
"""
BASE = "python:3.11-slim-bookworm"


@pytest.fixture
def places(tmp_path: Path, session: Session) -> Places:
    """Return a checkout with just what the images are made of."""
    root = tmp_path / "checkout"
    for name in ("images", "src", "requirements", "dags"):
        shutil.copytree(session.places.root / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(session.places.root / name, root)
    (root / "shop").mkdir()
    (root / "shop" / "dbt_project.yml").write_text("name: my_shop\n")
    return replace(session.places, root=root)


def context(programs: Programs) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO((programs.folder / "context.tar").read_bytes())) as archive:
        return {one.name: found.read() for one in archive if (found := archive.extractfile(one))}


def test_name_tells_project_version_and_content(places: Places) -> None:
    image = images.dbt_image(places, places.root / "shop", base=BASE)
    assert image.name.startswith(f"podbt-dbt-my-shop:{images.version(places)}-")
    assert len(image.name.rpartition("-")[2]) == 12
    assert images.airflow_image(places, base=BASE).name.startswith("podbt-airflow:")
    assert images.postgres_image(places, base=BASE).name.startswith(f"podbt-postgres:{images.POSTGRES_MAJOR}-")


@pytest.mark.parametrize(
    ("path", "dbt", "airflow"),
    [
        ("src/podbt/cli/main.py", True, True),
        ("requirements/dbt-1.11.txt", True, False),
        ("requirements/dbt-1.10.txt", False, False),
        ("requirements/airflow.txt", False, True),
        ("requirements/build.txt", True, True),
        ("pyproject.toml", True, True),
        ("LICENSE", True, True),
        ("images/dbt/Dockerfile", True, False),
        ("dags/dental_nightly.py", False, True),
        ("shop/dbt_project.yml", True, False),
        ("requirements/dev.txt", False, False),
    ],
)
def test_each_image_follows_its_own_inputs(places: Places, *, path: str, dbt: bool, airflow: bool) -> None:
    def names() -> tuple[str, str]:
        shop = images.dbt_image(places, places.root / "shop", base=BASE)
        return shop.name, images.airflow_image(places, base=BASE).name

    before = names()
    with (places.root / path).open("a") as file:
        file.write("\n# changed\n")
    after = names()
    assert (after[0] != before[0], after[1] != before[1]) == (dbt, airflow)


def test_another_base_is_another_image(places: Places) -> None:
    assert images.airflow_image(places, base="a:1").name != images.airflow_image(places, base="b:1").name


def test_built_once(places: Places, shell: Shell, programs: Programs) -> None:
    programs.add("docker", DOCKER.format(folder=programs.folder))
    image = images.dbt_image(places, places.root / "shop", base=BASE)
    assert images.build(shell, image) == (image.name, True)
    assert images.build(shell, image, tag="shop:1") == (image.name, False)
    builds = [call for call in programs.calls if call.startswith("docker build")]
    assert len(builds) == 1
    for argument in (f"BASE_IMAGE={BASE}", f"VERSION={images.version(places)}", "REVISION=unknown"):
        assert f"--build-arg {argument}" in builds[0]
    assert f"docker tag {image.name} shop:1" in programs.calls
    assert set(context(programs)) >= {
        "images/dbt/Dockerfile", "requirements/dbt-1.11.txt", "src/podbt/cli/main.py", "project/dbt_project.yml",
    }  # fmt: skip


def test_machines_certificates_help_the_build_and_change_no_name(
    places: Places, shell: Shell, programs: Programs, tmp_path: Path
) -> None:
    programs.add("docker", DOCKER.format(folder=programs.folder))
    bundle = tmp_path / "machine.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----")
    image = images.airflow_image(places, base=BASE)
    name, _ = images.build(shell.but(SSL_CERT_FILE=str(bundle)), image)
    assert name == image.name
    assert context(programs)[images.CERTIFICATES_NAME] == bundle.read_bytes()


def test_no_certificates_without_a_bundle_of_the_machines_own(places: Places, shell: Shell, programs: Programs) -> None:
    programs.add("docker", DOCKER.format(folder=programs.folder))
    images.build(shell, images.airflow_image(places, base=BASE))
    assert images.CERTIFICATES_NAME not in context(programs)


def test_failed_build_names_image_and_cause(places: Places, shell: Shell, programs: Programs) -> None:
    programs.add("docker", '[ "$1" != image ] || exit 1; cat >/dev/null; echo "no matching distribution"; exit 1')
    image = images.airflow_image(places, base=BASE)
    with pytest.raises(LocalError, match=f"building {image.name}: docker build failed: no matching distribution"):
        images.build(shell, image)


def test_revision(shell: Shell, tmp_path: Path) -> None:
    git = shell.but(GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b")
    folder = tmp_path / "repo"
    folder.mkdir()
    assert images.revision(git, folder) == "unknown"
    for words in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "x")):
        git.run("git", "-C", folder, *words)
    clean = images.revision(git, folder)
    assert len(clean) == 40
    (folder / "new.sql").write_text("")
    assert images.revision(git, folder) == f"{clean}-modified"


def test_a_revision_is_of_all_that_goes_in(shell: Shell, tmp_path: Path) -> None:
    git = shell.but(GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b")
    project = tmp_path / "project"
    (tmp_path / "src").mkdir()
    project.mkdir()
    for words in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "x")):
        git.run("git", "-C", tmp_path, *words)
    (tmp_path / "notes.md").write_text("")
    assert len(images.revision(git, project, tmp_path)) == 40
    (tmp_path / "src/podbt.py").write_text("")
    assert len(images.revision(git, project)) == 40
    assert images.revision(git, project, tmp_path).endswith("-modified")


def test_a_release_is_of_its_commit_whatever_was_built_before(places: Places, shell: Shell, programs: Programs) -> None:
    programs.add("docker", DOCKER.format(folder=programs.folder))
    image = images.dbt_image(places, places.root / "shop", base=BASE)
    images.build(shell, image)
    assert images.build(shell, image, tag="release:1", of_commit=True) == ("release:1", True)
    images.build(shell, image, tag="again:1", of_commit=True, cached=False)
    builds = [call.split() for call in programs.calls if call.startswith("docker build")]
    assert [words[words.index("--tag") + 1] for words in builds] == [image.name, "release:1", "again:1"]
    assert ["--no-cache" in words for words in builds] == [False, False, True]
    assert not any(call.startswith("docker tag") for call in programs.calls)


def choices(**given: Any) -> images.Choices:
    return images.Choices(**given)


def test_choices_are_build_arguments_and_part_of_the_name(places: Places, shell: Shell, programs: Programs) -> None:
    programs.add("docker", DOCKER.format(folder=programs.folder))
    chosen = choices(dbt="1.10", targets="prod,ci", variables="{a: 'two words'}", env="A=1 B='x y'", deps="no")
    image = images.dbt_image(places, places.root / "shop", base=BASE, choices=chosen)
    assert image.name != images.dbt_image(places, places.root / "shop", base=BASE).name
    images.build(shell, image)
    (built,) = [call for call in programs.calls if call.startswith("docker build")]
    for argument in ("DBT=1.10", "TARGETS=prod,ci", "VARS={a: 'two words'}", "ENV=A=1 B='x y'", "DEPS=no"):
        assert f"--build-arg {argument}" in built
    assert "SUBFOLDER" not in built


def test_an_image_has_the_lock_of_its_dbt(places: Places, shell: Shell, programs: Programs) -> None:
    programs.add("docker", DOCKER.format(folder=programs.folder))
    older = images.dbt_image(places, places.root / "shop", base=BASE, choices=choices(dbt="1.9"))
    newest = images.dbt_image(places, places.root / "shop", base=BASE, choices=choices(dbt="1.11"))
    assert older.name != newest.name
    for image, lock in ((older, "1.9"), (newest, "1.11")):
        images.build(shell, image)
        sent = [name for name in context(programs) if name.startswith("requirements/")]
        assert sorted(sent) == ["requirements/build.txt", f"requirements/dbt-{lock}.txt"]


@pytest.mark.parametrize("release", ["1.8", "1.1", "1.10.23", "fusion", "../dev"])
def test_an_unknown_dbt_is_refused_with_those_there_are(places: Places, release: str) -> None:
    with pytest.raises(LocalError) as error:
        images.dbt_image(places, places.root / "shop", base=BASE, choices=choices(dbt=release))
    assert str(error.value) == f"There is no image with dbt '{release}': DBT is one of 1.9, 1.10, 1.11."


def test_the_newest_dbt_is_the_default_of_every_build(places: Places) -> None:
    dockerfile = (places.root / "images/dbt/Dockerfile").read_text()
    assert f"\nARG DBT={locks.releases(places.root)[-1]}\n" in dockerfile


def test_a_hub_of_ones_own_is_passed_on(places: Places, shell: Shell, programs: Programs) -> None:
    programs.add("docker", DOCKER.format(folder=programs.folder))
    image = images.dbt_image(places, places.root / "shop", base=BASE)
    images.build(shell.but(DBT_PACKAGE_HUB_URL="https://hub.example/"), image)
    assert "--build-arg DBT_PACKAGE_HUB_URL=https://hub.example/" in programs.calls[-1]


def test_a_package_beside_the_project_is_in_the_context(places: Places, shell: Shell, programs: Programs) -> None:
    programs.add("docker", DOCKER.format(folder=programs.folder))
    (places.root / "common/macros").mkdir(parents=True)
    (places.root / "common/dbt_project.yml").write_text("name: common\n")
    (places.root / "common/macros/one.sql").write_text("")
    before = images.dbt_image(places, places.root / "shop", base=BASE).name
    (places.root / "shop/packages.yml").write_text("packages: [{local: ../common}]\n")
    image = images.dbt_image(places, places.root / "shop", base=BASE)
    name, _ = images.build(shell, image)
    (built,) = [call for call in programs.calls if call.startswith("docker build")]
    assert "--build-arg SUBFOLDER=shop" in built
    files = set(context(programs))
    assert {"project/shop/dbt_project.yml", "project/shop/packages.yml", "project/common/macros/one.sql"} <= files
    (places.root / "common/macros/one.sql").write_text("changed")
    after = images.dbt_image(places, places.root / "shop", base=BASE).name
    assert len({before, name, after}) == 3


def test_a_builds_secrets_are_a_mount_of_a_file_and_nothing_else(
    places: Places, shell: Shell, programs: Programs, tmp_path: Path
) -> None:
    kit = f'echo "kit=${{DOCKER_BUILDKIT:-}}" >>{programs.folder}/kit\n'
    programs.add("docker", kit + DOCKER.format(folder=programs.folder))
    file = tmp_path / "build.env"
    file.write_text("GIT_TOKEN=hunter2\n")
    with_secrets = images.dbt_image(places, places.root / "shop", base=BASE, choices=choices(secrets=file))
    assert with_secrets.name == images.dbt_image(places, places.root / "shop", base=BASE).name
    images.build(shell, with_secrets)
    (built,) = [call for call in programs.calls if call.startswith("docker build")]
    assert f"--secret id=podbt,src={file}" in built
    assert "hunter2" not in built
    sent = context(programs)
    assert b"RUN --mount=type=secret,id=podbt sh" in sent["images/dbt/Dockerfile"]
    assert not [name for name, content in sent.items() if b"hunter2" in content]
    assert "kit=1" in (programs.folder / "kit").read_text()


def test_without_secrets_any_builder_will_do(places: Places, shell: Shell, programs: Programs) -> None:
    programs.add("docker", DOCKER.format(folder=programs.folder))
    images.build(shell, images.dbt_image(places, places.root / "shop", base=BASE))
    assert "--secret" not in programs.calls[-1]
    assert b"--mount" not in context(programs)["images/dbt/Dockerfile"].split(b"FROM package AS project")[1]


def test_secrets_that_are_not_there_are_named(places: Places, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"build\.env is missing"):
        images.dbt_image(places, places.root / "shop", base=BASE, choices=choices(secrets=tmp_path / "build.env"))
