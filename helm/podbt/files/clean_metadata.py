# ruff: noqa: INP001 - mounted into a pod as a single file
"""Becomes `airflow db clean` for what is older than some days, since that takes a date and not an age.

Usage: clean_metadata.py --keep-days DAYS --batch-size ROWS [--dry-run]
"""

import argparse
import os
from datetime import UTC, datetime, timedelta


def main() -> None:
    """Replaces this process with Airflow's command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep-days", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    before = datetime.now(UTC) - timedelta(days=options.keep_days)
    command = ["airflow", "db", "clean", f"--clean-before-timestamp={before.isoformat(timespec='seconds')}", "--yes"]
    # Without the first, what was deleted would lie in tables of its own for ever; without the second, a table that
    # could not be cleaned would be a line in a log that nobody reads.
    command += ["--skip-archive", "--error-on-cleanup-failure", f"--batch-size={options.batch_size}"]
    command += ["--dry-run"] if options.dry_run else []
    print(" ".join(command), flush=True)
    os.execvp(command[0], command)  # noqa: S606 - the pod's own arguments


if __name__ == "__main__":
    main()
