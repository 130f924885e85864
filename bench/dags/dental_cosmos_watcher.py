"""dental: Cosmos, WATCHER_KUBERNETES."""

from bench.peers.cosmos_group import group

dag = group("dental", "WATCHER_KUBERNETES")
