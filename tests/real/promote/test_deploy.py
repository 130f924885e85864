"""A stage's Helm release: what helm is asked, and what is so after it fails. helm is a script that notes its calls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.programs import Programs
from tests.support.registries import Project, tool

from podbt.cli import main

OK = """
case "$1" in
  version) echo v4.3.1 ;;
  status) [ -e "$STATE/deployed" ] || { echo 'Error: release: not found' >&2; exit 1; }
    echo '{"version": 7, "info": {"status": "'$(cat "$STATE/deployed")'"}}' ;;
  get) cat "$STATE/values" ;;
  upgrade) echo deployed >"$STATE/deployed" ;;
  test) printf 'TEST SUITE:     podbt-test\\nPhase:          Succeeded\\n' ;;
  rollback) echo deployed >"$STATE/deployed" ;;
esac
"""


@pytest.fixture
def helm(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A helm that does as it is told, for a stage that has one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cosign", "crane", "oras"):
        (folder / name).symlink_to(tool(name))
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("STATE", str(tmp_path))
    deploy = {
        "release": "podbt",
        "namespace": "dbt",
        "chart": "../chart",
        "context": "kind-dev",
        "values": ["all.yaml"],
    }
    project.changes["dev"] = {"deploy": {**deploy, "timeout_seconds": 60}, "approval": "approved-dev.yaml"}
    project.write()
    programs = Programs(folder=folder)
    programs.add("helm", OK)
    return programs


def promote(project: Project, digest: str, verb: str = "promote") -> int:
    return main([verb, "--to", "dev", "--digest", digest, "--config", str(project.file)])


def record(project: Project) -> list[dict[str, str]]:
    return [json.loads(line) for line in (project.folder / "promotions-dev.jsonl").read_text().splitlines()]


def test_helm_upgrades_and_tests(project: Project, digest: str, helm: Programs) -> None:
    assert promote(project, digest) == 0
    place = "--namespace dbt --kube-context kind-dev"
    names = ("all.yaml", "values-dev.yaml", "approved-dev.yaml")
    files = " ".join(f"--values {project.folder / name}" for name in names)
    upgrade, test = (call for call in helm.calls if call.split()[1] in {"upgrade", "test"})
    assert upgrade == (
        f"helm upgrade --install podbt {project.folder / '../chart'} {place} {files} "
        "--rollback-on-failure --wait --timeout 60s"
    )
    assert test == f"helm test podbt {place} --timeout 60s"
    (entry,) = record(project)
    assert (entry["outcome"], entry["tests"]) == ("passed", "podbt-test")
    assert digest.removeprefix("sha256:") not in (project.folder / "approved-dev.yaml").read_text()  # it is in base64
    assert "dsseEnvelope" in (project.folder / "approved-dev.yaml").read_text()


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            (
                'upgrade) echo "Error: UPGRADE FAILED: pod podbt-scheduler: ImagePullBackOff" >&2; exit 1',
                "Release podbt in dbt was not upgraded: UPGRADE FAILED: pod podbt-scheduler: ImagePullBackOff",
            ),
            id="the upgrade",
        ),
        pytest.param(
            (
                'test) echo "Error: pod podbt-test failed" >&2; exit 1',
                "Release podbt in dbt fails its tests (helm test): pod podbt-test failed",
            ),
            id="the test",
        ),
    ],
)
def test_what_fails_brings_the_stage_back(
    project: Project, digest: str, helm: Programs, case: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    broken, says = case
    assert promote(project, digest) == 0
    bad = project.release(b"bad", revision="b" * 40)
    helm.add("helm", f'case "$1" in\n{broken} ;;\nesac\n{OK}')
    before = project.values("dev").read_text()
    capsys.readouterr()
    assert promote(project, bad) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"podbt: {says} Stage dev is back at {digest}."
    assert project.values("dev").read_text() == before
    assert [entry["outcome"] for entry in record(project)] == ["passed", "failed"]
    assert record(project)[1]["message"] == says
    if broken.startswith("test"):
        assert helm.calls[-1].startswith("helm rollback podbt 7 --namespace dbt")
    # What failed in dev cannot go on.
    assert main(["promote", "--to", "staging", "--digest", bad, "--config", str(project.file)]) == 2
    assert "is refused: it failed in stage dev" in capsys.readouterr().err
    # Mended, the same image may be tried again.
    helm.add("helm", OK)
    assert promote(project, bad) == 0
    assert project.digest("dev") == bad


def test_another_helm_at_work_is_one_line(
    project: Project, digest: str, helm: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    (tmp_path / "deployed").write_text("pending-upgrade")
    assert promote(project, digest) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("podbt: Another helm is at work on release podbt in dbt (pending-upgrade): wait for it.")


def test_what_a_killed_upgrade_left_is_cleared(
    project: Project, digest: str, helm: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    helm.add(
        "helm", f'case "$1" in upgrade) echo pending-upgrade >"$STATE/deployed"; kill -KILL $PPID; exit ;; esac\n{OK}'
    )
    program = "import sys; from podbt.cli import main; sys.exit(main())"
    words = ["promote", "--to", "dev", "--digest", digest, "--config", str(project.file)]
    assert subprocess.run([sys.executable, "-c", program, *words], capture_output=True, check=False).returncode == -9
    helm.add("helm", OK)
    assert main([*words, "--wait", "60"]) == 0
    assert "going on with the promotion that began at" in capsys.readouterr().out
    assert any(call.startswith("helm rollback podbt --namespace dbt") for call in helm.calls)
    assert project.digest("dev") == digest


def test_somebody_elses_values_in_the_cluster_are_replaced(
    project: Project, digest: str, helm: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    """Nothing is left to do where the cluster runs it, and only there."""
    assert promote(project, digest) == 0
    for runs, done in ((digest, "already; nothing to do."), (f"sha256:{'0' * 64}", f"dev runs {digest}, after")):
        (tmp_path / "values").write_text(json.dumps({"dbt": {"image": {"digest": runs}}}))
        capsys.readouterr()
        assert promote(project, digest) == 0
        assert done in capsys.readouterr().out
