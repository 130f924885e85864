# The commands of podbt. Everything that CI runs is a target here.
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Where it is set, every process of the tests would compile dbt or Airflow anew, which doubles their time.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
PROJECT ?= dbt_dental_models
TAG ?=
SECRETS ?=
DBT ?=
PY ?=
IMAGE ?=
NODES ?= 1
PYTEST_ARGS ?=
BENCH_ARGS ?=
CONFIG ?= promotion.yaml
TO ?=
DIGEST ?=
REVISION ?=
WAIT ?= 0
DRY_RUN ?=
UPGRADE ?=
LINES ?= 3.2 3.3

BIN := .venv/bin
LOCAL := $(PYTHON) k8s/local
RELEASES := $(patsubst requirements/dbt-%.txt,%,$(wildcard requirements/dbt-*.txt))
PYTHONS := 3.11 3.12 3.13

# Of make's own command line alone, since a shell's environment may have an ENV, too; make exports these to the recipe.
of_TARGETS = --targets "$$TARGETS"
of_VARS = --vars "$$VARS"
of_ENV = --env "$$ENV"
of_DEPS = --deps "$$DEPS"

image_NAMED = $(if $(DIGEST),--digest "$(DIGEST)") $(if $(REVISION),--revision "$(REVISION)")

##@ Run

.PHONY: try
try: ## A first taste: dental_nightly with processes alone, without containers; everything in .try
	@$(LOCAL) try

.PHONY: try-down
try-down: ## Stop what `try` started and remove .try
	@$(LOCAL) try-down

.PHONY: up
up: ## Bring up a local Kubernetes with everything in it and run dental_nightly (NODES=3 for three nodes)
	@$(LOCAL) up --nodes $(NODES)

.PHONY: down
down: ## Delete the local cluster and stop the Docker daemon that `up` started
	@$(LOCAL) down

.PHONY: purge
purge: ## As down, and remove the cache folder and the images too
	@$(LOCAL) down --all

.PHONY: status
status: ## Say what of the local cluster is there
	@$(LOCAL) status

.PHONY: image
image: ## Build the dbt image of a project: make image PROJECT=../their_project [TAG=name:1] [DBT=1.10] (docs/your-project.md)
	@$(LOCAL) image --project $(PROJECT) $(if $(TAG),--tag $(TAG)) $(if $(SECRETS),--secrets $(SECRETS)) \
	  $(if $(DBT),--dbt $(DBT)) \
	  $(foreach name,TARGETS VARS ENV DEPS,$(if $(findstring command,$(origin $(name))),$(of_$(name))))

.PHONY: load
load: ## Copy an image into the local cluster: make load IMAGE=name:1
	@$(LOCAL) load $(IMAGE)

##@ Release

.PHONY: release
release: .venv/release/.synced promotion-tools ## Build the image of this commit, try it, push it, sign it: once (docs/promotion.md)
	@revision=$$(git rev-parse HEAD); \
	  $(LOCAL) image --project $(PROJECT) --tag podbt-release:$$revision --of-commit; \
	  eval "$$($(LOCAL) env --docker)"; \
	  .venv/release/bin/podbt release --config $(CONFIG) --image podbt-release:$$revision $(if $(DRY_RUN),--dry-run)

.PHONY: reproduce
reproduce: .venv/release/.synced ## Build the image of this commit twice, without a cache the second time, and say what differs
	@revision=$$(git rev-parse HEAD); \
	  $(LOCAL) image --project $(PROJECT) --tag podbt-release:$$revision --of-commit; \
	  $(LOCAL) image --project $(PROJECT) --tag podbt-again:$$revision --of-commit --no-cache; \
	  eval "$$($(LOCAL) env --docker)"; \
	  .venv/release/bin/podbt compare-images podbt-release:$$revision podbt-again:$$revision

.PHONY: promote
promote: .venv/release/.synced promotion-tools ## Bring an image to a stage: make promote TO=staging [DIGEST= or REVISION=] [DRY_RUN=1]
	@.venv/release/bin/podbt promote --config $(CONFIG) --to "$(TO)" --wait $(WAIT) $(image_NAMED) $(if $(DRY_RUN),--dry-run)

.PHONY: rollback
rollback: .venv/release/.synced promotion-tools ## Bring a stage back: make rollback TO=prod [DIGEST=sha256:…] [DRY_RUN=1]
	@.venv/release/bin/podbt rollback --config $(CONFIG) --to "$(TO)" --wait $(WAIT) $(image_NAMED) $(if $(DRY_RUN),--dry-run)

.PHONY: scan
scan: .venv/release/.synced ## Ask an index of vulnerabilities about all that the images install
	.venv/release/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
	  $(foreach name,dbt-1.11 airflow,--requirement requirements/$(name).txt)

