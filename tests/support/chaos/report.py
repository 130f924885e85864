"""What each scenario ended in, as the table that people read."""

from collections.abc import Callable
from dataclasses import astuple, dataclass, fields


@dataclass(frozen=True)
class Row:
    """One scenario."""

    fault: str
    airflow: str
    """The disturbed try's state and the reason of its record."""
    queries_left: int
    artifacts: str
    retry: str
    """What the next try ran, of all nodes."""
    tables: str


_HEADINGS = ("Fault", "Disturbed try", "Queries left", "Artifacts", "The next try ran", "Tables")


class Report:
    """The rows of a session. Each is said as it comes, since a session takes half an hour and may be cut."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._rows: list[Row] = []
        self._say = say

    def add(self, row: Row) -> None:
        self._rows.append(row)
        self._say(f"\n{_line(astuple(row))}")

    def markdown(self) -> str:
        assert len(fields(Row)) == len(_HEADINGS)
        lines = [_HEADINGS, tuple("---" for _ in _HEADINGS), *(astuple(row) for row in self._rows)]
        return "".join(f"{_line(line)}\n" for line in lines)


def _line(cells: tuple[object, ...]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
