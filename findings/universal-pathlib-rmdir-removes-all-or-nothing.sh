#!/usr/bin/env bash
# universal-pathlib 0.3.10, fsspec 2026.9.0
#
# Expected: `rmdir()` removes an empty folder and refuses another, as pathlib's does; its documentation says that UPath
# removes non-empty folders too, unless `recursive=False` is given.
# Seen: `recursive=False` cannot remove any folder. It asks for the first entry to see that there is none, and an empty
# folder ends that in StopIteration, a full one in OSError. Code that was written against pathlib has no way to ask for
# pathlib's rmdir: it removes everything, or nothing.
# Output:
#   rmdir() of a full folder:                   removed
#   rmdir(recursive=False) of a full folder:    OSError, still there
#   rmdir(recursive=False) of an empty folder:  StopIteration, still there

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment universal-pathlib==0.3.10 fsspec==2026.9.0

cat >rmdir.py <<'PYTHON'
from upath import UPath


def told(name, folder, **options):
    try:
        folder.rmdir(**options)
        end = ""
    except Exception as error:
        end = f"{type(error).__name__}, "
    print(f"{name:43} {end}{'still there' if folder.exists() else 'removed'}")


full, empty = UPath("memory:///tree/full"), UPath("memory:///tree/empty")
for folder in (full, empty):
    folder.mkdir(parents=True)
(full / "run.json").write_text("{}")
told("rmdir() of a full folder:", full)
full.mkdir(parents=True)
(full / "run.json").write_text("{}")
told("rmdir(recursive=False) of a full folder:", full, recursive=False)
told("rmdir(recursive=False) of an empty folder:", empty, recursive=False)
PYTHON

python rmdir.py | verdict
