"""A project that is built in production, and pull requests that change it."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from tests.support.dbt_projects import write
from tests.support.forks import Forks, Process
from tests.support.postgres import PASSWORD, Server
from tests.support.runner import Ended, ended

PROJECT = {
    "dbt_project.yml": """
name: shop
profile: shop
version: "1.0"
config-version: 2
vars: {minimum: 1, unread: a}
models: {shop: {+materialized: table}}
""",
    "seeds/codes.csv": "code,label\n1,one\n2,two\n",
    "macros/cents.sql": "{% macro cents(column) %}({{ column }} * 100){% endmacro %}\n",
    "models/orders.sql": "select id, amount from {{ source('raw', 'orders') }} where amount >= {{ var('minimum') }}\n",
    "models/sales.sql": "select count(*) as n, {{ cents('sum(amount)') }} as cents from {{ ref('orders') }}\n",
    "models/labels.sql": "select code, upper(label) as label from {{ ref('codes') }}\n",
    "models/daily.sql": """{{ config(materialized='incremental', unique_key='id') }}
select id, amount from {{ ref('orders') }}
{% if is_incremental() %} where id > (select coalesce(max(id), 0) from {{ this }}) {% endif %}
""",
    "models/schema.yml": """
version: 2
sources:
  - name: raw
    schema: ci_raw
    config: {loaded_at_field: loaded_at, freshness: {error_after: {count: 3, period: day}}}
    tables: [{name: orders}]
models:
  - name: orders
    columns: [{name: id, data_tests: [unique]}]
  - name: labels
    config: {contract: {enforced: true}}
    columns: [{name: code, data_type: integer}, {name: label, data_type: text}]
unit_tests:
  - name: labels_are_loud
    model: labels
    given: [{input: ref('codes'), rows: [{code: 1, label: a}]}]
    expect: {rows: [{code: 1, label: A}]}
""",
}


@dataclass
class PullRequest:
    """A checkout of the project beside production's state."""

    folder: Path
    postgres: Server
    forks: Forks
    artifacts: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def change(self, file: str, old: str, new: str) -> None:
        path = self.project / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def start(self, *arguments: str) -> Process:
        return self.forks.start(*arguments, env=self._environment())

    def run(self, *arguments: str) -> Ended:
        return ended(self.start(*arguments))

    def ci(self, *arguments: str) -> Ended:
        return self.run("ci", "--pr", "7", "--target", "review", "--state", "prod", *arguments)

    def listed(self, *arguments: str) -> set[str]:
        """The names of what a dry run says it would build."""
        said = self.ci("--dry-run", *arguments)
        assert said.code == 0, said.output
        found = [line.split(".") for line in said.output.splitlines() if "would build: " in line]
        # A generic test's id ends in a hash, a unit test's begins with its model.
        return {parts[3] if parts[0].endswith("unit_test") else parts[2] for parts in found}

    def schemas(self) -> list[str]:
        """The pull requests' schemas that are there."""
        found = self.postgres.query(r"select nspname from pg_namespace where nspname like 'ci\_7%' order by 1")
        return [str(name) for (name,) in found]

    def _environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PODBT_", "DBT_", "WAREHOUSE_"))}
        return inherited | {
            "PODBT_PROJECT_DIR": str(self.project),
            "PODBT_SCRATCH": str(self.folder / "scratch"),
            "PODBT_ARTIFACTS": str(self.artifacts),
            "DBT_ENGINE_PROFILES_DIR": str(self.folder / "profiles"),
            "WAREHOUSE_PASSWORD": PASSWORD,
            **self.env,
        }


def checkout(folder: Path, postgres: Server, forks: Forks, artifacts: Path) -> PullRequest:
    """The project as production has it, in a folder of its own."""
    write(folder / "project", PROJECT)
    connection = {
        "type": "postgres", "host": "127.0.0.1", "port": postgres.port, "user": "dbt", "dbname": "warehouse",
        "password": "{{ env_var('WAREHOUSE_PASSWORD') }}", "threads": 2,
    }  # fmt: skip
    schemas = {"prod": "ci_prod", "review": "ci_review"}
    outputs = {target: {**connection, "schema": schema} for target, schema in schemas.items()}
    (folder / "profiles").mkdir(exist_ok=True)
    profiles = yaml.safe_dump({"shop": {"target": "prod", "outputs": outputs}})
    (folder / "profiles/profiles.yml").write_text(profiles)
    artifacts.mkdir(exist_ok=True)
    return PullRequest(folder, postgres, forks, artifacts)


def build_production(folder: Path, postgres: Server, forks: Forks) -> Path:
    """Builds the project in production. Returns the artifact store, which has its state."""
    postgres.query("drop schema if exists ci_raw, ci_prod cascade")
    postgres.query("create schema ci_raw")
    rows = "values (1, 5, now()), (2, 0, now()), (3, 7, now())"
    postgres.query(f"create table ci_raw.orders as select * from ({rows}) as given (id, amount, loaded_at)")
    production = checkout(folder, postgres, forks, folder / "artifacts")
    built = production.run("run", "--", "build", "--target", "prod")
    assert built.code == 0, built.output
    shutil.rmtree(folder / "scratch")
    return production.artifacts
