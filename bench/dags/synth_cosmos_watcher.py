"""synth: Cosmos, WATCHER_KUBERNETES."""

from bench.peers.cosmos_group import group

dag = group("synth", "WATCHER_KUBERNETES")
