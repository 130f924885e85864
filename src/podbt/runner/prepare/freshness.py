"""Freshness as a gate: before a step builds, its sources are looked at, and what is too old is not built on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from podbt.contract.exits import ExitReason
from podbt.contract.kinds import Command, FreshnessMode, NodeStatus, type_of
from podbt.contract.record import Failure, shorten
from podbt.runner.dbt.arguments import EXCLUDE, FILTERS, SELECT, SELECTOR, STATE, TARGET, Arguments
from podbt.runner.dbt.manifest import descendants, nodes_of, runnable_nodes
from podbt.runner.prepare.sources import Sources

_NAMED = 5
_LINE_CHARS = 700
_SHARED = TARGET | {"--profile", "--profiles-dir", "--vars", "--threads"}
_LISTED = _SHARED | FILTERS | STATE | {"--defer", "--favor-state", "--indirect-selection"}
_NOT_LISTED = frozenset({"--empty", "--sample", "--event-time-start", "--event-time-end"})


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What stale sources mean for a step.

    Attributes:
        arguments: dbt's arguments, without what descends from a source that is too old.
        stale: Sources that are older than one of their limits, or could not be asked.
        left_out: unique_ids of selected nodes that will not run.
        refusal: Why nothing may run at all.
    """

    arguments: Arguments
    stale: list[Failure] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    refusal: tuple[ExitReason, str | None] | None = None

    def lines(self) -> Iterator[str]:
        """What the log says of it."""
        for source in self.stale:
            yield f"{source.status}: {source.unique_id}: {source.message}"
        if self.left_out:
            yield f"Left out, since they build on sources that are too old: {', '.join(self.left_out)}"


def freshness_arguments(arguments: Arguments) -> Arguments:
    """The command that measures the sources for a step: same target, same vars, all sources."""
    # Without a selection dbt takes the default one of selectors.yml, which may have no source in it.
    return Arguments.parse(["source", "freshness", "--select", "source:*", *arguments.only(_SHARED).words])


def list_arguments(arguments: Arguments) -> Arguments:
    """The command that lists what a step's selection matches."""
    kept = arguments.only(_LISTED - _NOT_LISTED).words
    return Arguments.parse(["ls", *kept, "--output", "json", "--output-keys", "unique_id"])


def judge(
    arguments: Arguments,
    sources: Sources,
    *,
    mode: FreshnessMode,
    manifest: Callable[[], Mapping[str, Any]],
    selected: Callable[[], set[str]],
) -> Verdict:
    """Decides what may run.

    Args:
        arguments: dbt's arguments.
        sources: How fresh the sources are.
        mode: What a source that is too old means.
        manifest: Gives dbt's manifest; only asked where a source is too old.
        selected: Gives the unique_ids that the selection matches, as dbt resolves it; only asked where a source is too
            old. Without a selection it may be the default one of selectors.yml, which a target may choose.
    """
    stale = [result.failure() for result in sources.results if result.status != NodeStatus.PASS]
    too_old = [result.failure() for result in sources.results if result.too_old]
    same = Verdict(arguments=arguments, stale=stale)
    if not too_old:
        return same
    known = manifest()
    whole = runnable_nodes(known)
    asked = selected() & whole
    kinds = Command(arguments.command).runs if arguments.command in set(Command) else None
    runs = {node for node in asked if kinds is None or type_of(node) in kinds}
    left_out = sorted(runs & descendants(known, (source.unique_id for source in too_old)))
    if not left_out:
        return same
    names = "; ".join(f"{source.unique_id}: {source.message}" for source in too_old[:_NAMED])
    more = f" (and {len(too_old) - _NAMED} more)" if len(too_old) > _NAMED else ""
    if mode == FreshnessMode.GATE:
        why = f"{len(left_out)} of {len(runs)} selected nodes build on sources that are too old, so nothing ran: "
    elif len(left_out) == len(runs):
        why = f"All {len(runs)} selected nodes build on sources that are too old, so nothing ran: "
    else:
        by_default = not arguments.has(SELECT | EXCLUDE) and asked != whole
        by_selector = arguments.has(SELECTOR) or by_default
        keep = sorted(runs - set(left_out)) if by_selector else None
        changed = _excluding(arguments, known, too_old, keep=keep)
        return Verdict(arguments=changed, stale=stale, left_out=left_out)
    refusal = ExitReason.NODE_FAILURE, shorten(why + names + more, _LINE_CHARS)
    return Verdict(arguments=arguments, stale=stale, refusal=refusal)


def _excluding(
    arguments: Arguments, manifest: Mapping[str, Any], too_old: Iterable[Failure], *, keep: Sequence[str] | None
) -> Arguments:
    """The arguments without what descends from some sources; with `keep`, with these nodes alone."""
    if keep is None:
        below = [f"source:{_dotted(manifest, source.unique_id)}+" for source in too_old]
        return arguments.without(EXCLUDE).plus("--exclude", *arguments.values(EXCLUDE), *below)
    # dbt ignores --exclude beside --selector, and the default selector beside --exclude.
    nodes = nodes_of(manifest)
    names = ["fqn:" + ".".join(nodes[unique_id]["fqn"]) for unique_id in keep]
    rest = arguments.without(SELECTOR | {"--indirect-selection"} | SELECT | EXCLUDE)
    return rest.plus("--select", *names, "--indirect-selection", "empty")


def _dotted(manifest: Mapping[str, Any], unique_id: str) -> str:
    source = manifest["sources"][unique_id]
    return f"{source['package_name']}.{source['source_name']}.{source['name']}"
