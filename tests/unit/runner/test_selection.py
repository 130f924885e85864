"""dbt's arguments, read and changed without losing any of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podbt.runner.dbt.arguments import asked_methods, values, without, without_state_methods
from podbt.runner.dbt.options import groups, name_of


@given(st.lists(st.sampled_from(["build", "--select", "a", "b+", "--target", "x", "--defer", "-s", "--vars={}"])))
def test_groups_lose_nothing(arguments: list[str]) -> None:
    assert [word for group in groups(arguments) for word in group] == arguments
    assert without(arguments, ()) == arguments
    assert "--select" not in {name_of(group) for group in groups(without(arguments, {"--select"}))}


def test_a_command_may_stand_behind_options() -> None:
    arguments = ["--target", "prod", "--state=s", "--defer", "build", "--select", "a", "b"]
    assert without(arguments, {"--target", "--state", "--defer"}) == ["build", "--select", "a", "b"]


def test_values_are_split_as_dbt_does() -> None:
    assert values(["build", "--select", "a b", "c", "-s=d", "--exclude", "e"], {"--select", "-s"}) == list("abcd")


@pytest.mark.parametrize(
    ("criterion", "method"),
    [
        ("state:modified+", "state"), ("+state:new", "state"), ("2+state:old", "state"), ("@state:modified", "state"),
        ("tag:a,state:modified.body+", "state"), ("result:error+", "result"),
        ("source_status:fresher+", "source_status"), ("tag:state", None), ("statement:x", None), ("my_state", None),
    ],
)  # fmt: skip
def test_methods_that_ask_a_state(criterion: str, method: str | None) -> None:
    assert asked_methods(["build", "--select", criterion]) == ({method} if method else set())
    assert asked_methods(["build", "--exclude", criterion]) == ({method} if method else set())


@pytest.mark.parametrize(
    ("arguments", "full"),
    [
        pytest.param(["--select", "state:modified+"], [], id="everything"),
        pytest.param(["--select", "state:modified+", "tag:a"], [], id="a union with everything"),
        pytest.param(["--select", "state:modified+,tag:a"], ["--select", "tag:a"], id="an intersection"),
        pytest.param(
            ["--select", "state:new,tag:a", "b"], ["--select", "tag:a", "b"], id="a union with an intersection"
        ),
        pytest.param(["--exclude", "state:old", "c"], ["--exclude", "c"], id="an exclusion"),
        pytest.param(["--exclude", "state:old"], [], id="nothing is left of the exclusion"),
        pytest.param(["--exclude", "state:old,tag:a"], [], id="what is old and daily"),
        pytest.param(["--selector", "x", "--target", "ci"], ["--selector", "x", "--target", "ci"], id="the rest stays"),
    ],
)
def test_without_a_state_all_that_could_match(arguments: list[str], full: list[str]) -> None:
    assert without_state_methods(["build", *arguments]) == ["build", *full]
