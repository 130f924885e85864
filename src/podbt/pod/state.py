"""What a pod's state means: whether it will ever start, and how it ended. Pods and events are plain API JSON.

Only the container `dbt` is podbt's. A mesh, a secret agent or a log shipper may have put others into the pod, before it
or beside it: these keep the pod's phase at Running, or make a failure of it, after dbt has ended well.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from podbt import constants
from podbt.contract.exits import ExitReason
from podbt.contract.outcome import OUT_OF_MEMORY, TOOK_TOO_LONG, Outcome, failure, own_word, unexplained
from podbt.contract.record import shorten
from podbt.contract.settings.kubernetes import Settings

_GRACE_SECONDS: Final = 20
"""How long a start-up problem may last before it counts: Secrets and volumes often arrive just after the pod."""

# Reasons of a waiting container that do not pass by themselves.
_WAITING: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)
_AT_ONCE: Final = frozenset({"InvalidImageName", "ErrImageNeverPull"})
# What every pod that has not started is, whatever for.
_NOT_READY: Final = "ContainersNotReady"

_NO_SECRET = re.compile(r"secret \"(?P<name>[^\"]+)\" not found")
_NO_MOUNTED_KEY = re.compile(r"references non-existent secret key: (?P<key>\S+)")
_NO_ENV_KEY = re.compile(r"couldn't find key (?P<key>\S+) in Secret (?:\S+/)?(?P<name>\S+)")
_NO_CLAIM = re.compile(r"persistentvolumeclaim \"(?P<name>[^\"]+)\" not found")


def has_ended(pod: Mapping[str, Any]) -> bool:
    """Whether dbt has ended, or never will run; whatever else runs on in the pod."""
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"} or bool(_terminated(pod))


def ended_at(pod: Mapping[str, Any]) -> str | None:
    """When dbt ended, as the API writes it; None where the pod does not say."""
    return _terminated(pod).get("finishedAt")


def has_started(pod: Mapping[str, Any]) -> bool:
    """Whether the container runs or ran, so that there is a log to read."""
    state = _container_status(pod).get("state", {})
    return "running" in state or "terminated" in state


def startup_problem(
    pod: Mapping[str, Any],
    events: Iterable[Mapping[str, Any]],
    settings: Settings,
    *,
    waited_seconds: float,
    stuck_seconds: float,
) -> Outcome | None:
    """Says why a pod that has not started never will.

    A missing Secret, key or claim is no error to Kubernetes, which waits for it; the operator's start-up timeout of
    many minutes would pass first.

    Args:
        pod: The pod.
        events: Its events.
        settings: What it was built from.
        waited_seconds: Seconds since it was created.
        stuck_seconds: Seconds since its container began to wait for the reason that it waits for now.

    Returns:
        The failure, or None while there is hope.
    """
    name, waiting = _waiting_for(pod)
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if name != constants.CONTAINER_NAME:
        message = f"container '{name}': {message}"
    if reason in _AT_ONCE:
        return failure(ExitReason.CONFIG_ERROR, f"{reason}: {message}")
    if reason in _WAITING and stuck_seconds >= _GRACE_SECONDS:
        if missing := _missing(message, settings):
            return failure(ExitReason.CONFIG_ERROR, missing)
        return failure(ExitReason.LOST, f"The pod did not start: {reason}: {message}")
    events = list(events)
    if waited_seconds >= _GRACE_SECONDS:
        # What the pod got over since then is no problem any more: a Secret may come just after it.
        moved = max((_time_of(event) for event in events if event.get("type") == "Normal"), default="")
        for event in events:
            current = event.get("type") == "Warning" and _time_of(event) >= moved
            if current and (missing := _missing(event.get("message") or "", settings)):
                return failure(ExitReason.CONFIG_ERROR, missing)
    if waited_seconds >= settings.startup_timeout_seconds:
        why = why_pending(pod, events)
        return failure(
            ExitReason.LOST, f"The pod did not start within {settings.startup_timeout_seconds} s{why and ': '}{why}"
        )
    return None


def waiting_reason(pod: Mapping[str, Any]) -> str:
    """Why the container waits, in one word of Kubernetes; empty where it does not or none is known."""
    return str(_waiting_for(pod)[1].get("reason", ""))


def _waiting_for(pod: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The container whose start is waited for, and why: one that has to be there before dbt, or dbt itself."""
    for status in pod.get("status", {}).get("initContainerStatuses") or []:
        waiting = status.get("state", {}).get("waiting") or {}
        if waiting.get("reason") in _WAITING | _AT_ONCE:
            return str(status.get("name")), waiting
    return constants.CONTAINER_NAME, _container_status(pod).get("state", {}).get("waiting") or {}


