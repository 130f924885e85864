"""Artifacts are what dbt's own way of writing them makes, byte for byte."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dbt.artifacts.schemas import base
from dbt_common.clients import system
from dbt_common.utils.encoding import JSONEncoder

from podbt.runner.dbt.seams import patched
from podbt.runner.dbt.written import WRITTEN

NODE = {"name": "ä", "columns": {}, "meta": {1: "one", None: 2.5, False: [1, {"deep": {"deeper": {"deepest": None}}}]}}
VALUES: list[Any] = [
    {},
    [],
    None,
    {"metadata": {"at": datetime(2026, 1, 1, tzinfo=UTC), "share": Decimal("0.5")}, "nodes": {"model.a": NODE}},
    {"nodes": {"model.a": NODE, "model.b": {}, 'quo"ted': "li\nne"}, "disabled": {}, "child_map": {"a": ["b", "c"]}},
    {"by_number": {1: {"a": 1}, 2: {}}, "empty": [{}], "text": "x"},
]


@pytest.mark.parametrize("value", VALUES)
def test_it_is_dbts_text(tmp_path: Path, value: Any) -> None:
    system.write_json(str(tmp_path / "dbt.json"), value)
    with patched(WRITTEN):
        assert base.write_json(str(tmp_path / "new/podbt.json"), value)
    assert (tmp_path / "new/podbt.json").read_bytes() == (tmp_path / "dbt.json").read_bytes()


def test_what_dbt_cannot_write_is_refused_as_by_dbt(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="not JSON serializable") as theirs:
        json.dumps(object(), cls=JSONEncoder)
    with patched(WRITTEN), pytest.raises(TypeError) as ours:
        base.write_json(str(tmp_path / "podbt.json"), {"nodes": {"a": object()}})
    assert str(ours.value)[:20] == str(theirs.value)[:20]
