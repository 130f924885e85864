"""A manifest's name: its content, without what differs from run to run."""

import hashlib
import json
from typing import Any

import pytest

from podbt.store.manifests import identity_of

STABLE = {"dbt_version": "1.11.0", "project_name": "shop"}
NODES = {"model.shop.a": {"name": "a", "depends_on": {"nodes": []}}, "model.shop.ä": {"raw_code": "select '}{,:\"'"}}


def manifest(*, nodes: Any = NODES, **metadata: Any) -> bytes:
    whole = {"metadata": {**STABLE, **metadata}, "nodes": nodes, "disabled": {}, "selectors": [], "saved": None}
    return json.dumps(whole).encode()


def test_what_differs_from_run_to_run_does_not_count() -> None:
    one = identity_of(manifest(invocation_id="1", generated_at="2026-01-01T00:00:00Z"))
    assert one == identity_of(manifest(invocation_id="2", generated_at="2026-01-02T00:00:00Z"))
    assert one != identity_of(manifest(invocation_id="1", dbt_version="1.11.1"))
    assert one != identity_of(manifest(nodes={**NODES, "model.shop.b": {}}))


def test_manifests_that_are_stored_already_keep_their_names() -> None:
    content = manifest(invocation_id="1")
    rest = content[content.index(b"}") + 1 :]
    assert identity_of(content) == hashlib.sha256(json.dumps(STABLE, sort_keys=True).encode() + rest).hexdigest()


@pytest.mark.parametrize(
    "text", ['{"metadata": {}, "nodes": {"ä": 1}}', ' { "nodes" : { } , "metadata" : { } } \n', "{}"]
)
def test_any_way_of_writing_it_is_read(text: str) -> None:
    assert len(identity_of(text.encode())) == 64


def test_one_that_was_cut_short_is_refused_wherever_that_was() -> None:
    content = manifest()
    for length in range(len(content)):
        with pytest.raises(ValueError):
            identity_of(content[:length])


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"a": 1} {', '{"a": 1,}', "{1: 2}", '{"a": {"b": 1,}}', '{"a" 1}', "{,}"]
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        identity_of(text.encode())
