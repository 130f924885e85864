"""Pure functions about pods: Settings and Step in, V1Pod out; a pod's state in, what it means out."""
