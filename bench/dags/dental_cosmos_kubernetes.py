"""dental: Cosmos, KUBERNETES."""

from bench.peers.cosmos_group import group

dag = group("dental", "KUBERNETES")
