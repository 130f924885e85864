# shellcheck shell=bash
# Shared by the findings: a temporary folder, an environment of pinned packages in it, a small dbt project, the verdict.
set -euo pipefail
finding=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export DBT_PROFILES_DIR=$folder PYTHONWARNINGS=ignore

# dbt as most findings use it: on DuckDB, which needs no server.
# shellcheck disable=SC2034
dbt_on_duckdb=(dbt-core==1.11.16 dbt-adapters==1.24.5 dbt-common==1.39.0 dbt-duckdb==1.11.1 duckdb==2.0.1)

# An environment with these packages, first on PATH.
environment() {
  if command -v uv >/dev/null; then
    uv venv --quiet venv && uv pip install --quiet --python venv/bin/python "$@"
  else
    "${PYTHON:-python3}" -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check "$@"
  fi
  export PATH=$folder/venv/bin:$PATH
}

# Helm of this version, first on PATH; built from its Go module, whose caches stay where Go has them.
helm_of() {
  mkdir -p bin
  GOBIN=$folder/bin go install "helm.sh/helm/v4/cmd/helm@$1"
  export PATH=$folder/bin:$PATH
}

# A chart that shows its values, in a folder of this name.
chart() {
  mkdir -p "$1/templates"
  printf '%s\n' 'apiVersion: v2' "name: $(basename "$1")" 'version: 1.0.0' >"$1/Chart.yaml"
  cat >"$1/templates/values.yaml" <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: values}
data: {values: {{ .Values | toJson | quote }}}
YAML
}

# A dbt project on a DuckDB file, with the schemas dev and prod as targets.
dbt_project() {
  mkdir -p models
  printf '%s\n' 'name: shop' 'profile: shop' 'flags: {send_anonymous_usage_stats: false}' >dbt_project.yml
  cat >profiles.yml <<'YAML'
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: warehouse.duckdb, schema: dev, threads: 1}
    prod: {type: duckdb, path: warehouse.duckdb, schema: prod, threads: 1}
YAML
}

# Runs dbt, keeps its words in a file, and prints how it ended.
dbt_ends() {
  local code=0
  dbt "$@" >>dbt.txt 2>&1 || code=$?
  echo "exit code $code"
}

# The rows of a query, one a line.
query() {
  python -c 'import duckdb, sys
for row in duckdb.connect("warehouse.duckdb").execute(sys.argv[1]).fetchall(): print(*row)' "$1"
}

# Compares what comes in with the output that the finding states below "# Output:".
verdict() {
  local seen stated
  seen=$(cat)
  stated=$(sed -n '/^# Output:$/,/^$/s/^#   //p' "$finding")
  echo "$seen"
  if [ "$seen" != "$stated" ]; then
    diff <(echo "$stated") <(echo "$seen") >&2 || true
    echo "$(basename "$finding"): the behaviour has changed" >&2
    [ ! -f dbt.txt ] || tail -20 dbt.txt >&2
    exit 1
  fi
}
