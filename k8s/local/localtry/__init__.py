"""`try`: the nightly DAG on this machine's own processes, without containers. Everything is in one folder."""
