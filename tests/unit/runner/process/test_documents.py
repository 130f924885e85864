"""A file for programs without secrets is still the file: names, times, hashes and what dbt compares stay."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podbt.runner.process.redact import Redactor

STRONG = "s3cr3t-/+hunter"
MANIFEST: dict[str, Any] = {
    "metadata": {"generated_at": "2026-11-30T04:11:22Z", "env": {"TOKEN": STRONG}},
    "nodes": {
        "model.shop.orders": {
            "unique_id": "model.shop.orders",
            "name": "orders",
            "fqn": ["shop", "orders"],
            "relation_name": '"warehouse"."shop"."orders"',
            "raw_code": "select amount from {{ ref('orders_raw') }} where token = 's3cr3t-/+hunter'",
            "compiled_code": "select amount from orders_raw where token = 's3cr3t-/+hunter' and y = 2026",
            "checksum": {"name": "sha256", "checksum": "ab1234cd2026ef482915734a"},
            "config": {"materialized": "table", "meta": {"password": "orders", "pin": 48291573, "note": "orders"}},
            "unrendered_config": {"materialized": "table", "meta": {"note": "s3cr3t-/+hunter"}},
            "created_at": 1700048291573.5,
        }
    },
    "macros": {"macro.shop.grant": {"unique_id": "macro.shop.grant", "macro_sql": "grant to 's3cr3t-/+hunter'"}},
    "child_map": {"model.shop.orders": ["test.shop.unique_orders"]},
}


def masked(document: Any, secrets: dict[str, str], tmp_path: Any) -> Any:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(document))
    Redactor(secrets).file(file)
    return json.loads(file.read_text())


@pytest.mark.parametrize("word", ["orders", "1", "table", "amount", "2026", "shop", "grant", "select", "1234"])
def test_a_secret_that_is_a_word_of_the_project_harms_nothing(tmp_path: Any, word: str) -> None:
    found = masked(MANIFEST, {word: "WAREHOUSE_PASSWORD"}, tmp_path)
    expected = json.loads(json.dumps(MANIFEST))
    if word == "orders":  # what says of itself that it is one
        expected["nodes"]["model.shop.orders"]["config"]["meta"]["password"] = "*****WAREHOUSE_PASSWORD*****"
    assert found == expected


def test_a_strong_secret_is_nowhere_and_what_stands_for_it_names_it(tmp_path: Any) -> None:
    found = masked(MANIFEST, {STRONG: "TOKEN", "48291573": "PIN"}, tmp_path)
    node = found["nodes"]["model.shop.orders"]
    assert STRONG not in json.dumps(found)
    assert node["compiled_code"].endswith("token = '*****TOKEN*****' and y = 2026")
    assert found["macros"]["macro.shop.grant"]["macro_sql"] == "grant to '*****TOKEN*****'"
    assert node["config"]["meta"]["pin"] == 99999999
    for name in ("checksum", "created_at", "relation_name", "fqn"):
        assert node[name] == MANIFEST["nodes"]["model.shop.orders"][name]


@pytest.mark.parametrize("secret", [STRONG, 'a"b\\c-and-more', "ä-long-one", "hunter2"])
def test_whoever_has_the_secret_puts_it_back(secret: str) -> None:
    redactor = Redactor({secret: "TOKEN"})
    document = {"raw_code": f"a {secret} b", "macro_sql": f"postgresql://u:{secret}@db", "n": 1}
    content = json.dumps(document).encode()
    hidden = redactor._documents.masked(content)
    assert json.loads(hidden) != document
    assert json.loads(redactor.restored(hidden)) == document
    other = Redactor({"another-secret": "OTHER"})
    assert other.restored(hidden) == hidden


def test_an_encoded_secret_is_masked_and_put_back_as_it_was() -> None:
    redactor = Redactor({"p@ss w/rd-1": "TOKEN"})
    document = {"compiled_code": "https://u:p%40ss%20w%2Frd-1@host and p@ss w/rd-1"}
    hidden = redactor._documents.masked(json.dumps(document).encode())
    assert b"p%40ss" not in hidden
    assert b"p@ss" not in hidden
    assert json.loads(redactor.restored(hidden)) == document


def test_what_the_project_says_in_its_manifest_is_a_word_in_the_other_files(tmp_path: Any) -> None:
    redactor = Redactor({"amount": "WAREHOUSE_PASSWORD"})
    results = {"results": [{"unique_id": "model.shop.x", "compiled_code": "select amount"}], "dsn": "password=amount"}
    for name, document in (("manifest.json", MANIFEST), ("run_results.json", results)):
        (tmp_path / name).write_text(json.dumps(document))
        redactor.file(tmp_path / name)
    found = json.loads((tmp_path / "run_results.json").read_text())
    assert found["results"] == results["results"]
    assert found["dsn"] == "password=*****WAREHOUSE_PASSWORD*****"


def test_a_file_that_holds_none_keeps_its_bytes_and_one_cut_short_is_masked_as_text(tmp_path: Any) -> None:
    file = tmp_path / "manifest.json"
    file.write_bytes(b'{"a":   "b"}')
    Redactor({STRONG: "TOKEN"}).file(file)
    assert file.read_bytes() == b'{"a":   "b"}'
    file.write_text(f'{{"a": "{STRONG}", ')
    Redactor({STRONG: "TOKEN"}).file(file)
    assert file.read_text() == '{"a": "*****", '


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.text(min_size=8, max_size=20),
)
def test_any_document_stays_one_and_comes_back(document: Any, secret: str) -> None:
    redactor = Redactor({secret: "TOKEN"})
    content = json.dumps(document).encode()
    hidden = redactor._documents.masked(content)
    json.loads(hidden)
    if not secret.strip().isdigit() and "*****" not in content.decode():
        assert json.loads(redactor.restored(hidden)) == document
