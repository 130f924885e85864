#!/usr/bin/env bash
# obstore 0.12.1, fsspec 2026.9.0
#
# Expected: `pipe_file(path, value, mode="create")` of an fsspec file system creates the object or raises FileExistsError:
# that is what fsspec's interface says, and what a claim (one of two writers wins) is built on.
# Seen: obstore's file system takes the argument and drops it. The second writer replaces the first one's object and both
# believe they have won, though the store below can create conditionally: obstore's own `put(mode="create")` does.
# Output:
#   fsspec memory:     FileExistsError, holds b'first'
#   fsspec local:      FileExistsError, holds b'first'
#   obstore memory:    no error, holds b'second'
#   obstore local:     no error, holds b'second'
#   obstore.put:       AlreadyExistsError, holds b'first'

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment obstore==0.12.1 fsspec==2026.9.0

cat >claim.py <<'PYTHON'
import os

import fsspec
import obstore
from obstore.fsspec import FsspecStore
from obstore.store import MemoryStore


def told(act):
    try:
        act()
    except Exception as error:
        return type(error).__name__
    return "no error"


here = os.getcwd()
systems = {
    "fsspec memory": (fsspec.filesystem("memory"), "/claim-1"),
    "fsspec local": (fsspec.filesystem("file"), f"{here}/claim-2"),
    "obstore memory": (FsspecStore("memory"), "/claim-3"),
    "obstore local": (FsspecStore("file"), f"{here}/claim-4"),
}
for name, (system, path) in systems.items():
    system.pipe_file(path, b"first", mode="create")
    end = told(lambda: system.pipe_file(path, b"second", mode="create"))
    print(f"{name + ':':18} {end}, holds {system.cat_file(path)}")

store = MemoryStore()
obstore.put(store, "claim", b"first", mode="create")
end = told(lambda: obstore.put(store, "claim", b"second", mode="create"))
print(f"{'obstore.put:':18} {end}, holds {bytes(obstore.get(store, 'claim').bytes())}", flush=True)
PYTHON

python claim.py | verdict
