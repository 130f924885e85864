"""dental: Cosmos, KUBERNETES."""

import airflow.providers.cncf.kubernetes.operators.pod  # noqa: F401 - imported once by the dag-processor, not per parse
from bench.peers.cosmos_group import group

dag = group("dental", "KUBERNETES")
