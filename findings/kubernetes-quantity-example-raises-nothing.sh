#!/usr/bin/env bash
# kubernetes (the Python client) 36.0.3
#
# Expected: the example in the documentation of `kubernetes.utils.quantity.format_quantity` raises a pod's memory limit by a
# fifth: parse the limit, times 1.2, format it in Gi with `quantize=Decimal(1)`.
# Seen: it does not run, since a Decimal cannot be multiplied by a float. Mended, it gives back the limit that it began
# with, because quantizing rounds to whole Gi: 1Gi stays 1Gi, 2Gi stays 2Gi.
# Output:
#   as documented:            TypeError
#   with Decimal("1.2"):      1Gi -> 1Gi
#   2Gi times 1.2:            2Gi -> 2Gi

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment kubernetes==36.0.3

cat >raise.py <<'PYTHON'
from decimal import Decimal

from kubernetes.utils.quantity import format_quantity, parse_quantity

try:
    format_quantity(parse_quantity("1Gi") * 1.2, suffix="Gi", quantize=Decimal(1))
    print("as documented:            no error")
except TypeError as error:
    print("as documented:           ", type(error).__name__)
for label, limit in (('with Decimal("1.2"):', "1Gi"), ("2Gi times 1.2:", "2Gi")):
    raised = format_quantity(parse_quantity(limit) * Decimal("1.2"), suffix="Gi", quantize=Decimal(1))
    print(f"{label:25} {limit} -> {raised}")
PYTHON

python raise.py | verdict
