"""What a run leaves behind: its files, its target's pointers."""
