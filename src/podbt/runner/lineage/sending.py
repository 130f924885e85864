"""Sends events, and gives up on a server that does not take them: a run has other things to do."""

from typing import Any, Final

from openlineage.client.transport.http import HttpConfig, HttpTransport
from requests import HTTPError, RequestException

from podbt.runner.process.lineage_server import LineageServer

TIMEOUT_SECONDS: Final = 3.0
_TRIES: Final = 3
"""How many events in a row may fail before the server is taken to be away."""

_REFUSALS: Final = frozenset({401, 403, 404})
"""Answers that the next event would get as well."""


class Sender:
    """One connection to a server, which is not tried again once it is lost.

    Attributes:
        sent: How many events it took.
        lost: How many it did not take, or were not offered to it any more.
        why: Why nothing more is offered to it; None while it is.
    """

    def __init__(self, server: LineageServer) -> None:
        key = {"type": "api_key", "apiKey": server.api_key} if server.api_key else {}
        self._transport = HttpTransport(
            HttpConfig.from_dict(
                {
                    "url": server.url,
                    "endpoint": server.endpoint,
                    "timeout": TIMEOUT_SECONDS,
                    # The next event is the next try.
                    "retry": {"total": 0, "connect": 0, "read": 0, "status_forcelist": []},
                    **({"auth": key} if key else {}),
                }
            )
        )
        self.sent = 0
        self.lost = 0
        self.why: str | None = None
        self._failed = 0

    @property
    def problem(self) -> str | None:
        """What to say of it at the end."""
        if self.why is not None:
            return f"{self.why}; {self.lost} events are lost"
        return f"it refused {self.lost} of {self.sent + self.lost} events" if self.lost else None

    def send(self, event: Any) -> None:
        """Sends one event. Never raises."""
        if self.why is not None:
            self.lost += 1
            return
        try:
            self._transport.emit(event)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on
            self.lost += 1
            self._failed += 1
            if self._failed >= _TRIES or _status(error) in _REFUSALS:
                self.why = _said(error)
        else:
            self.sent += 1
            self._failed = 0


def _status(error: Exception) -> int | None:
    return error.response.status_code if isinstance(error, HTTPError) else None


def _said(error: Exception) -> str:
    """What went wrong, without the server's own words: its answer could quote what it was sent."""
    status = _status(error)
    if status is not None:
        return f"it answers {status}"
    kind = type(error).__name__
    return f"it cannot be reached ({kind})" if isinstance(error, RequestException) else kind
