"""What removes old rows and logs: when, what of, with which rights, and that nothing else goes."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.chart.manifests import CHART, EVALUATION, Manifests, Pod, render

OBSERVED = CHART / "ci" / "observed-values.yaml"
LOGS, METADATA = CHART / "files" / "clean_logs.py", CHART / "files" / "clean_metadata.py"
DAY = 24 * 60 * 60


def job(manifests: Manifests, component: str) -> dict[str, Any]:
    return dict(manifests.get("CronJob", f"podbt-{component}")["spec"])


def secrets_of(pod: Pod) -> set[str]:
    env = pod.main.get("env", [])
    named = {one["valueFrom"]["secretKeyRef"]["name"] for one in env if "valueFrom" in one}
    return named | {one["secret"]["secretName"] for one in pod.spec["volumes"] if "secret" in one}


def test_both_run_alone_and_leave_one_job_of_each_end() -> None:
    manifests = render(OBSERVED)
    for component in ("clean-metadata", "clean-logs"):
        spec = job(manifests, component)
        assert spec["concurrencyPolicy"] == "Forbid"
        assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (1, 1)
        assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] >= 3600
    assert (job(manifests, "clean-metadata")["schedule"], job(manifests, "clean-metadata")["timeZone"]) == (
        "0 4 * * 0",
        "Europe/Berlin",
    )


def test_rows_stay_unless_somebody_asks_and_logs_do_not() -> None:
    """A row that is gone is gone; a volume that is full stops every task."""
    assert set(render(EVALUATION).of_kind("CronJob")) == {"podbt-clean-logs", "podbt-prune"}


def test_each_gets_what_it_needs() -> None:
    manifests = render(OBSERVED)
    metadata, logs = manifests.pod("clean-metadata"), manifests.pod("clean-logs")
    assert secrets_of(metadata) == {"airflow-metadata"}
    assert secrets_of(logs) == set()
    claims = [
        one["persistentVolumeClaim"]["claimName"] for one in logs.spec["volumes"] if "persistentVolumeClaim" in one
    ]
    assert claims == ["podbt-logs"]
    assert not [one for one in metadata.spec["volumes"] if "persistentVolumeClaim" in one]
    assert metadata.main["args"][1:] == ["/etc/podbt-scripts/clean_metadata.py", "--keep-days=180", "--batch-size=5000"]
    assert logs.main["args"][1:] == ["/etc/podbt-scripts/clean_logs.py", "--keep-days=30"]
    dry = render(OBSERVED, cleanup={"metadata": {"enabled": True, "dryRun": True}}).pod("clean-metadata")
    assert dry.main["args"][-1] == "--dry-run"


def test_the_cleaner_of_logs_meets_the_volume_where_it_is() -> None:
    """A ReadWriteOnce volume is on one node; and alone, with Airflow at rest, it may choose one."""
    manifests = render(EVALUATION)
    (term,) = manifests.pod("clean-logs").spec["affinity"]["podAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert "clean-logs" in term["labelSelector"]["matchExpressions"][0]["values"]
    assert manifests.pod("clean-logs").spec["affinity"] == manifests.pod("scheduler").spec["affinity"]


def cleaned(folder: Path) -> str:
    done = subprocess.run([sys.executable, LOGS, "--keep-days=30", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def log(path: Path, *, days: float) -> Path:
    """A log as Airflow leaves it: its folders are as old as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("line\n")
    age(path, days)
    return path


def age(path: Path, days: float) -> None:
    then = time.time() - days * DAY
    os.utime(path, (then, then), follow_symlinks=False)


def test_old_logs_go_and_their_folders(tmp_path: Path) -> None:
    old = log(tmp_path / "dag_id=a" / "run_id=1" / "task_id=t" / "attempt=1.log", days=31)
    young = log(tmp_path / "dag_id=a" / "run_id=2" / "task_id=t" / "attempt=1.log", days=29)
    for folder in (old.parent, old.parents[1]):
        age(folder, 31)
    assert cleaned(tmp_path) == "Deleted 1 logs older than 30 days, 0.0 MiB.\n"
    assert not (tmp_path / "dag_id=a" / "run_id=1").exists()
    assert young.exists()


def test_a_folder_that_was_just_made_stays(tmp_path: Path) -> None:
    """Airflow makes the folder first and opens the log a moment later."""
    log(tmp_path / "dag_id=a" / "run_id=1" / "task_id=t" / "attempt=1.log", days=31)
    new = tmp_path / "dag_id=a" / "run_id=1" / "task_id=u"
    new.mkdir()
    cleaned(tmp_path)
    assert new.is_dir()


def test_links_go_and_what_they_lead_to_stays(tmp_path: Path) -> None:
    elsewhere = log(tmp_path / "elsewhere" / "kept.log", days=90)
    (tmp_path / "logs").mkdir()
    for name, target in (("folder", elsewhere.parent), ("file", elsewhere)):
        (tmp_path / "logs" / name).symlink_to(target)
        age(tmp_path / "logs" / name, 90)
    cleaned(tmp_path / "logs")
    assert elsewhere.exists()
    assert list((tmp_path / "logs").iterdir()) == []


@pytest.mark.parametrize("flags", [[], ["--dry-run"]], ids=["for good", "only said"])
def test_the_age_becomes_a_date(tmp_path: Path, flags: list[str]) -> None:
    program = tmp_path / "airflow"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, METADATA, "--keep-days=365", "--batch-size=500", *flags],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, *words = done.stdout.splitlines()
    assert first == " ".join(["airflow", *words])
    before = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 365 * DAY))
    assert words[:2] == ["db", "clean"]
    assert words[2].startswith(f"--clean-before-timestamp={before}T")
    assert words[2].endswith("+00:00")
    kept = ["--yes", "--skip-archive", "--error-on-cleanup-failure", "--batch-size=500"]
    assert words[3:] == [*kept, *flags]