.PHONY: dist
dist: .venv/release/.synced ## Build what a release of podbt consists of into dist: wheel, source distribution, chart
	@ci/dist

.PHONY: promotion-tools
promotion-tools:
	@ci/promotion-tools

##@ Check

.PHONY: test
test: ## What CI runs: lint, types, unit, dbt project, chart and pod, DAGs, then end to end on kind
	@$(MAKE) lint
	@$(MAKE) types
	@$(MAKE) up # before the tests: on a machine without helm, this is what provides it
	@$(MAKE) test-fast
	@$(MAKE) e2e

.PHONY: check
check: lint types test-fast ## Everything that needs no cluster

.PHONY: lint
lint: venv docs ## Ruff, shellcheck, yamllint and sqlfluff; the forges' files; what is generated; the pages and their links
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/shellcheck --external-sources --source-path=SCRIPTDIR $$(git ls-files | xargs grep -lE '^#!(/bin/(ba)?sh|/usr/bin/env (ba)?sh)')
	$(BIN)/yamllint --strict .
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci .gitlab-ci.yml
	$(BIN)/yamllint --strict -c dbt_dental_models/.yamllint.yml dbt_dental_models
	cd dbt_dental_models && ../$(BIN)/sqlfluff lint --processes 0 .
	$(BIN)/python helm/generate.py --check
	$(BIN)/python docs/regions.py --check

# Without --fresh-env a page that was read once would not be warned of again.
.PHONY: docs
docs: .venv/docs/.synced ## Build docs/ into a site, dist/docs; a link that leads nowhere is an error
	@rm -rf dist/docs
	.venv/docs/bin/sphinx-build --builder html --fresh-env --nitpicky --fail-on-warning --keep-going --quiet docs dist/docs
	@! grep -rnE '(<(script|img|iframe)[^>]* src=|<link[^>]* href=|@import |url\()["'"'"']?(https?:)?//' dist/docs --include='*.html' --include='*.css' || \
	  { echo "make: the site must be readable without a network; the lines above load from elsewhere." >&2; exit 1; }

.PHONY: format
format: venv ## Let Ruff format and mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

.PHONY: types
types: venv ## Mypy, strict
	$(BIN)/mypy src dags docs tests helm dbt_dental_models/demo_data
	$(BIN)/mypy --config-file k8s/local/mypy.ini k8s/local
	$(BIN)/mypy bench

.PHONY: test-fast
test-fast: venv postgres store-servers promotion-tools .venv/release/.synced ## All tests that need no cluster
	$(BIN)/pytest -m "not e2e and not chaos and not long and not browser" --numprocesses auto --dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: test-dbt
test-dbt: venv postgres store-servers ## The tests of what runs dbt on each dbt that an image can have (DBT=1.9 for one, PY=3.13 for another Python)
	@for release in $(or $(DBT),$(RELEASES)); do \
	  folder=.venv/dbt-$$release$(if $(PY),-python-$(PY)); \
	  requirements/environment $$folder "$(PY)" build test dbt-$$release; \
	  $$folder/bin/podbt --version; \
	  $$folder/bin/pytest -m "not long" --numprocesses auto --dist loadscope --no-loadscope-reorder \
	    tests/real/runner tests/unit/runner tests/unit/contract tests/unit/store $(PYTEST_ARGS); \
	done

.PHONY: test-python
test-python: venv postgres store-servers ## The tests of podbt's parts, and a few runs of dbt, on each Python (PY=3.13 for one)
	@for version in $(or $(PY),$(PYTHONS)); do \
	  folder=.venv/python-$$version; \
	  requirements/environment $$folder $$version dev; \
	  $$folder/bin/podbt --version; \
	  $$folder/bin/pytest -m "not long" --numprocesses auto --dist loadscope --no-loadscope-reorder \
	    tests/unit/contract tests/unit/store tests/unit/pod tests/unit/runner tests/unit/cli tests/unit/airflow tests/dags \
	    tests/real/runner/test_run.py tests/real/runner/dbt/test_baked_runs.py $(PYTEST_ARGS); \
	done

.PHONY: test-airflow
test-airflow: venv postgres ## Operators, DAG files and a real scheduler on each Airflow that podbt runs on (LINES=3.2 for one)
	@for line in $(LINES); do \
	  folder=.venv; \
	  if [ "$$line" != 3.3 ]; then folder=.venv/airflow-$$line; requirements/environment $$folder "$(PY)" airflow-$$line; fi; \
	  $$folder/bin/python -m pytest --numprocesses auto --dist loadscope --no-loadscope-reorder \
	    tests/unit/airflow tests/dags tests/real/airflow/test_scheduler.py $(PYTEST_ARGS); \
	done

.PHONY: e2e
e2e: venv ## End-to-end tests on the cluster that `up` leaves
	eval "$$($(LOCAL) env)" && $(BIN)/pytest -m "e2e and not long" tests/e2e $(PYTEST_ARGS)

