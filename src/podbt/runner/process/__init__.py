"""What the process itself is given and kept to: its environment, its signals, its secrets."""
