"""The report of a pull request's build for people: Markdown, as a forge shows it in a comment or a job's summary."""

import html
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from podbt.ci.changes import Change
from podbt.ci.outcome import NOT_PRINTED, Review, Verdict
from podbt.contract.kinds import CHECKS, type_of
from podbt.contract.record import NodeRecord

_ROWS: Final = 50
"""So many of a table are shown: forges cut comments at 65,536 characters."""
_MESSAGE_CHARS: Final = 1500
_SIGNS: Final = {Verdict.PASSED: "✅", Verdict.NOTHING: "✅", Verdict.LISTED: "📋", Verdict.CANCELLED: "⏹️"}


def markdown(review: Review) -> str:
    """The report."""
    return "\n".join(_lines(review)) + "\n"


def _lines(review: Review) -> Iterator[str]:
    yield f"## {_SIGNS.get(review.verdict, '❌')} dbt of pull request {review.pull_request}: {review.verdict}"
    yield ""
    yield _summary(review)
    if review.error:
        yield from ("", f"**{_text(review.error)}**")
    yield from _failures(review.failed)
    yield from _changed("What changed", review.changes.modified)
    yield from _changed("Added, since dbt does not see a changed variable", review.changes.by_variable)
    yield from _table("Built and tested", ("node", "status", "seconds", "usually", "rows"), _built(review))
    if review.verdict is Verdict.LISTED:
        yield from _table("Would be built and tested", ("node",), ([_code(key)] for key in review.selected))
    yield from _table(
        "Skipped", ("node", "why"), ([_code(one.unique_id), _text(one.message or one.status)] for one in review.skipped)
    )
    yield from _table(
        "Incremental models that began with a copy of production's table",
        ("node", "rows copied"),
        ([_code(key), f"{rows:,}"] for key, rows in review.cloned.items()),
    )
    if review.changes.notes:
        yield from ("", "### Worth knowing", "")
        yield from (f"- {_text(note)}" for note in review.changes.notes)
    yield ""
    yield _where(review)


def _summary(review: Review) -> str:
    done = f"{len(review.changes.modified) + len(review.changes.by_variable)} changed"
    if review.whole:
        done = "everything is new, since there is no state to compare with"
    parts = [
        done,
        f"{len(review.selected)} of {review.project_size} nodes to build and test",
        f"{len(review.done)} done",
        f"{len(review.failed)} failed",
        f"{len(review.skipped)} skipped",
    ]
    took = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in review.seconds.items())
    lines = [" · ".join(parts), "", f"Took {took or 'no time'}; the database worked {review.node_seconds:.1f} s."]
    if review.usual_seconds is not None:
        lines[-1] += f" The same nodes take {review.usual_seconds:.1f} s where the state was built"
        whole = review.before.record if review.before else None
        lines[-1] += f", all {len(review.usual)} nodes {sum(review.usual.values()):.1f} s"
        lines[-1] += f" ({whole.seconds:.1f} s by the clock)." if whole else "."
    return "\n".join(lines)


def _failures(failed: Sequence[NodeRecord]) -> Iterator[str]:
    if failed:
        yield from ("", "### Failed")
    for node in failed[:_ROWS]:
        yield from ("", f"{_code(node.unique_id)} {_text(node.status)}", "")
        # Indented, not fenced: a message may hold any fence.
        message = (node.message or "no message")[:_MESSAGE_CHARS].translate(NOT_PRINTED)
        yield from (f"    {line}" for line in message.splitlines())


def _changed(title: str, found: Sequence[Change]) -> Iterator[str]:
    yield from _table(title, ("node", "why"), ([_code(one.unique_id), _text(one.why)] for one in found))


def _built(review: Review) -> Iterator[Sequence[str]]:
    passed = [node for node in review.done if type_of(node.unique_id) in CHECKS and node.status == "pass"]
    for node in review.done:
        if node not in passed:
            usual = review.usual.get(node.unique_id)
            rows = "" if node.rows is None else f"{node.rows:,}"
            known = "" if usual is None else f"{usual:.2f}"
            yield (_code(node.unique_id), _text(node.status), f"{node.seconds:.2f}", known, rows)
    if passed:
        yield (f"{len(passed)} tests", "pass", f"{sum(node.seconds for node in passed):.2f}", "", "")


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    found = list(rows)
    if not found:
        return
    yield from ("", f"### {title}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}")
    yield from (f"| {' | '.join(row)} |" for row in found[:_ROWS])
    if len(found) > _ROWS:
        yield f"| and {len(found) - _ROWS} more |{' |' * (len(head) - 1)}"


def _where(review: Review) -> str:
    if review.kept:
        what = f"schemas {review.schema}… are kept; `podbt ci --pr {review.pull_request} --drop` drops them"
    else:
        what = f"dropped {', '.join(review.dropped)}" if review.dropped else "no schema was made"
    return f"Compared with {_text(review.state)}, on target {_code(review.target)}; {what}."


def _text(text: object) -> str:
    """Any text on one line, as itself: neither HTML nor a cell's end nor Markdown of its own."""
    flat = html.escape(" ".join(str(text).translate(NOT_PRINTED).split()), quote=False)
    return "".join(f"\\{sign}" if sign in "\\|*_`[]#" else sign for sign in flat)


def _code(name: str) -> str:
    return f"`{name.replace('`', '').replace('|', '')}`"
