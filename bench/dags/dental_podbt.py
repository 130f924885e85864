"""dental: one DbtOperator."""

from bench.peers.podbt_step import one

dag = one("dental")
