"""synth: a plain deferrable KubernetesPodOperator."""

from bench.peers.kpo import one

dag = one("synth")
