"""Several dbt commands in one container, in order, each with a record of its own."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from itertools import takewhile
from typing import Final

from podbt.contract.exits import ExitCode, ExitReason
from podbt.contract.kinds import Command, RunStatus
from podbt.contract.record import CommandSummary, Summary
from podbt.contract.step import ALWAYS, THEN
from podbt.errors import ConfigError
from podbt.runner.dbt.arguments import Arguments
from podbt.runner.prepare.skew import baked_plan
from podbt.runner.process.environment import Environment
from podbt.runner.process.interrupts import Interrupts
from podbt.runner.report.termination import Termination
from podbt.store import tries
from podbt.store.alive import is_alive

_JOINS: Final = frozenset({THEN, ALWAYS})
_ORDER: Final = (ExitReason.SUCCESS, ExitReason.WARNINGS)
_MAX_FAILURES: Final = 20


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of them.

    Attributes:
        always: Whether it runs also where the one before it failed.
    """

    arguments: Arguments
    always: bool = False

    @property
    def line(self) -> str:
        return " ".join(self.arguments.words)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How one of them ended."""

    told: CommandSummary
    summary: Summary
    code: int


def parse(words: Sequence[str]) -> list[Part]:
    """Dbt's arguments, with && or ; between those of one command and the next, as a shell has it.

    Raises:
        ConfigError: One of these marks has no command beside it.
    """
    found: list[list[str]] = [[]]
    marks = [ALWAYS]
    for word in words:
        if word in _JOINS:
            marks.append(word)
            found.append([])
        else:
            found[-1].append(word)
    if len(found) > 1 and not all(found):
        raise ConfigError("'&&' and ';' stand between two dbt commands; one of them is missing.")
    commands = [part[part[:1] == ["dbt"] :] for part in found]  # as people type it, and as Cosmos passes it
    return [
        Part(arguments=Arguments.parse(part), always=mark == ALWAYS) for part, mark in zip(commands, marks, strict=True)
    ]


def run_in_order(
    commands: Sequence[Part],
    environment: Environment,
    interrupts: Interrupts,
    *,
    one: Callable[[Arguments, Environment], int],
    hide: Callable[[str], str],
) -> int:
    """Runs commands one after the other.

    A try goes on behind the commands that an earlier try of the task instance ended well, up to the first that it did
    not; that one resumes by itself. Where all of them had, somebody asked for all of them again.

    Args:
        commands: Two at least.
        environment: Of the container.
        interrupts: A signal stops the command that runs, and keeps the others from running.
        one: Runs a single command, and leaves its summary in the termination log.
        hide: Takes secrets out of a text.

    Returns:
        The process's exit code.
    """
    done = _done_before(commands, environment, interrupts, hide)
    ended: list[Ended] = []
    for number, command in enumerate(commands, 1):
        said = f"podbt: command {number} of {len(commands)}"
        if interrupts.requested:
            ended.append(_stopped(command, hide))
            break
        if earlier := done.get(number):
            print(f"{said} ended well in try-{earlier.start.identity.try_number}: {hide(command.line)}", flush=True)
            ended.append(_before(command, earlier, hide))
            continue
        if not command.always and ended and ended[-1].code != ExitCode.OK:
            print(f"{said} is not run, since the one before it failed: {hide(command.line)}", flush=True)
            continue
        print(f"{said}: {hide(command.line)}", flush=True)
        part = replace(environment, identity=environment.identity.model_copy(update={"part": number}))
        if environment.termination_log is not None:
            environment.termination_log.write_text("")  # until this command has an end, the one before it is none
        told = dict(os.environ)
        code = one(command.arguments, part)
        interrupts.watch(lambda: None)  # what the command has watched by is over
        _restore(told)
        ended.append(_ended(command, code, environment, hide))
    if environment.termination_log is None:
        return next((one.code for one in ended if one.code != ExitCode.OK), ExitCode.OK)
    summary = combined(ended)
    Termination(environment.termination_log).leave(summary)
    return summary.exit_reason.exit_code


def _restore(told: Mapping[str, str]) -> None:
    """Takes back what the command has told dbt by the environment: some of it is for one command alone.

    All else stays untouched. A thread of the command may still read the environment, the one that a signal wakes with
    it, and would for a moment find none.
    """
    for name in os.environ.keys() - told.keys():
        del os.environ[name]
    os.environ |= {name: value for name, value in told.items() if os.environ.get(name) != value}


def combined(ended: Sequence[Ended]) -> Summary:
    """One summary of several commands: that of the first that failed, with what all of them did."""
    parts = [one.summary for one in ended]
    failed = [one for one in ended if one.summary.status == RunStatus.FAILED]
    ran = [one for one in parts if one.exit_reason is not ExitReason.NOTHING_TO_DO]
    reason = (
        failed[0].summary.exit_reason
        if failed
        else max((one.exit_reason for one in ran), key=_ORDER.index, default=ExitReason.NOTHING_TO_DO)
    )
    counts: dict[str, int] = {}
    for part in parts:
        for status, count in part.counts.items():
            counts[status] = counts.get(status, 0) + count
    shown = failed[0].summary if failed else (ran or parts)[-1]
    more = f" ({len(failed)} of {len(ended)} commands failed)" if len(failed) > 1 else ""
    return Summary(
        status=reason.status,
        exit_reason=reason,
        error=f"{failed[0].told.command}: {shown.error or reason}{more}" if failed else None,
        counts=counts,
        failures=[failure for part in parts for failure in part.failures][:_MAX_FAILURES],
        artifacts=shown.artifacts,
        target=next((part.target for part in reversed(parts) if part.target), None),
        seconds=round(sum(part.seconds for part in parts), 3),
        stale=list(dict.fromkeys(source for part in parts for source in part.stale)),
        left_out=sum(part.left_out for part in parts),
        notes=[f"{one.told.command}: {note}" for one in ended for note in one.summary.notes],
        commands=[one.told for one in ended],
    )


def _ended(command: Part, code: int, environment: Environment, hide: Callable[[str], str]) -> Ended:
    """What a command has left; one that could not even do that has lost its end."""
    log = environment.termination_log
    try:
        summary = Summary.parse_json(log.read_text(encoding="utf-8"), source="summary") if log else None
    except (OSError, ConfigError):
        summary = None
    if summary is None:
        reason = ExitReason.SUCCESS if code == ExitCode.OK else ExitReason.LOST
        error = None if code == ExitCode.OK else f"It ended with code {code} and left no summary."
        summary = Summary(status=reason.status, exit_reason=reason, error=error)
    return Ended(
        told=CommandSummary(command=hide(command.line), exit_reason=summary.exit_reason, artifacts=summary.artifacts),
        summary=summary,
        code=code,
    )


def _before(command: Part, earlier: tries.Attempt, hide: Callable[[str], str]) -> Ended:
    """A command that an earlier try ended well."""
    told = CommandSummary(
        command=hide(command.line),
        exit_reason=earlier.reason,
        artifacts=earlier.path,
        from_try=earlier.start.identity.try_number,
    )
    summary = Summary(status=earlier.reason.status, exit_reason=earlier.reason, artifacts=earlier.path)
    return Ended(told=told, summary=summary, code=ExitCode.OK)


def _stopped(command: Part, hide: Callable[[str], str]) -> Ended:
    """A command that a signal kept from running."""
    reason, line = ExitReason.INTERRUPTED, hide(command.line)
    summary = Summary(status=reason.status, exit_reason=reason, error="The run was told to stop before this command.")
    return Ended(told=CommandSummary(command=line, exit_reason=reason), summary=summary, code=reason.exit_code)


def _done_before(
    commands: Sequence[Part], environment: Environment, interrupts: Interrupts, hide: Callable[[str], str]
) -> dict[int, tries.Attempt]:
    """What earlier tries of this task instance ended well of the beginning, by number. Freshness asks anew."""
    if not environment.orchestrated or not environment.resume or environment.artifacts is None:
        return {}
    found = [_earlier(command, number, environment, interrupts, hide) for number, command in enumerate(commands, 1)]
    if all(found):
        return {}
    return {
        number: earlier
        for number, earlier in enumerate(takewhile(bool, found), 1)
        if earlier is not None and commands[number - 1].arguments.command != Command.SOURCE_FRESHNESS
    }


def _earlier(
    command: Part, number: int, environment: Environment, interrupts: Interrupts, hide: Callable[[str], str]
) -> tries.Attempt | None:
    """The newest try that ran this very command, where it ended well."""
    if environment.artifacts is None:
        return None
    identity = environment.identity.model_copy(update={"part": number})
    settled = tries.settle_earlier(
        environment.artifacts,
        identity,
        grace_seconds=environment.grace_seconds,
        alive=partial(is_alive, sleep=interrupts.sleep),
    )
    for path in settled:
        print(f"podbt: published what a lost try left: {path}", flush=True)
    try:
        found = tries.latest(environment.artifacts, identity)
    except ConfigError:
        return None  # the command itself says that its earlier try cannot be read
    if found is None or found.reason.exit_code != ExitCode.OK:
        return None
    plan = baked_plan(environment.workspace.baked)
    same = {
        "command": [hide(word) for word in command.arguments.words],
        "image": environment.image,
        "revision": environment.revision,
        "plan_hash": plan.hash if plan else None,
        "dbt_version": version("dbt-core"),
    }
    return found if all(getattr(found.start, name) == value for name, value in same.items()) else None
