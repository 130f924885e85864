"""Forty short steps at once: plain deferrable KubernetesPodOperators."""

import airflow.providers.cncf.kubernetes.operators.pod  # noqa: F401 - imported once by the dag-processor, not per parse
from bench.peers.kpo import steps

dag = steps("steps_kpo", deferrable=True)
