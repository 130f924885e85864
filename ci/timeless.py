"""timeless.py ARCHIVE SECONDS: writes a .tgz anew, with one time for all that is in it and for itself."""

import gzip
import io
import os
import sys
import tarfile
from pathlib import Path


def main(name: str, seconds: str) -> None:
    file, time = Path(name), int(seconds)
    out = io.BytesIO()
    with (
        tarfile.open(file) as source,
        gzip.GzipFile("", "wb", 9, out, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for entry in sorted(source, key=lambda one: one.name.count("/") + (not one.name.endswith("Chart.yaml"))):
            entry.mtime, entry.pax_headers = time, {}
            target.addfile(entry, source.extractfile(entry) if entry.isreg() else None)
    file.write_bytes(out.getvalue())
    os.utime(file, (time, time))


if __name__ == "__main__":
    main(*sys.argv[1:])
