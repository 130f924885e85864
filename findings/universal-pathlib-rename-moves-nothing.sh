#!/usr/bin/env bash
# universal-pathlib 0.3.10 over obstore 0.12.1, fsspec 2026.9.0
#
# Expected: `folder.rename(target)` moves the folder, or raises. Over fsspec's own memory file system it raises.
# Seen: over obstore nothing is moved, nothing is raised, and the path of the target is returned as if it were there: a
# commit by rename leaves the work where nobody looks for it. With the (deprecated) `recursive=True` everything is copied,
# and then it raises with both trees in place. `move()` does what it says.
# Output:
#   fsspec:  rename           FileNotFoundError             source 2, target 0
#   obstore: rename           returned memory://run/target  source 2, target 0
#   obstore: rename recursive FileNotFoundError             source 2, target 2
#   obstore: move             returned memory://run/target  source 0, target 2

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment universal-pathlib==0.3.10 obstore==0.12.1 fsspec==2026.9.0

cat >rename.py <<'PYTHON'
import os
import sys

if sys.argv[1] == "obstore":
    from obstore.fsspec import register

    register("memory")
from upath import UPath

source, target = UPath("memory:///run/source"), UPath("memory:///run/target")
(source / "a.json").write_text("1")
(source / "sub" / "b.json").write_text("2")
try:
    match sys.argv[2]:
        case "rename":
            end = f"returned {source.rename(target)}"
        case "rename recursive":
            end = f"returned {source.rename(target, recursive=True)}"
        case "move":
            end = f"returned {source.move(target)}"
except Exception as error:
    end = type(error).__name__
files = [len([path for path in folder.rglob("*") if path.is_file()]) for folder in (source, target)]
print(f"{sys.argv[1] + ':':8} {sys.argv[2]:16} {end:29} source {files[0]}, target {files[1]}", flush=True)
os._exit(0)
PYTHON

{
  python rename.py fsspec rename
  python rename.py obstore rename
  python rename.py obstore "rename recursive"
  python rename.py obstore move
} | verdict
