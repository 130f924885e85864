"""What a run locks: whatever two runs must not make at once."""

from types import SimpleNamespace
from typing import Any

from podbt.runner.database.locks import _written


def test_tables_and_functions_are_locked_and_what_is_not_made_is_not() -> None:
    def node(kind: str, materialized: str) -> Any:
        config = SimpleNamespace(materialized=materialized)
        return SimpleNamespace(resource_type=kind, config=config, database="w", schema="s", alias=None, name=kind)

    nodes = {"model.p.a": node("model", "table"), "model.p.b": node("model", "ephemeral")}
    nodes["test.p.t"] = node("test", "test")
    manifest = SimpleNamespace(nodes=nodes, functions={"function.p.f": node("function", "function")})
    selected = frozenset({*nodes, "function.p.f", "unit_test.p.u"})
    assert set(_written(manifest, selected)) == {("w", "s", "model"), ("w", "s", "function")}
