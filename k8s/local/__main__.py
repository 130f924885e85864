"""Run the local cluster's driver: `python3 k8s/local VERB`. Needs nothing but Python itself."""

import sys

# Before the other imports: an older Python could not even compile them.
if sys.version_info < (3, 11):  # noqa: UP036 - it is this check that says so
    sys.exit("Python 3.11 or newer is needed, this is {}.{}: run `python3.11 k8s/local`.".format(*sys.version_info))

from localcluster.cli import main

sys.exit(main())
