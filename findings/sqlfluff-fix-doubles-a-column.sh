#!/usr/bin/env bash
# sqlfluff 4.4.0
#
# Expected: `sqlfluff fix` changes how SQL is written, and not what it gives.
# Seen: its rule ST07 turns USING into ON. With `select *` that doubles the key: USING merges the two columns into one, ON
# keeps both. A model that is built as a table is then refused for a column that it has twice (PostgreSQL), or gets one
# with an invented name (SQLite, DuckDB). The rule is among those that run when none are chosen.
# Output:
#   rules that changed it: ST07
#   fixed:  select * from orders inner join customers on orders.id = customers.id
#   before: id, amount, name
#   after:  id, amount, id, name

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment sqlfluff==4.4.0

echo 'select * from orders inner join customers using (id)' >model.sql
cat >columns.py <<'PYTHON'
import sqlite3
import sys

database = sqlite3.connect(":memory:")
database.executescript("create table orders (id, amount); create table customers (id, name);")
print(", ".join(column[0] for column in database.execute(open(sys.argv[1]).read()).description))
PYTHON

{
  cp model.sql fixed.sql
  sqlfluff fix --dialect postgres --quiet fixed.sql >sqlfluff.txt 2>&1 || true
  echo "rules that changed it: $(sqlfluff lint --dialect postgres --format json model.sql | python -c 'import json, sys
print(*(one["code"] for one in json.load(sys.stdin)[0]["violations"] if one.get("fixes")))')"
  echo "fixed:  $(cat fixed.sql)"
  echo "before: $(python columns.py model.sql)"
  echo "after:  $(python columns.py fixed.sql)"
} | verdict
