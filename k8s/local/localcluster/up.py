"""`up`."""
from __future__ import annotations
from localcluster.session import Session
def up(session: Session, *, nodes: int, cluster_only: bool) -> int:
    return 0
