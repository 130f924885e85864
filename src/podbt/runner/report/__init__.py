"""What a run tells while it lasts: journal, console, events."""
