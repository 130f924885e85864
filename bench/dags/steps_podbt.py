"""Forty short steps at once: DbtOperators."""

from bench.peers.podbt_step import steps

dag = steps("steps_podbt", deferrable=True)
