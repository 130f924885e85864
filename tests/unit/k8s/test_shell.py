import os
import signal
import threading
import time
from pathlib import Path

import pytest
from localcluster.shell import InterruptedDriverError, LocalError, Prints, Shell, reason
from tests.support.programs import Programs


def test_output_is_returned_and_logged(shell: Shell, programs: Programs) -> None:
    programs.add("tool", "echo answer; echo detail >&2")
    assert shell.run("tool", "a", "b") == "answer\n"
    assert shell.log is not None
    assert shell.log.read_text().splitlines() == ["$ tool a b", "detail", "answer"]


def test_arguments_are_not_for_a_shell(shell: Shell, programs: Programs) -> None:
    programs.add("tool", 'printf "%s|" "$@"')
    assert shell.run("tool", "a b", "$HOME", "; exit 3") == "a b|$HOME|; exit 3|"


def test_failure_is_told_by_the_last_telling_line(shell: Shell, programs: Programs) -> None:
    noise = "The command '/bin/sh -c …' returned a non-zero code: 1"
    programs.add("docker", f"echo ' ---> 12ab'; printf 'no space left\\n\\033[0m\\n' >&2; echo \"{noise}\" >&2; exit 1")
    with pytest.raises(LocalError, match=r"^docker build failed: no space left$") as caught:
        shell.do("docker", "build", ".")
    assert caught.value.log == shell.log


def test_reason_is_that_of_the_last_program_in_the_log(shell: Shell, programs: Programs) -> None:
    programs.add("first", "echo old trouble >&2")
    programs.add("second", "exit 1")
    shell.run("first")
    with pytest.raises(LocalError) as caught:
        shell.run("second", "x")
    assert "old trouble" not in str(caught.value)


def test_missing_program_is_named(shell: Shell) -> None:
    with pytest.raises(LocalError, match="nowhere is not on PATH"):
        shell.run("nowhere")


def test_secret_output_is_not_logged(shell: Shell, programs: Programs) -> None:
    programs.add("kubectl", "echo hunter2")
    assert shell.run("kubectl", "get", prints=Prints.SECRET) == "hunter2\n"
    assert shell.log is not None
    assert "hunter2" not in shell.log.read_text()


def test_time_limit_ends_the_program(shell: Shell, programs: Programs) -> None:
    programs.add("slow", f"echo $$ >{programs.folder}/pid; sleep 60")
    code, output = shell.attempt("slow", timeout_seconds=0.5)
    assert code == 124
    assert output == "no end within 0.5 s"
    assert not _alive(int((programs.folder / "pid").read_text()))


def test_stop_ends_what_runs_and_its_children(shell: Shell, programs: Programs) -> None:
    programs.add("parent", f"sleep 60 & echo $! >{programs.folder}/child; wait")
    errors: list[BaseException] = []

    def work() -> None:
        try:
            shell.but(EXTRA="1").run("parent")
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    child = programs.folder / "child"
    while not (child.exists() and child.read_text().strip()):
        time.sleep(0.01)
    shell.stop()
    thread.join()
    assert [type(error) for error in errors] == [InterruptedDriverError]
    assert not _alive(int(child.read_text()))
    with pytest.raises(InterruptedDriverError):
        shell.run("parent")


def test_reason_without_a_log_is_the_output() -> None:
    assert reason(None, "first\n\nlast\n") == ": last"
    assert reason(None, "") == ""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
