#!/usr/bin/env bash
# Helm 4.3.1
#
# Expected: a relative `$ref` in values.schema.json is relative to that file, as JSON Schema has it: a chart can keep the
# definitions that it shares with others in a file beside it.
# Seen: it is looked for at the root of the machine's file system, whatever the chart's folder and however the chart is
# named. The file beside the schema is packaged, and never read; the chart works on machines that have such a file at /.
# Output:
#   in the package: app/schemas/port.json
#   by its path:    failing loading "file:///schemas/port.json"
#   from inside:    failing loading "file:///schemas/port.json"
#   packaged:       failing loading "file:///schemas/port.json"

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
helm_of v4.3.1
chart app
mkdir app/schemas
echo 'port: 5432' >app/values.yaml
echo '{"type": "integer"}' >app/schemas/port.json
cat >app/values.schema.json <<'JSON'
{"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"port": {"$ref": "schemas/port.json"}}}
JSON

told() {
  if helm template "$1" >helm.out 2>&1; then
    echo rendered
  else
    grep --only-matching --max-count=1 'failing loading "[^"]*"' helm.out
  fi
}

{
  helm package app >helm.txt
  echo "in the package: $(tar --list --file app-1.0.0.tgz | grep port)"
  echo "by its path:    $(told "$folder/app")"
  echo "from inside:    $(cd app && told .)"
  echo "packaged:       $(told app-1.0.0.tgz)"
} | verdict
