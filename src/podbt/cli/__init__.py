"""The `podbt` command."""

from podbt.cli.main import main

__all__ = ["main"]
