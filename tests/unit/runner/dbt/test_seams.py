"""Functions of dbt's are replaced while dbt runs, and are there again afterwards."""

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from podbt.runner.dbt.seams import Seam, patched


def stands_at(seam: Seam) -> Any:
    module, path = seam.value
    owner: Any = import_module(module)
    *classes, name = path.split(".")
    for one in classes:
        owner = getattr(owner, one)
    return inspect.getattr_static(owner, name)


@pytest.mark.parametrize("seam", Seam)
def test_each_is_there_and_comes_back(seam: Seam) -> None:
    before = stands_at(seam)
    given: list[Callable[..., Any]] = []

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        given.append(original)
        return lambda *_: "instead"

    with patched({seam: wrap}):
        replacement = stands_at(seam)
        assert replacement is not before
        assert isinstance(replacement, staticmethod) == isinstance(before, classmethod | staticmethod)
    assert stands_at(seam) is before
    assert getattr(given[0], "__func__", given[0]) == getattr(before, "__func__", before)


def test_what_is_raised_meanwhile_leaves_nothing_behind() -> None:
    before = stands_at(Seam.SELECT)
    with pytest.raises(KeyboardInterrupt), patched({Seam.SELECT: lambda _: print}):
        raise KeyboardInterrupt
    assert stands_at(Seam.SELECT) is before


def test_the_later_of_two_gets_the_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    driver: Any = ModuleType("psycopg2")
    driver.connect = lambda: "real"
    monkeypatch.setitem(sys.modules, "psycopg2", driver)
    first = {Seam.CONNECT: lambda connect: lambda: f"first({connect()})"}
    second = {Seam.CONNECT: lambda connect: lambda: f"second({connect()})"}
    with patched(first, second):
        assert driver.connect() == "second(first(real))"
    assert driver.connect() == "real"


def test_a_driver_may_be_absent_and_dbt_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with patched({Seam.CONNECT: lambda connect: connect}):
        pass
    monkeypatch.setitem(sys.modules, "dbt.graph.selector", None)
    with pytest.raises(ImportError), patched({Seam.SELECT: lambda select: select}):
        pass