def _time_of(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def outcome_of(pod: Mapping[str, Any]) -> Outcome:
    """How a pod that has ended did.

    Success is believed only with the runner's own word for it: exit code 0 and a summary that says success. With that
    it is, whatever became of the pod afterwards.
    """
    status = pod.get("status", {})
    ended = _terminated(pod)
    code, reason, message = ended.get("exitCode"), ended.get("reason") or "", ended.get("message") or ""
    said = own_word(code, message)
    if said is not None and (said.ok or said.skipped):
        return said
    if reason == "OOMKilled":
        return failure(ExitReason.LOST, OUT_OF_MEMORY)
    if said is not None and said.summary.exit_reason is not ExitReason.INTERRUPTED:
        return said
    if status.get("reason") == "DeadlineExceeded":
        return failure(ExitReason.LOST, TOOK_TOO_LONG)
    if said is not None:
        return said
    if status.get("reason"):  # Evicted, Preempted, NodeLost …
        return failure(ExitReason.LOST, f"The pod was lost: {status['reason']}: {status.get('message', '')}")
    if not ended and (broken := _broken_before(pod)):
        return failure(ExitReason.LOST, broken)
    return unexplained(code, reason, message)


def _broken_before(pod: Mapping[str, Any]) -> str | None:
    """Says which container that runs before dbt failed; the pod fails with it."""
    for status in pod.get("status", {}).get("initContainerStatuses") or []:
        ended = status.get("state", {}).get("terminated") or {}
        if ended.get("exitCode"):
            why = f"code {ended['exitCode']} ({ended.get('reason') or 'no reason given'})"
            said = f": {shorten(ended['message'], 300)}" if ended.get("message") else ""
            return f"dbt did not start: container '{status.get('name')}' of the pod ended with {why}{said}"
    return None


def _missing(message: str, settings: Settings) -> str | None:
    """Names the Secret, key or claim that a message of the kubelet or scheduler says is missing."""
    where = f"in namespace '{settings.namespace}'"
    if match := _NO_SECRET.search(message):
        return f"Secret '{match['name']}' does not exist {where}. Create it, or name another in the settings."
    if match := _NO_MOUNTED_KEY.search(message):
        name = settings.profiles_secret.name
        return f"Secret '{name}' {where} has no key '{match['key']}'. Add it, or set profiles_secret.key."
    if match := _NO_ENV_KEY.search(message):
        return f"Secret '{match['name']}' {where} has no key '{match['key']}'. Add it, or change secret_env."
    if match := _NO_CLAIM.search(message):
        return f"PersistentVolumeClaim '{match['name']}' does not exist {where}. Create it, or set artifacts.claim."
    return None


def why_pending(pod: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> str:
    """What the scheduler and the kubelet say of a pod that has not started; empty where they say nothing."""
    conditions = [c for c in pod.get("status", {}).get("conditions", []) if c.get("status") != "True"]
    warnings = [event for event in events if event.get("type") == "Warning"][-2:]
    # By message: the scheduler says the same in a condition and in an event, under two reasons.
    told: dict[str, str] = {}
    for one in [*conditions, *warnings]:
        if one.get("message") and one.get("reason") != _NOT_READY:
            told.setdefault(one["message"], f"{one.get('reason')}: {one['message']}")
    return shorten("; ".join(told.values()), 500)


def _terminated(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    return _container_status(pod).get("state", {}).get("terminated") or {}


def _container_status(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    for status in pod.get("status", {}).get("containerStatuses") or []:
        if status.get("name") == constants.CONTAINER_NAME:
            return dict(status)
    return {}
