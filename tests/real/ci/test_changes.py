"""What a pull request builds: exactly what depends on what it changed, and where dbt's own answer differs."""

import pytest
from tests.support.pull_request import PullRequest

_LABELS = {"labels", "labels_are_loud"}
_ORDERS = {"orders", "sales", "daily", "unique_orders_id"}


@pytest.mark.parametrize(
    ("file", "old", "new", "built"),
    [
        pytest.param("models/labels.sql", "upper(label)", "lower(label)", _LABELS, id="a model"),
        pytest.param("models/orders.sql", "select id", "select id, 1 as one", _ORDERS, id="a model with readers"),
        pytest.param("macros/cents.sql", "* 100", "* 1000", {"sales"}, id="a macro"),
        pytest.param("seeds/codes.csv", "1,one", "1,uno", {"codes"} | _LABELS, id="a seed"),
        pytest.param("models/schema.yml", "data_type: text", "data_type: varchar", _LABELS, id="a contract"),
        pytest.param("models/schema.yml", "schema: ci_raw", "schema: ci_raw2", _ORDERS, id="a source"),
        pytest.param("dbt_project.yml", "minimum: 1", "minimum: 6", _ORDERS, id="a variable"),
        pytest.param("dbt_project.yml", "unread: a", "unread: b", set(), id="a variable that nobody reads"),
        pytest.param("dbt_project.yml", "{+materialized: table}",
                     "{+materialized: table, labels: {+tags: [x]}}", set(), id="a tag, which dbt does not compare"),
        pytest.param("dbt_project.yml", "{+materialized: table}",
                     "{+materialized: table, labels: {+materialized: view}}", _LABELS, id="a config"),
        pytest.param("models/schema.yml", "label: a}", "label: b}", {"labels_are_loud"}, id="a unit test"),
        pytest.param("models/schema.yml", "code: 1, label: A", "code: 1, label: B", {"labels_are_loud"},
                     id="what it expects"),
    ],
)  # fmt: skip
def test_exactly_what_depends_on_a_change(
    pull_request: PullRequest, file: str, old: str, new: str, built: set[str]
) -> None:
    pull_request.change(file, old, new)
    assert pull_request.listed() == built
