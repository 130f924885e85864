"""Runs podbt in forks of one process that has imported dbt: the import is most of what a short run costs.

A fork is a process like any other: environment, working directory, streams, signals and end are its own. Its beginning
is not: it inherits what was imported, and the seed of the hashes of str. Tests of those start podbt anew.
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

START_SECONDS = 300  # how long an import may take on a busy machine


class Fork:
    """A running podbt, used as subprocess.Popen is. Standard output and error are one stream."""

    def __init__(self, door: socket.socket, stdout: int) -> None:
        self._door = door.makefile("r")
        self.stdout = open(stdout)  # noqa: SIM115 - closed by communicate
        self.pid = int(self._door.readline())
        self.returncode: int | None = None
        self._ended = threading.Thread(target=self._wait, daemon=True)
        self._ended.start()

    def _wait(self) -> None:
        with self._door:
            self.returncode = int(self._door.readline())

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._ended.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("podbt", timeout or 0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """The rest of the output, once the process is gone. The second time there is none."""
        if self.stdout.closed:
            return "", None
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.append(self.stdout.read()), daemon=True)
        reader.start()
        reader.join(timeout)
        if reader.is_alive():
            raise subprocess.TimeoutExpired("podbt", timeout or 0)
        self.stdout.close()
        self.wait(timeout)
        return said[0], None

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


Process = Fork | subprocess.Popen[str]


class Forks:
    """The process that is forked."""

    def __init__(self, address: Path) -> None:
        self.address = address

    def start(self, *arguments: str, env: Mapping[str, str]) -> Fork:
        """Starts `podbt ARGUMENTS` in this process's folder."""
        reader, writer = os.pipe()
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a file descriptor is what is wanted
            door = ask(self.address, arguments, env, [nothing.fileno(), writer, writer])
        os.close(writer)
        with door:
            return Fork(door, reader)


def ask(address: Path | str, arguments: Sequence[str], env: Mapping[str, str], streams: list[int]) -> socket.socket:
    """Asks for a fork; its number comes back as a line, and its exit code as another one."""
    door = socket.socket(socket.AF_UNIX)
    door.connect(str(address))
    wanted = {"arguments": arguments, "env": dict(env), "folder": os.getcwd()}  # noqa: PTH109
    socket.send_fds(door, [json.dumps(wanted).encode() + b"\n"], streams)
    return door


@contextmanager
def forks(project: Path) -> Iterator[Forks]:
    """Imports dbt in a process of its own, which is forked until the block ends.

    Args:
        project: What dbt parses first, to be warm.
    """
    with tempfile.TemporaryDirectory(prefix="podbt-forks-") as folder:
        address = Path(folder) / "door"
        command = [sys.executable, "-P", __file__, str(address), str(project)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], START_SECONDS)[0], "dbt was not imported"
            assert process.stdout.readline() == b"ready\n"
            yield Forks(address)
            process.stdin.close()


PYTHON = """#!{python} -P
import os, signal, sys
sys.path.insert(0, {root!r})
from tests.support.forks import ask

assert sys.argv[1:4] == ["-P", "-m", "podbt"], sys.argv
door = ask({address!r}, sys.argv[4:], os.environ, [0, 1, 2]).makefile("r")
process = int(door.readline())
signal.signal(signal.SIGTERM, lambda number, _: os.kill(process, number))
raise SystemExit(int(door.readline()))
"""


def python_of(forked: Forks, folder: Path) -> Path:
    """A program that is called as Python is for `-P -m podbt …`, and passes signals and exit code on."""
    program = folder / "python"
    root = Path(__file__).parents[2]
    program.write_text(PYTHON.format(python=sys.executable, root=str(root), address=str(forked.address)))
    program.chmod(0o755)
    return program


def serve(address: str, project: str) -> None:
    """Forks for each who asks, until standard input ends."""
    import podbt.cli
    import podbt.runner.main  # noqa: F401

    warm_up(project)
    # No other threads, Python's or a library's: they would not be in a fork, nor let go of what they hold.
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    gc.freeze()
    signal.signal(signal.SIGCHLD, reap)
    with socket.socket(socket.AF_UNIX) as entrance:
        entrance.bind(address)
        entrance.listen()
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([entrance, 0], [], [])
            if 0 in ready:
                return
            door, _ = entrance.accept()
            if os.fork() == 0:
                entrance.close()
                keep(door)
            door.close()


def warm_up(project: str) -> None:
    """Has dbt make the code that reads and writes its files, which it does when that is first called for."""
    import dbt.cli.main
    import dbt.task.build  # imported by the command line's functions, and itself imports nearly all other tasks
    from dbt_common.tests import enable_test_caching

    from podbt.runner.dbt import engine

    enable_test_caching()  # dbt's own switch for tests: a fork knows the macros whose text was parsed here
    os.environ |= {"WAREHOUSE_PORT": "1", "WAREHOUSE_PASSWORD": "x"}
    engine.point(SEND_ANONYMOUS_USAGE_STATS="false")
    with tempfile.TemporaryDirectory() as folder:
        places = ["--project-dir", project, "--profiles-dir", project]
        places += ["--target-path", folder, "--log-path", folder]
        for _ in range(2):  # the first writes, the second reads; the static parser would leave threads behind
            parsed = dbt.cli.main.dbtRunner().invoke(["parse", "--quiet", "--no-static-parser", *places])
            assert parsed.success, parsed.exception


def reap(_number: int, _frame: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def keep(door: socket.socket) -> NoReturn:
    """Forks once more, and waits for that one's end."""
    message, streams, _, _ = socket.recv_fds(door, 1 << 20, 3)
    while not message.endswith(b"\n"):
        message += door.recv(1 << 20)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    process = os.fork()
    if process == 0:
        door.close()
        become(json.loads(message), streams)
    for stream in streams:
        os.close(stream)
    with contextlib.suppress(BrokenPipeError):  # whoever asked may be gone
        door.sendall(f"{process}\n".encode())
        _, status = os.waitpid(process, 0)
        door.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def become(wanted: dict[str, Any], streams: list[int]) -> NoReturn:
    """Is what the entry point of the image is, from here on."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    if os.environ.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]  # the interpreter's own
    sys.argv = ["podbt", *wanted["arguments"]]
    from podbt.cli import main

    raise SystemExit(main())


if __name__ == "__main__":
    serve(*sys.argv[1:])
