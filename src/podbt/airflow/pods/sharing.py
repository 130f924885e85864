"""One look at something of the cluster for all that look at it in one event loop."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, TypeVar


class Looks(Protocol):
    """What is looked at."""

    async def run(self) -> None:
        """Looks until it is cancelled."""


L = TypeVar("L", bound=Looks)

_shared: Final[dict[tuple[asyncio.AbstractEventLoop, Hashable], tuple[Any, asyncio.Task[None], list[int]]]] = {}


@asynccontextmanager
async def shared(place: Hashable, make: Callable[[], L]) -> AsyncIterator[L]:
    """This event loop's one look at a place, which runs for as long as anybody has a use for it.

    Args:
        place: What is looked at; with its type it tells one look from another.
        make: Makes the look where there is none yet.
    """
    loop = asyncio.get_running_loop()
    key = loop, place
    if key not in _shared:
        look = make()
        # In a context of its own, else its log lines would go to the task that came first.
        _shared[key] = look, loop.create_task(look.run(), context=contextvars.Context()), [0]
    look, task, users = _shared[key]
    users[0] += 1
    try:
        yield look
    finally:
        users[0] -= 1
        if users[0] == 0:
            _shared.pop(key)
            task.cancel()
            await asyncio.wait({task})
