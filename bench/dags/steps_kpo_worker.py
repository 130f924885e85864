"""Forty short steps at once: plain KubernetesPodOperators that wait on workers."""

from bench.peers.kpo import steps

dag = steps("steps_kpo_worker", deferrable=False)
