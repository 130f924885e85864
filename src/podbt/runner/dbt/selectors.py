"""What selectors mean, as dbt itself resolves them on one graph."""

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

from podbt.runner.dbt.arguments import STATE_METHODS
from podbt.runner.dbt.seams import Seam, Seams

_EVERYTHING: Final = None
"""As dbt's own --select where it is not given."""


def asked(spec: Any) -> set[str]:
    """The methods of a selection that ask a state, wherever in it they are: state, result, source_status."""
    return {method for criterion in _criteria(spec) if (method := str(criterion.method)) in STATE_METHODS}


def at_most(spec: Any, *, included: bool = True) -> Any:
    """The selection as if every node were modified, failed and fresher: what it could match.

    Args:
        spec: dbt's own, which stays as it is.
        included: Whether it selects; what is excluded by its state is excluded in no case.
    """
    from dbt.graph import SelectionDifference, SelectionUnion  # noqa: PLC0415 - slow to import
    from dbt.graph.cli import parse_difference  # noqa: PLC0415

    components = getattr(spec, "components", None)
    if components is None:
        if str(spec.method) not in STATE_METHODS:
            return spec
        return parse_difference(_EVERYTHING, None) if included else SelectionUnion(components=[])
    changed = copy.copy(spec)
    excludes = isinstance(spec, SelectionDifference)
    changed.components = [
        at_most(one, included=included != (excludes and place > 0)) for place, one in enumerate(components)
    ]
    return changed


def quietly(spec: Any) -> Any:
    """The selection without dbt's warning where it matches nothing (since 1.10 that is an argument of dbt's, too)."""
    components = getattr(spec, "components", None)
    if components is None:
        return spec
    changed = copy.copy(spec)
    changed.components, changed.expect_exists = [quietly(one) for one in components], False
    return changed


def _could_match(get: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda config, name: at_most(get(config, name))


AT_MOST: Final[Seams] = {Seam.SELECTOR: _could_match}
"""Lets dbt take selectors for all that they could match, for a run that has no state."""


class Resolver:
    """Resolves selections on the graph of one manifest."""

    def __init__(self, manifest: Any, config: Any) -> None:
        """Builds the graph.

        Args:
            manifest: dbt's, parsed.
            config: dbt's runtime configuration.
        """
        from dbt.compilation import Compiler  # noqa: PLC0415 - slow to import
        from dbt.graph import ResourceTypeSelector  # noqa: PLC0415
        from dbt.task.list import ListTask  # noqa: PLC0415

        self._root = config.project_root
        self._selector = ResourceTypeSelector(
            graph=Compiler(config).compile(manifest, write=False),
            manifest=manifest,
            previous_state=None,
            resource_types=list(ListTask.DEFAULT_RESOURCE_VALUES),
            include_empty_nodes=True,
        )

    def nodes(self, spec: Any) -> set[str]:
        """The unique_ids of what a selection means; for one that asks a state, of all that it could match."""
        from dbt_common.events.contextvars import task_contextvars  # noqa: PLC0415 - as above

        # Without a task of its own around it dbt looks for the `path` method's files in the working directory.
        with task_contextvars(project_root=self._root):
            return set(map(str, self._selector.get_selected(quietly(at_most(spec)))))

    def of_group(self, name: str) -> set[str]:
        """What `--select group:<name>` means."""
        from dbt.graph.cli import parse_difference  # noqa: PLC0415 - as above

        return self.nodes(parse_difference([f"group:{name}"], None))


def _criteria(spec: Any) -> Iterator[Any]:
    components = getattr(spec, "components", None)
    if components is None:
        yield spec
    for one in components or ():
        yield from _criteria(one)
