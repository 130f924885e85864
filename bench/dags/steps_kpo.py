"""Forty short steps at once: plain deferrable KubernetesPodOperators."""

from bench.peers.kpo import steps

dag = steps("steps_kpo", deferrable=True)
