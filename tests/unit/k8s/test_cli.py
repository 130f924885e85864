"""The driver as a program: `python3 k8s/local VERB` on machines that lack something."""

import fcntl
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from localcluster import up, verbs
from localcluster.session import Session
from localcluster.shell import LocalError
from tests.support.programs import Programs

DRIVER = Path(__file__).resolve().parents[3] / "k8s" / "local"


def drive(programs: Programs, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": str(programs.folder), "HOME": str(cache.parent), "PODBT_CACHE": str(cache)}
    return subprocess.run(
        [sys.executable, str(DRIVER), *arguments], env=environ, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("env",), "env: no Docker daemon answers: run `up` first."),
        (("load", "a:1"), "load: no Docker daemon answers: run `up` first."),
        (("image",), "image: no Docker daemon answers: run `up` first."),
    ],
)
def test_without_docker_each_verb_says_one_line(
    programs: Programs, tmp_path: Path, arguments: tuple[str, ...], line: str
) -> None:
    done = drive(programs, tmp_path / "cache", *arguments)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", line)


def test_up_names_what_is_missing_and_changes_nothing(programs: Programs, tmp_path: Path) -> None:
    done = drive(programs, tmp_path / "cache", "up")
    assert done.returncode == 1
    assert "No Docker daemon answers" in done.stderr
    assert "install" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["lock", "logs"]


def test_env_of_a_cluster(programs: Programs, tmp_path: Path) -> None:
    programs.add("docker", 'case "$1" in info) echo 28.2.2 ;; inspect) echo container-1 ;; esac')
    done = drive(programs, tmp_path / "cache", "env")
    assert done.returncode == 0
    assert f"export KUBECONFIG={tmp_path}/cache/kubeconfig-podbt" in done.stdout
    assert f'export PATH="{tmp_path}/cache/bin:$PATH"' in done.stdout


def test_status_without_anything(programs: Programs, tmp_path: Path) -> None:
    done = drive(programs, tmp_path / "cache", "status")
    assert done.returncode == 1
    assert "docker:   no daemon answers" in done.stdout


def test_second_up_is_refused_while_one_runs(programs: Programs, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = drive(programs, cache, "up")
    assert (done.returncode, done.stderr.strip()) == (1, "up: another up or down is running: wait for it, or end it.")


def test_down_without_anything(session: Session) -> None:
    assert verbs.down(session, everything=False) == 0
    assert isinstance(session.console.out, io.StringIO)
    assert "none of ours ran" in session.console.out.getvalue()
    assert "stays" in session.console.out.getvalue()


def test_down_all_takes_the_cache_and_our_images_alone(session: Session, programs: Programs) -> None:
    programs.add("kind", "exit 0")
    names = "podbt-airflow:1 podbt-dbt-x:1 localhost/podbt-component:1 somebody/else:1"
    programs.add("docker", f'case "$1" in info) echo 28 ;; images) echo "{names}" ;; esac')
    assert verbs.down(session, everything=True) == 0
    assert "docker rmi podbt-airflow:1 podbt-dbt-x:1 localhost/podbt-component:1" in programs.calls
    assert not session.places.cache.exists()


def test_running_daemon_is_asked_with_its_own_address_first(session: Session, programs: Programs) -> None:
    programs.add("docker", '[ -z "$DOCKER_HOST" ] || exit 1; [ "$1" != info ] || echo 28')
    with pytest.raises(LocalError, match="kind is not on PATH"):
        verbs.load(session, ["a:1"])


def test_failing_line_of_work_ends_the_other(session: Session, programs: Programs) -> None:
    programs.add("slow", "sleep 60")
    programs.add("broken", "echo no space left >&2; exit 1")
    # As phases do, each with a log of its own: the reason is the log's last line.
    shells = {name: session.shell.but(log=session.places.cache / f"{name}.log") for name in ("slow", "broken")}
    with pytest.raises(LocalError, match="no space left"), up.together(session) as pool:
        up.finish([pool.submit(shell.run, name) for name, shell in shells.items()])


def test_state_survives_a_torn_file(session: Session) -> None:
    session.state.update(source="PACKAGES", cluster="1")
    session.state.update(cluster=None)
    assert session.state.read() == {"source": "PACKAGES"}
    (session.places.cache / "state.json").write_text('{"sour')
    assert session.state.read() == {}
    (session.places.cache / "state.json").write_text(json.dumps(["no object"]))
    assert session.state.read() == {}
