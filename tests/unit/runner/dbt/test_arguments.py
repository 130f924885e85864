"""dbt's arguments, read and changed without losing any of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podbt.runner.dbt.arguments import Arguments


@given(st.lists(st.sampled_from(["build", "--select", "a", "b+", "--target", "x", "--defer", "-s", "--vars={}"])))
def test_no_word_is_lost(words: list[str]) -> None:
    arguments = Arguments.parse(words)
    assert arguments.words == words
    assert arguments.without(frozenset()) == arguments
    selects = frozenset({"--select"})
    assert not arguments.without(selects).has(selects)
    assert not Arguments.parse(arguments.without(selects).words).has(selects)
    assert arguments.only(selects).has(selects) == arguments.has(selects)
    assert sorted([*arguments.only(selects).words, *arguments.without(selects).words]) == sorted(words)


def test_a_command_may_stand_behind_options() -> None:
    arguments = Arguments.parse(["--target", "prod", "--state=s", "--defer", "build", "--select", "a", "b"])
    rest = arguments.without(frozenset({"--target", "--state", "--defer"}))
    assert rest.words == ["build", "--select", "a", "b"]


def test_values_are_split_as_dbt_does() -> None:
    arguments = Arguments.parse(["build", "--select", "a b", "c", "-s=d", "--exclude", "e"])
    assert arguments.values(frozenset({"--select", "-s"})) == list("abcd")


@pytest.mark.parametrize(
    ("criterion", "method"),
    [
        ("state:modified+", "state"), ("+state:new", "state"), ("2+state:old", "state"), ("@state:modified", "state"),
        ("tag:a,state:modified.body+", "state"), ("result:error+", "result"),
        ("source_status:fresher+", "source_status"), ("tag:state", None), ("statement:x", None), ("my_state", None),
    ],
)  # fmt: skip
def test_methods_that_ask_a_state(criterion: str, method: str | None) -> None:
    for option in ("--select", "--exclude"):
        assert Arguments.parse(["build", option, criterion]).state_methods == ({method} if method else set())


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
        pytest.param(["--select"], ["--select"], id="an option without a value, which dbt refuses"),
        pytest.param(["--selector", "x", "--target", "ci"], ["--selector", "x", "--target", "ci"], id="the rest stays"),
    ],
)
def test_without_a_state_all_that_could_match(arguments: list[str], full: list[str]) -> None:
    assert Arguments.parse(["build", *arguments]).without_state_methods().words == ["build", *full]
