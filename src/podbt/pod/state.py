"""What a pod's state means: whether it will ever start, and how it ended. Pods and events are plain API JSON."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from podbt import constants
from podbt.contract.exits import ExitReason
from podbt.contract.outcome import OUT_OF_MEMORY, TOOK_TOO_LONG, Outcome, failure, own_word, unexplained
from podbt.contract.record import shorten
from podbt.contract.settings import Settings

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
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


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
    waiting = _container_status(pod).get("state", {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
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
    return str((_container_status(pod).get("state", {}).get("waiting") or {}).get("reason", ""))


def _time_of(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def outcome_of(pod: Mapping[str, Any]) -> Outcome:
    """How a pod that has ended did.

    Success is believed only with the runner's own word for it: exit code 0 and a summary that says success.
    """
    status = pod.get("status", {})
    ended = _container_status(pod).get("state", {}).get("terminated") or {}
    code, reason = ended.get("exitCode"), ended.get("reason") or ""
    if reason == "OOMKilled":
        return failure(ExitReason.LOST, OUT_OF_MEMORY)
    if status.get("reason") == "DeadlineExceeded":
        return failure(ExitReason.LOST, TOOK_TOO_LONG)
    message = ended.get("message") or ""
    if said := own_word(code, message):
        return said
    if status.get("reason"):  # Evicted, Preempted, NodeLost …
        return failure(ExitReason.LOST, f"The pod was lost: {status['reason']}: {status.get('message', '')}")
    return unexplained(code, reason, message)


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


def _container_status(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    for status in pod.get("status", {}).get("containerStatuses") or []:
        if status.get("name") == constants.CONTAINER_NAME:
            return dict(status)
    return {}
