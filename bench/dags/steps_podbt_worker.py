"""Forty short steps at once: DbtOperators that wait on workers."""

from bench.peers.podbt_step import steps

dag = steps("steps_podbt_worker", deferrable=False)
