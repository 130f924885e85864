# ruff: noqa: INP001 - mounted into a pod as a single file
"""Deletes task logs that nobody has written to for some days, and the folders that held nothing else.

Usage: clean_logs.py --keep-days DAYS [FOLDER]
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

DAY = 24 * 60 * 60


@dataclass
class Cleaning:
    """What was done.

    Attributes:
        before: Seconds since the epoch; what changed later stays.
        files: Files that were deleted.
        size: Their bytes.
        failures: What could not be deleted, and why.
    """

    before: float
    files: int = 0
    size: int = 0
    failures: list[str] = field(default_factory=list)

    def clean(self, folder: str) -> bool:
        """Cleans a folder. Symbolic links are not followed: they go as files do.

        Returns:
            Whether it is empty now.
        """
        empty = True
        for entry in sorted(os.scandir(folder), key=lambda one: one.name):
            try:
                found = entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    # Its time from before: taking a file out changes it. A folder that was changed lately may be one
                    # that Airflow has just made for a log.
                    gone = self.clean(entry.path) and found.st_mtime < self.before
                    if gone:
                        Path(entry.path).rmdir()
                else:
                    gone = found.st_mtime < self.before
                    if gone:
                        Path(entry.path).unlink()
                        self.files += 1
                        self.size += found.st_size
            except FileNotFoundError:
                continue  # somebody else was quicker
            except OSError as error:
                self.failures.append(str(error))
                gone = False
            empty = empty and gone
        return empty


def main() -> None:
    """Cleans, and says what became of it in one line; exits with 1 where something could not be deleted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep-days", type=int, required=True)
    parser.add_argument("folder", nargs="?", default="/opt/airflow/logs")
    options = parser.parse_args()
    cleaning = Cleaning(before=time.time() - options.keep_days * DAY)
    cleaning.clean(options.folder)
    print(f"Deleted {cleaning.files} logs older than {options.keep_days} days, {cleaning.size / 2**20:.1f} MiB.")
    if cleaning.failures:
        sys.exit(f"{len(cleaning.failures)} could not be deleted, the first: {cleaning.failures[0]}")


if __name__ == "__main__":
    main()
