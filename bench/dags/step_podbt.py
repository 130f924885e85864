"""One short step: a DbtOperator."""

from bench.peers.podbt_step import steps

dag = steps("step_podbt", deferrable=True, number=1)
