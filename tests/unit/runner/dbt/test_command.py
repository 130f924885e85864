"""What a run is about, told from dbt's arguments; the tables of options are dbt's own."""

from collections.abc import Iterator
from typing import Any

import pytest

from podbt.runner.dbt import options
from podbt.runner.dbt.arguments import TARGET, Arguments


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        pytest.param(["--target", "test", "build"], "build", id="a target called like a command"),
        pytest.param(["-t", "run", "test"], "test", id="in short"),
        pytest.param(["--target=test", "build"], "build", id="with an equals sign"),
        pytest.param(["--profile", "docs", "seed"], "seed", id="a profile"),
        pytest.param(["--vars", "build", "--fail-fast", "run"], "run", id="several"),
        pytest.param(["--quiet", "run", "--select", "test"], "run", id="a selection"),
        pytest.param(["--no-use-colors", "source", "freshness"], "source freshness", id="a group"),
        pytest.param(["source", "--target", "test", "snapshot-freshness"], "source freshness", id="within a group"),
        pytest.param(["run-operation", "test", "--args", "{}"], "run-operation", id="a macro called like a command"),
        pytest.param(["build", "--target", "test"], "build", id="behind the command"),
        pytest.param(["--new-option", "value", "build"], "build", id="an option that nobody knows"),
        pytest.param(["--new-flag", "build", "--select", "a"], "build", id="a flag that nobody knows"),
        pytest.param(["--target", "test"], None, id="no command"),
        pytest.param(["nonsense", "build"], None, id="no command of dbt's"),
        pytest.param(["--version"], None, id="a flag alone"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_the_command(arguments: list[str], command: str | None) -> None:
    assert Arguments.parse(arguments).command == command


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        (["build", "--target", "ci"], "ci"),
        (["build", "--target=ci", "-t", "prod"], "prod"),
        (["run-operation", "x", "--args", "--target", "--target", "ci"], "ci"),
        (["build", "--vars", "--target"], None),
        (["build", "--target"], None),
    ],
)
def test_an_options_value(arguments: list[str], target: str | None) -> None:
    assert Arguments.parse(arguments).value(TARGET) == target


def test_an_option_takes_as_many_words_as_dbt_gives_it() -> None:
    import click
    from dbt.cli.main import cli
    from dbt.cli.options import MultiOption

    def walk(command: Any) -> Iterator[Any]:
        yield from (param for param in command.params if isinstance(param, click.Option))
        for child in getattr(command, "commands", {}).values():
            yield from walk(child)

    seen: dict[str, set[str]] = {}
    for option in walk(cli):
        kind = "MANY_VALUES" if isinstance(option, MultiOption) else "NO_VALUE" if option.is_flag else "ONE_VALUE"
        for name in (*option.opts, *option.secondary_opts):
            seen.setdefault(name, set()).add(kind)
    seen["-s"].discard("NO_VALUE")  # `dbt init -s`, which no step runs
    wrong = {name: kinds for name, kinds in seen.items() if any(name not in getattr(options, kind) for kind in kinds)}
    assert not wrong
