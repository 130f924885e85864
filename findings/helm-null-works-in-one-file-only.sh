#!/usr/bin/env bash
# Helm 4.3.1
#
# Expected: null takes a default away, and the values.yaml of a parent chart sets a subchart's values as a user's file does:
# that is how an umbrella chart adapts what it wraps.
# Seen: a null for a subchart's key works in a file given by `--values` and on `--set`. In the parent's own values.yaml the
# same lines do nothing: the subchart's default stays, so an umbrella chart cannot take anything away.
# Output:
#   the subchart's defaults:         {"limit":"1Gi","probes":{"port":8080}}
#   null in the parent's values:     {"limit":"1Gi","probes":{"port":8080}}
#   the same lines by --values:      {}
#   the same by --set:               {}

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
helm_of v4.3.1
chart umbrella
chart umbrella/charts/app
printf '%s\n' 'dependencies:' '  - {name: app, version: 1.0.0}' >>umbrella/Chart.yaml
echo '{limit: 1Gi, probes: {port: 8080}}' >umbrella/charts/app/values.yaml
echo 'app: {limit: null, probes: null}' >nulls.yaml

# What the subchart sees, without what Helm adds.
seen_by_app() {
  helm template umbrella --show-only charts/app/templates/values.yaml "$@" |
    sed -n 's/^data: {values: "\(.*\)"}$/\1/p' | sed 's/\\"/"/g; s/"global":{},\?//; s/,}/}/'
}

{
  echo "the subchart's defaults:         $(seen_by_app)"
  cp nulls.yaml umbrella/values.yaml
  echo "null in the parent's values:     $(seen_by_app)"
  rm umbrella/values.yaml
  echo "the same lines by --values:      $(seen_by_app --values nulls.yaml)"
  echo "the same by --set:               $(seen_by_app --set app.limit=null,app.probes=null)"
} | verdict
