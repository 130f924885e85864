"""The few calls that following a pod takes, on the asynchronous Kubernetes client.

API objects are plain JSON here: building the client's model objects for each event of a watch costs more than
everything else a trigger does.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from kubernetes_asyncio import client, config

from podbt import constants
from podbt.pod.state import ended_at
from podbt.pod.whose import Owner

_REQUEST_SECONDS: Final = 20
_WATCH_SECONDS: Final = 240
_LEFTOVER_SECONDS: Final = 86400  # longer than a triggerer is away: an unread pod is a run's only result
_SWEEP_SECONDS: Final = 300
_LONGEST_LINE: Final = 1 << 20
_AGAIN_SECONDS: Final = 2.0
_PAGE: Final = 500


class RefusedError(OSError):
    """The API server answered with an error.

    Attributes:
        status: HTTP's status code.
        message: The server's own sentence.
    """

    def __init__(self, status: int, body: bytes) -> None:
        try:
            self.message = str(json.loads(body)["message"])
        except (ValueError, KeyError, TypeError):
            self.message = body[:300].decode(errors="replace")
        self.status = status
        super().__init__(f"{status} {self.message}")


TRANSIENT: Final = (aiohttp.ClientError, OSError, TimeoutError, ValueError)
"""What a request raises when the API server or the way to it fails; a cut stream ends in half a JSON document."""

_clients: dict[asyncio.AbstractEventLoop, client.CoreV1Api] = {}


async def connect() -> client.CoreV1Api:
    """One client per event loop, so one connection pool and one TLS context for all pods that it follows."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        configuration = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException:
            await config.load_kube_config(client_configuration=configuration)
        configuration.connection_pool_maxsize = 0  # no limit: a followed pod holds two connections, the default is 100
        _clients.setdefault(loop, client.CoreV1Api(client.ApiClient(configuration)))
    return _clients[loop]


async def disconnect() -> None:
    """Closes this event loop's client; for a loop that ends, unlike a triggerer's."""
    if (api := _clients.pop(asyncio.get_running_loop(), None)) is not None:
        await api.api_client.close()


async def create(api: client.CoreV1Api, namespace: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """Creates a pod.

    Returns:
        The pod. None where one of that name exists: most often an earlier triggerer created it for this very try.

    Raises:
        RefusedError: The API server does not take it.
    """
    try:
        response = await api.create_namespaced_pod(
            namespace, body, _preload_content=False, _request_timeout=_REQUEST_SECONDS
        )
        made: dict[str, Any] = await _read(response)
    except RefusedError as error:
        # A quota that is being changed by another creation is a conflict, too.
        if error.status == HTTPStatus.CONFLICT and "already exists" in error.message:
            return None
        raise
    return made


async def delete(api: client.CoreV1Api, namespace: str, name: str, grace_seconds: int) -> None:
    """Deletes a pod, patiently: five attempts over half a minute, and its absence is fine."""
    for attempt in range(5):
        try:
            await _read(
                await api.delete_namespaced_pod(
                    name,
                    namespace,
                    grace_period_seconds=grace_seconds,
                    _preload_content=False,
                    _request_timeout=_REQUEST_SECONDS,
                )
            )
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return
        except TRANSIENT:
            pass
        else:
            return
        await asyncio.sleep(2**attempt)


def is_final(error: Exception) -> bool:
    """Whether another attempt is in vain: a right that is missing does not come back by waiting."""
    return isinstance(error, RefusedError) and error.status == HTTPStatus.FORBIDDEN


class GoneError(Exception):
    """The API server has forgotten the version that a watch was to go on from."""


async def list_all(api: client.CoreV1Api, namespace: str, selector: str) -> tuple[list[dict[str, Any]], str]:
    """The pods that a label selector selects, read in pages, and the version to watch from."""
    pods: list[dict[str, Any]] = []
    more = ""
    while True:
        response = await api.list_namespaced_pod(
            namespace,
            label_selector=selector,
            limit=_PAGE,
            **({"_continue": more} if more else {}),
            _preload_content=False,
            _request_timeout=_REQUEST_SECONDS,
        )
        if response.status == HTTPStatus.GONE:
            raise GoneError
        page = await _read(response)
        pods += page["items"]
        if not (more := page["metadata"].get("continue") or ""):
            return pods, str(page["metadata"]["resourceVersion"])


async def watch(
    api: client.CoreV1Api, namespace: str, selector: str, version: str
) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
    """What happens to the pods that a label selector selects, until the server ends the watch, as it does in time.

    Yields:
        ADDED, MODIFIED, DELETED or BOOKMARK, and the object: of a bookmark its version alone.

    Raises:
        GoneError: That version is forgotten.
    """
    seconds = int(random.uniform(1, 1.5) * _WATCH_SECONDS)  # noqa: S311 - not all are to end at once
    response = await api.list_namespaced_pod(
        namespace,
        label_selector=selector,
        watch=True,
        allow_watch_bookmarks=True,
        resource_version=version,
        timeout_seconds=seconds,
        _preload_content=False,
        _request_timeout=(_REQUEST_SECONDS, seconds + _REQUEST_SECONDS),
    )
    if response.status == HTTPStatus.GONE:
        response.close()
        raise GoneError
    async with aclosing(_lines(response)) as lines:
        async for line in lines:
            event = json.loads(line)
            if event.get("type") not in {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}:  # an error: too old a version
                raise GoneError
            yield event["type"], event["object"]


async def get(api: client.CoreV1Api, namespace: str, name: str) -> dict[str, Any] | None:
    """A pod as it is now; None where there is none of that name."""
    response = await api.list_namespaced_pod(
        namespace, field_selector=f"metadata.name={name}", _preload_content=False, _request_timeout=_REQUEST_SECONDS
    )
    return next(iter((await _read(response))["items"]), None)


async def find(api: client.CoreV1Api, namespace: str, selectors: Iterable[str]) -> list[dict[str, Any]]:
    """The pods that one of these label selectors selects, oldest first."""
    pods: list[dict[str, Any]] = []
    for selector in selectors:
        response = await api.list_namespaced_pod(
            namespace, label_selector=selector, _preload_content=False, _request_timeout=_REQUEST_SECONDS
        )
        pods += (await _read(response))["items"]
    return sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))


