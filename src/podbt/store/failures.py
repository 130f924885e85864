"""What stores raise, as one line for people, and whether to try again."""

import errno
import os
import re
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from podbt.errors import ArtifactError

T = TypeVar("T")

_PERMANENT = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})
_FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS = 0.25, 5.0

_DISK = {
    errno.ENOSPC: "Prune old runs (podbt prune) or enlarge the volume.",
    errno.EDQUOT: "Prune old runs (podbt prune) or raise the quota.",
    errno.EROFS: "Mount the volume read-write.",
    errno.EACCES: "Give the pod the volume's group (fsGroup).",
}
# By name: the class is obstore's, which need not be installed. Its own texts quote requests and are left out.
_BUCKET = {
    "PermissionDeniedError": "the server refuses these credentials. Let them list, read, write and delete there.",
    "UnauthenticatedError": "the server does not accept the credentials. Check the Secret or the pod's identity.",
    "NotFoundError": "there is no such bucket. Create it, or correct the address.",
    "AlreadyExistsError": "somebody else wrote at the same time.",
    "PreconditionError": "somebody else wrote at the same time.",
    "UnknownConfigurationKeyError": "its options are wrong. Check the artifacts section of the settings.",
}
_REFUSAL = re.compile(r"\b(40[13] |AccessDenied|SignatureDoesNotMatch|InvalidAccessKeyId)")
_UNREACHABLE = "the server cannot be reached or does not answer well. Check the address, network policy and the server."


def store_errors() -> tuple[type[BaseException], ...]:
    """The exceptions of file systems and, where a bucket is in use, of its client. For an except clause."""
    exceptions: Any = sys.modules.get("obstore.exceptions") or sys.modules.get("obstore")
    base = getattr(getattr(exceptions, "exceptions", exceptions), "BaseError", None)
    return (OSError, base) if base else (OSError,)


def is_permanent(error: BaseException) -> bool:
    """Whether trying again a little later is in vain."""
    if isinstance(error, OSError):
        return error.errno in _PERMANENT
    return type(error).__name__ in {"PermissionDeniedError", "UnauthenticatedError", "UnknownConfigurationKeyError"}


def refused(what: str, path: object, error: BaseException) -> ArtifactError:
    """The one line about a failed access.

    Args:
        what: "written" or "read".
        path: Where.
        error: What was raised. Of a bucket's client only the class is told: its text may quote credentials.
    """
    if isinstance(error, OSError) and error.errno:
        said, advice = os.strerror(error.errno), _DISK.get(error.errno, "Free space or fix the volume.")
        return ArtifactError(f"Artifacts could not be {what} at '{path}': {said}. {advice}")
    name = "NotFoundError" if isinstance(error, FileNotFoundError) else type(error).__name__
    if name == "GenericError" and _REFUSAL.search(str(error)):  # some requests' refusals have no class of their own
        name = "PermissionDeniedError"
    return ArtifactError(f"Artifacts could not be {what} at '{path}': {_BUCKET.get(name, _UNREACHABLE)}")


def unreachable(root: object, error: BaseException) -> ArtifactError:
    """As `refused`, where what was accessed is not known from here: a file system tells, of a bucket it is its root."""
    return refused("reached", getattr(error, "filename", None) or root, error)


class Patience:
    """Tries again after failures, with growing pauses, until a budget is used up.

    The budget is for all attempts together, counted from the first failure: it ends within a pod's grace period.
    """

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._deadline: float | None = None

    def __call__(self, act: Callable[[], T]) -> T:
        """Calls until it succeeds.

        Raises:
            Exception: The last failure, once there is no time for another attempt or it could not help.
        """
        delay = _FIRST_DELAY_SECONDS
        while True:
            try:
                return act()
            except store_errors() as error:
                if self._deadline is None:
                    self._deadline = self._clock() + self._seconds
                if is_permanent(error) or self._clock() + delay > self._deadline:
                    raise
            self._sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY_SECONDS)
