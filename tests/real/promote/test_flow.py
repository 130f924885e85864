"""An image goes from dev to staging to prod between three registries, and back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.registries import REVISION, Project, run

from podbt.cli import main

Podbt = Callable[..., str]


@pytest.fixture
def podbt(project: Project, capsys: pytest.CaptureFixture[str]) -> Podbt:
    """Runs the command in the project; returns what it printed."""

    def command(*words: str) -> str:
        capsys.readouterr()
        code = main([*words, "--config", str(project.file)])
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out

    return command


def test_an_image_goes_through_all_stages_by_its_digest(project: Project, digest: str, podbt: Podbt) -> None:
    before = project.values("prod").read_text()
    podbt("promote", "--to", "dev", "--revision", REVISION)
    podbt("promote", "--to", "staging", "--by", "ada")
    out = podbt("promote", "--to", "prod", "--by", "bob")
    assert f"podbt: prod runs {digest}, after" in out
    assert [project.digest(stage) for stage in project.registries] == [digest] * 3
    assert project.values("prod").read_text() == before.replace("''", f'"{digest}"')
    for registry in project.registries.values():
        assert run("crane", "digest", f"{registry.repository}:{REVISION}").strip() == digest
    (entry,) = json.loads(podbt("promotions", "--of", "prod", "--json"))
    assert (entry["by"], entry["digest"], entry["revision"], entry["outcome"]) == ("bob", digest, REVISION, "passed")
    assert entry["source"] == project.registries["staging"].repository

    # Again: nothing is left to do, and nothing is written.
    files = {file: file.read_bytes() for file in project.folder.glob("*.*") if file.is_file()}
    assert f"podbt: prod runs {digest} already; nothing to do." in podbt("promote", "--to", "prod")
    assert {file: file.read_bytes() for file in project.folder.glob("*.*") if file.is_file()} == files

    # A second image, and back to the first.
    second = project.release(b"other", revision="f" * 40)
    podbt("promote", "--to", "dev", "--digest", second)
    podbt("promote", "--to", "staging")
    assert f"prod runs {second} (was {digest})" in podbt("promote", "--to", "prod")
    assert f"prod runs {digest} (was {second})" in podbt("rollback", "--to", "prod")
    assert project.digest("prod") == digest
    assert f"prod runs {second} (was {digest})" in podbt("rollback", "--to", "prod", "--digest", second)
    lines = podbt("promotions", "--of", "prod").splitlines()
    assert [line.split()[2] for line in lines] == ["rollback", "rollback", "promote", "promote"]


def test_a_dry_run_prints_the_steps_and_changes_nothing(project: Project, digest: str, podbt: Podbt) -> None:
    podbt("promote", "--to", "dev", "--digest", digest)
    files = {file: file.read_bytes() for file in project.folder.glob("*.*") if file.is_file()}
    out = podbt("promote", "--to", "staging", "--dry-run")
    dev, staging = (project.registries[name].repository for name in ("dev", "staging"))
    steps = [line.removeprefix("  $ ") for line in out.splitlines() if line.startswith("  $ ")]
    copies = [step for step in steps if step.startswith("oras")]
    assert copies == [
        f"oras cp --no-tty{flag} --from-plain-http --to-plain-http {dev}@{digest} {staging}:{REVISION}"
        for flag in ("", " -r")
    ]
    assert f'# {project.values("staging")}: dbt.image.digest: "{digest}"' in out
    assert f"dry run: nothing was changed; staging would run {digest}." in out
    assert {file: file.read_bytes() for file in project.folder.glob("*.*") if file.is_file()} == files
    assert not list((project.registries["staging"].folder).rglob("link"))


def test_what_stands_beside_the_digest_stays(project: Project, digest: str, podbt: Podbt, tmp_path: Path) -> None:
    """What a stage signed itself is there after the image comes once more."""
    podbt("promote", "--to", "dev", "--digest", digest)
    podbt("promote", "--to", "staging")
    project.attest("staging", digest, "https://example.com/approved/v1", '{"by": "security"}', key="strangers")
    project.values("staging").write_text(project.values("staging").read_text().replace(digest, ""))
    podbt("promote", "--to", "staging")
    assert project.said("staging", "https://example.com/approved/v1", "strangers") == 1
