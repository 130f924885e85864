"""How to name one node to dbt, and nothing else.

A name alone does not: `--select customers` also means a folder of that name, a package, and every package's node of
that name. dbt has no method for a unique_id, so a node is what has its package, its type and its file, where that holds
one node, or else the end of its fully qualified name.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final, Protocol

from podbt.contract.kinds import CHECKS, ResourceType

_OWN_FILE: Final = frozenset({ResourceType.MODEL, ResourceType.SEED, ResourceType.FUNCTION})
_CODE: Final = frozenset({".sql", ".py"})
_UNSAFE: Final = re.compile(r"[^\w.-]")


class Node(Protocol):
    """What of a plan's node is asked for here."""

    @property
    def name(self) -> str: ...
    @property
    def resource_type(self) -> ResourceType: ...
    @property
    def path(self) -> str: ...
    @property
    def depends_on(self) -> list[str]: ...


def criteria(nodes: Mapping[str, Node], unique_ids: Iterable[str]) -> list[str]:
    """Criteria for dbt's --select, one a node, each of which matches that node alone.

    Two tests of one package may have the same name; then they are told apart by what they read.

    Args:
        nodes: Those of the plan by unique_id.
        unique_ids: Of them.
    """
    alike = Counter(_criterion(unique_id, node) for unique_id, node in nodes.items() if node.resource_type in CHECKS)
    found = []
    for unique_id in unique_ids:
        criterion = _criterion(unique_id, nodes[unique_id])
        if alike[criterion] > 1:
            read = [
                one for one in nodes[unique_id].depends_on if one in nodes and nodes[one].resource_type not in CHECKS
            ]
            criterion = ",".join([criterion, *(f"{_own(nodes[one])}+1" for one in read)])
        found.append(criterion)
    return found


def _criterion(unique_id: str, node: Node) -> str:
    package = unique_id.split(".", 2)[1]
    return f"package:{package},resource_type:{node.resource_type},{_own(node)}"


def _own(node: Node) -> str:
    file = PurePosixPath(node.path)
    # A test that is a query of its own has a file of its own; all others share theirs, as snapshots may.
    single = node.resource_type in _OWN_FILE or (node.resource_type == ResourceType.TEST and file.suffix in _CODE)
    return f"file:{_safe(file.name)}" if single else f"fqn:*.{_safe(node.name)}"


def _safe(text: str) -> str:
    """A text with a wildcard for each character that means something to dbt: a space, a comma, a plus, an asterisk."""
    return _UNSAFE.sub("?", text)
