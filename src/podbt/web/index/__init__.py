"""The index: what pages ask of all runs at once, in a SQLite file beside the api-server.

Nothing is in it that the store does not have: it may be deleted at any time and is filled again.
"""
