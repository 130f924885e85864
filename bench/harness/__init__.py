"""Runs the peers side by side and measures them from outside."""
