"""synth: Cosmos, KUBERNETES."""

from bench.peers.cosmos_group import group

dag = group("synth", "KUBERNETES")
