#!/usr/bin/env bash
# Helm 4.3.1
#
# Expected: `"format": "ipv4"` in values.schema.json is checked, or is not; the line `$schema` says in which dialect the file
# is written.
# Seen: the same keyword is enforced under draft-07 and passed over under 2019-09, 2020-12 and without `$schema`. A chart that
# moves its schema to the newer draft, for `$defs` or `unevaluatedProperties`, loses those checks without a word from
# `helm lint` or `helm template`.
# Output:
#   draft-07:    refused: at '/address': 'not an address' is not valid ipv4
#   2019-09:     accepted
#   2020-12:     accepted
#   no $schema:  accepted

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
helm_of v4.3.1
chart app
echo 'address: not an address' >app/values.yaml

told() {
  cat >app/values.schema.json
  if helm lint app >helm.txt 2>&1 && helm template app >>helm.txt 2>&1; then
    echo accepted
  else
    echo "refused: $(grep --only-matching --max-count=1 "at '/address': .* is not valid ipv4" helm.txt)"
  fi
}

schema='"properties": {"address": {"format": "ipv4"}}'
{
  echo "draft-07:    $(told <<<"{\"\$schema\": \"http://json-schema.org/draft-07/schema#\", $schema}")"
  echo "2019-09:     $(told <<<"{\"\$schema\": \"https://json-schema.org/draft/2019-09/schema\", $schema}")"
  echo "2020-12:     $(told <<<"{\"\$schema\": \"https://json-schema.org/draft/2020-12/schema\", $schema}")"
  echo "no \$schema:  $(told <<<"{$schema}")"
} | verdict
