"""One short step: a plain deferrable KubernetesPodOperator."""

import airflow.providers.cncf.kubernetes.operators.pod  # noqa: F401 - imported once by the dag-processor, not per parse
from bench.peers.kpo import steps

dag = steps("step_kpo", deferrable=True, number=1)