.PHONY: e2e-existing
e2e-existing: venv ## podbt beside an Airflow 3.2 that is not ours, from installation to its first green step (docs/existing-airflow.md)
	eval "$$($(LOCAL) env)" && $(BIN)/pytest -m e2e -s tests/e2e/test_existing_airflow.py $(PYTEST_ARGS)

.PHONY: test-long
test-long: venv postgres ## What takes longest: cleared model tasks, the Docker runtime, resumed tries of the whole project
	eval "$$($(LOCAL) env)" && $(BIN)/pytest -m long $(PYTEST_ARGS)

.PHONY: test-browser
test-browser: venv ## The run pages in Chromium, inside a real Airflow, over 1,000 runs of 500 nodes
	@command -v chromium >/dev/null || { echo "make: these tests need Chromium (Debian: apt-get install chromium)." >&2; exit 1; }
	$(BIN)/pytest -m browser tests/browser $(PYTEST_ARGS)

.PHONY: chaos
chaos: venv ## End pods, nodes and databases while dbt runs, and print what came of it (about half an hour)
	eval "$$($(LOCAL) env)" && $(BIN)/pytest -m chaos tests/chaos $(PYTEST_ARGS)

.PHONY: bench
bench: venv ## Measure podbt and its peers side by side on the cluster that `up` leaves (BENCH_ARGS=--help)
	PYTHONPATH=$(CURDIR)/k8s/local $(BIN)/python -m bench $(BENCH_ARGS)

.PHONY: bench-runner
bench-runner: venv postgres ## Measure what podbt's runner adds to dbt, and the way to the first node (no cluster)
	$(BIN)/python -m bench.runner_overhead $(BENCH_ARGS)

.PHONY: bench-plan
bench-plan: venv postgres ## Measure an image's plan of 4,922 nodes beside dbt parse, and the way to the first node (no cluster)
	$(BIN)/python -m bench.plan_cost $(BENCH_ARGS)

.PHONY: bench-parse
bench-parse: venv ## Measure the parse of a DAG file beside Cosmos (no cluster)
	$(BIN)/python -m bench.parse $(BENCH_ARGS)

.PHONY: bench-group
bench-group: venv postgres ## Measure what model groups by their size, and many steps at once, cost Airflow (no cluster)
	$(BIN)/python -m bench.group_scale $(BENCH_ARGS)

.PHONY: bench-ci
bench-ci: venv ## Measure what pull requests build beside a full build (no cluster)
	$(BIN)/python -m bench.slim_ci $(BENCH_ARGS)

.PHONY: bench-page
bench-page: venv ## Measure the run pages over 1,000 runs of 500 nodes on a volume (no cluster)
	$(BIN)/python -m bench.page $(BENCH_ARGS)

.PHONY: lock
lock: venv ## Compile the requirements anew (UPGRADE=name raises one package)
	PATH="$(CURDIR)/$(BIN):$$PATH" requirements/compile $(if $(UPGRADE),--upgrade-package $(UPGRADE))

##@ Help

.PHONY: help
help: ## Print this
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

# What the targets above stand on.

.PHONY: venv
venv: .venv/.synced

.venv/.synced: requirements/build.txt requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: needs Python 3.11 or newer: install it, or set PYTHON." >&2; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv || { echo "make: needs Python's venv module (Debian: apt-get install python3-venv)." >&2; exit 1; }
	@[ -x $(BIN)/uv ] || $(BIN)/python -m pip install --quiet --require-hashes -r requirements/build.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv/docs/.synced: requirements/docs.txt .venv/.synced
	@[ -x .venv/docs/bin/python ] || $(BIN)/uv venv --quiet --python $(BIN)/python .venv/docs
	$(BIN)/uv pip sync --quiet --python .venv/docs/bin/python --require-hashes requirements/docs.txt
	@touch $@

.venv/release/.synced: requirements/release.txt .venv/.synced
	@[ -x .venv/release/bin/python ] || $(BIN)/uv venv --quiet --python $(BIN)/python .venv/release
	$(BIN)/uv pip sync --quiet --python .venv/release/bin/python --require-hashes requirements/release.txt
	$(BIN)/uv pip install --quiet --python .venv/release/bin/python --no-deps --editable .
	@touch $@

.PHONY: store-servers
store-servers:
	@tests/support/store-servers

.PHONY: postgres
postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || { \
	  echo "make: the tests need PostgreSQL's server programs (Debian: apt-get install postgresql)." >&2; exit 1; }
	@PATH="$$PATH:/usr/sbin" command -v pgbouncer >/dev/null || { \
	  echo "make: the tests need PgBouncer (Debian: apt-get install pgbouncer)." >&2; exit 1; }