async def events(api: client.CoreV1Api, namespace: str, name: str) -> list[dict[str, Any]]:
    """The pod's events; none where they cannot be read."""
    try:
        response = await api.list_namespaced_event(
            namespace,
            field_selector=f"involvedObject.name={name}",
            _preload_content=False,
            _request_timeout=_REQUEST_SECONDS,
        )
        return list((await _read(response))["items"])
    except TRANSIENT:
        return []


async def log_lines(
    api: client.CoreV1Api, namespace: str, name: str, ended: asyncio.Event
) -> AsyncGenerator[str, None]:
    """The container's log as it is written; after a cut it goes on behind the last line that was seen.

    Args:
        api: The client.
        namespace: The pod's.
        name: The pod's.
        ended: Set by whoever watches the pod once it has ended: the log alone does not tell. A server that shuts down,
            and a proxy that has heard nothing for long, end a stream just as the container's end does.
    """
    stamp = ""
    while True:
        last_look = ended.is_set()
        since = {"since_seconds": max(1, int(age_seconds(stamp)) + 2)} if stamp else {}
        try:
            response = await api.read_namespaced_pod_log(
                name,
                namespace,
                container=constants.CONTAINER_NAME,
                follow=True,
                timestamps=True,
                _preload_content=False,
                _request_timeout=(_REQUEST_SECONDS, _WATCH_SECONDS),  # after so much silence: ask again
                **since,
            )
            if response.status in {
                HTTPStatus.BAD_REQUEST,
                HTTPStatus.NOT_FOUND,
            }:  # no such pod, or its container is gone
                return
            last = stamp
            async with aclosing(_lines(response)) as lines:
                async for raw in lines:
                    at, _, text = raw.decode(errors="replace").partition(" ")
                    if last and at <= last:
                        continue
                    stamp = at
                    yield text
        except TRANSIENT:
            if last_look:  # it has ended and its log does not come
                await asyncio.sleep(_AGAIN_SECONDS)
        else:
            if last_look and stamp == last:
                return
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), _AGAIN_SECONDS)


async def _read(response: Any) -> Any:
    """The JSON body of a response that the client did not look into.

    The client's own models are not asked for: making them is slow, and they refuse what they do not know.
    """
    body = await response.read()
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise RefusedError(response.status, body)
    return json.loads(body)


async def _lines(response: Any) -> AsyncGenerator[bytes, None]:
    """Lines of a streamed body. aiohttp's own reader refuses lines over 128 KiB, which a pod's state can exceed."""
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise RefusedError(response.status, await response.read())
    rest = b""
    try:
        async for chunk in response.content.iter_any():
            *full, rest = (rest + chunk).split(b"\n")
            for line in full:
                yield line
            if len(rest) > _LONGEST_LINE:
                yield rest
                rest = b""
        if rest:
            yield rest
    finally:
        response.close()  # a watch that nobody reads to its end would hold its connection


_swept: dict[str, float] = {}


async def sweep(api: client.CoreV1Api, namespace: str, owner: Owner, keep_seconds: int) -> None:
    """Deletes this installation's ended pods that whoever followed them left behind, at most every five minutes.

    A triggerer that dies between a pod's end and its deletion forgets it. Pods that still run are not touched:
    activeDeadlineSeconds ends those.
    """
    if time.monotonic() - _swept.get(namespace, -_SWEEP_SECONDS) < _SWEEP_SECONDS:
        return
    _swept[namespace] = time.monotonic()
    try:
        pods = await find(api, namespace, owner.selectors)
    except TRANSIENT:
        return
    for pod in pods:
        ended = ended_at(pod)
        if ended and age_seconds(ended) > _LEFTOVER_SECONDS + keep_seconds:
            await delete(api, namespace, pod["metadata"]["name"], 0)


def age_seconds(timestamp: str) -> float:
    """Seconds since a time as the API writes it."""
    return (datetime.now(UTC) - datetime.fromisoformat(timestamp)).total_seconds()
