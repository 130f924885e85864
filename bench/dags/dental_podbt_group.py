"""dental: DbtModelGroup."""

from bench.peers.model_group import group

dag = group("dental")
