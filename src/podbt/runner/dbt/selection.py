"""Takes part in dbt's selection of nodes."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from podbt.contract.kinds import Command, ResourceType, type_of
from podbt.contract.record import NodeRecord
from podbt.runner.dbt.arguments import EXCLUDE, SELECT, SELECTOR, Arguments
from podbt.runner.dbt.seams import Seam, Seams
from podbt.runner.dbt.selectors import asked, quietly


class Selection:
    """Takes part in dbt's selection of nodes: leaves out what is done, and tells what is left.

    dbt resolves the selection as always, so selectors, state and deferral mean what they mean, and a unit test still
    runs before its model. (`dbt retry` replaces the whole selection by a list and runs unit tests after their models.)
    """

    def __init__(self, *, expect: Callable[[set[str]], None], again: Callable[[set[str]], None]) -> None:
        """Leaves out nothing, yet.

        Args:
            expect: Told which nodes are going to run, whenever dbt has selected some.
            again: Told of nodes that were done and run nevertheless, since something that they read is built again.
        """
        self._done: set[str] = set()
        self._selected: set[str] | None = set()
        self._expect = expect
        self._again = again
        self._without_freshness = False

    def idle(self, arguments: Arguments) -> bool:
        """Whether there is nothing to look at, though nobody's selection is why: no source declares a freshness."""
        chosen = arguments.has(SELECT | EXCLUDE | SELECTOR)
        return arguments.command == Command.SOURCE_FRESHNESS and (self._without_freshness or not chosen)

    def leave_out(self, done: Iterable[NodeRecord]) -> None:
        self._done = {node.unique_id for node in done}

    @property
    def selected(self) -> set[str] | None:
        """What dbt selected, with what is done; None where it asked a state for it."""
        return self._selected

    @property
    def seams(self) -> Seams:
        """Wraps dbt's selector."""
        return {Seam.SELECT: self._selecting, Seam.QUEUE: self._queueing}

    def _selecting(self, select: Callable[..., Any]) -> Callable[..., set[str]]:
        def get_selected(selector: Any, spec: Any, *arguments: Any, **keywords: Any) -> set[str]:
            selected = set(select(selector, spec, *arguments, **keywords))
            self._selected = None if self._selected is None or asked(spec) else self._selected | selected
            if not selected and type(selector).__name__ == "FreshnessSelector":
                matched, _ = selector.select_nodes(quietly(spec))
                self._without_freshness = any(type_of(one) == ResourceType.SOURCE for one in matched)
            inlined = {unique_id for unique_id in selected if _is_ephemeral(selector.manifest.nodes.get(unique_id))}
            left = self.left(selected, selector.full_graph.select_children, inlined=inlined)
            self._expect(left - inlined)
            return left

        return get_selected

    def _queueing(self, initialize: Callable[[Any], None]) -> Callable[[Any], None]:
        def runtime_initialize(task: Any) -> None:
            initialize(task)
            if self._done and not task._flattened_nodes:  # noqa: SLF001
                # dbt runs no hook where nothing is selected, but it may be a hook that the earlier try failed at.
                task._flattened_nodes = _Nothing()  # noqa: SLF001

        return runtime_initialize

    def left(
        self, selected: set[str], children_of: Callable[[set[str]], set[str]], *, inlined: Collection[str] = ()
    ) -> set[str]:
        """What of a selection is to run: all that is not done, and what was built from something that is not.

        Args:
            selected: What dbt selected.
            children_of: All that is built from some nodes, directly or not.
            inlined: Ephemeral models. They live in the SQL of others, so they are never done, and they alone are no
                reason to build those again.
        """
        left = selected - self._done
        if self._done and left:
            children = set(children_of(left.difference(inlined)))
            # A unit test reads nothing that is built: its inputs are its own, and to dbt it is its model's child.
            again = {child for child in children & selected if type_of(child) != ResourceType.UNIT_TEST} - left
            if again:
                self._done -= again
                self._again(again)
            left |= again
        return left


def _is_ephemeral(node: Any) -> bool:
    return node is not None and bool(node.is_ephemeral_model)


class _Nothing(list[Any]):
    """An empty list that dbt does not take for one when it asks whether there is anything to do."""

    def __len__(self) -> int:
        return 1
