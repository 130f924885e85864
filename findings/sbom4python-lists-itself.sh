#!/usr/bin/env bash
# sbom4python 0.12.6
#
# Expected: `sbom4python --system --python OTHER` writes the bill of materials of OTHER's environment, say the one that was
# copied out of an image, as its help says: "use specified Python interpreter".
# Seen: without `--use-pip` the argument is not looked at. It lists the packages of the environment that it is installed in
# itself (xmlschema is one), ends with 0, and the image's bill names none of the image's packages.
# Output:
#   --python:            tabulate missing, xmlschema listed
#   --python --use-pip:  tabulate listed, xmlschema missing

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment sbom4python==0.12.6
python -m venv image
image/bin/pip install --quiet --disable-pip-version-check tabulate==0.9.0

told() {
  sbom4python --system --python "$folder/image/bin/python" "$@" --sbom cyclonedx --format json --output-file bill.json >sbom.txt 2>&1
  for name in tabulate xmlschema; do
    grep --quiet "\"name\": \"$name\"" bill.json && echo "$name listed" || echo "$name missing"
  done | paste --serial --delimiters=, | sed 's/,/, /'
}

{
  echo "--python:            $(told)"
  echo "--python --use-pip:  $(told --use-pip)"
} | verdict
