"""`podbt release` and `release-chart` against a real registry, with real keys. docker is a script with one image."""

import gzip
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from tests.support.plans import plan
from tests.support.programs import Programs
from tests.support.registries import Project, tool
from tests.support.saved_images import archive, saved

from podbt.cli import main

ROOT = Path(__file__).parents[3]
PLAN = plan("a", "b")
PACKAGES = "opt/venv/lib/python3.11/site-packages"
FILES = {
    f"{PACKAGES}/demo-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
    "opt/podbt/baked/plan.json": PLAN.to_json().encode(),
}
DOCKER = """
case "$1 $2" in
  "image inspect") cat {folder}/revision ;;
  "save --output") cp {folder}/saved.tar "$3" ;;
  "run --rm") [[ "$*" != *"--selector $(cat {folder}/fails)"* ]] || {{ echo "1 of 2 nodes failed" >&2; exit 1; }} ;;
esac
"""


@pytest.fixture
def docker(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A docker with an image of a commit, and a project whose releases are tried by two selectors."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cosign", "crane", "oras", "helm"):
        (folder / name).symlink_to(tool(name))
    monkeypatch.setenv("PATH", f"{folder}:{ROOT / '.venv/release/bin'}:/usr/bin:/bin")
    saved(folder / "saved.tar", [archive(FILES)])
    (folder / "revision").write_text(commit(tmp_path / "checkout"))
    (folder / "fails").write_text("none")
    programs = Programs(folder=folder)
    programs.add("docker", DOCKER.format(folder=folder))
    said = yaml.safe_load(project.file.read_text())
    env = {"WAREHOUSE_PASSWORD": "{password}"}
    said["smoke"] = {"database": {"image": "postgres:15"}, "target": "prod", "selectors": ["one", "two"], "env": env}
    project.file.write_text(yaml.safe_dump(said))
    return programs


def commit(folder: Path) -> str:
    """A repository of git with one commit, as far as a release looks at it."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), "-c", "user.name=ada", "-c", "user.email=ada@example.com", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    folder.mkdir()
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "-m", "x")
    return git("rev-parse", "HEAD")


def revision_of(docker: Programs) -> str:
    return (docker.folder / "revision").read_text()


def release(project: Project) -> int:
    checkout = project.folder.parent / "checkout"
    return main(["release", "--image", "dbt:1", "--repository", str(checkout), "--config", str(project.file)])


def test_a_commit_is_tried_pushed_described_and_signed_once(
    project: Project, docker: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    left = project.folder / ".podbt-promote/released-by-one-that-was-killed"
    left.mkdir(parents=True)
    revision = revision_of(docker)
    assert release(project) == 0
    *_, line = capsys.readouterr().out.splitlines()
    assert line.startswith(f"podbt: {revision[:12]} is released as sha256:")
    selected = [call.partition("--selector ")[2].split()[0] for call in docker.calls if "--selector" in call]
    assert selected == ["one", "two"]
    assert not any("smoke" in call and "PASSWORD=" in call for call in docker.calls)  # only by files
    assert main(["promote", "--to", "dev", "--revision", revision, "--config", str(project.file)]) == 0
    assert project.digest("dev") in line
    assert not list((project.folder / ".podbt-promote").glob("released-*"))
    before = len(docker.calls)
    capsys.readouterr()
    assert release(project) == 0
    assert capsys.readouterr().out.endswith("already; nothing to do.\n")
    assert len(docker.calls) == before + 1  # what it is of


def test_one_that_fails_is_never_signed(project: Project, docker: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    (docker.folder / "fails").write_text("two")
    assert release(project) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("was not signed: its tests failed (selector two), which is attested.")
    revision = revision_of(docker)
    assert main(["promote", "--to", "dev", "--revision", revision, "--config", str(project.file)]) == 2
    assert "is refused: its tests failed (selector two). Mend that and release anew." in capsys.readouterr().err
    # Mended, and released by the same command.
    (docker.folder / "fails").write_text("none")
    assert release(project) == 0


def test_what_differs_from_its_commit_is_no_release(
    project: Project, docker: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    (docker.folder / "revision").write_text(f"{revision_of(docker)}-modified")
    assert release(project) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("which is no git commit: commit what was changed and build it again.")


def chart(folder: Path, text: str) -> Path:
    """A packed chart."""
    file, out = folder / "demo-1.2.3.tgz", io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as packed:
        for name, content in {
            "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.2.3\n",
            "values.yaml": text,
        }.items():
            entry = tarfile.TarInfo(f"demo/{name}")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content.encode()))
    file.write_bytes(gzip.compress(out.getvalue(), mtime=0))
    return file


def test_a_chart_is_pushed_once_for_a_version_and_signed(
    project: Project, docker: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = f"{project.registries['dev'].address}/charts"
    words = ["--repository", folder, "--plain-http", "--config", str(project.file)]
    file = chart(tmp_path, "a: 1\n")
    assert main(["release-chart", str(file), *words]) == 0
    line = capsys.readouterr().out.strip()
    assert line.startswith(f"podbt: demo 1.2.3 is released: helm upgrade --install demo oci://{folder}/demo@sha256:")
    name = line.rpartition("oci://")[2]
    # By its digest, as a person would take it.
    shown = subprocess.run(
        [tool("helm"), "show", "values", f"oci://{name}", "--plain-http"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "a: 1"
    root = project.folder / ".podbt-promote/root.json"
    key = project.folder / "keys/release.pub"
    checking = ["verify", "--key", str(key), "--insecure-ignore-tlog", "--trusted-root", str(root), name]
    verified = subprocess.run([tool("cosign"), *checking], capture_output=True, text=True, check=True)
    assert json.loads(verified.stdout)
    assert main(["release-chart", str(file), *words]) == 0
    assert capsys.readouterr().out.endswith("already; nothing to do.\n")
    assert main(["release-chart", str(chart(tmp_path, "a: 2\n")), *words]) == 2
    assert "is there with another content, and a version is pushed once" in capsys.readouterr().err
