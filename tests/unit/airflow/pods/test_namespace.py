"""One list and one watch for all that follow a pod in a namespace."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

import pytest
from tests.support.fake_cluster import FakeCluster, fake_cluster
from tests.support.pods import ended, running
from tests.support.steps import GOOD, pod

from podbt.airflow.pods import cluster, namespace
from podbt.pod.state import has_ended, has_started

NAMES = [f"pod-{number}" for number in range(20)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "_AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(namespace, "_UNHEARD_SECONDS", 0.1)
    monkeypatch.setattr(namespace, "_ALONE_SECONDS", 0.1)


async def add(fake: FakeCluster, *names: str, **labels: str | None) -> None:
    """Makes pods that run; a label of None is none."""
    for name in names:
        made = pod(name=name)
        made["metadata"]["uid"] = f"uid-{name}"
        made["metadata"]["labels"] = {k: v for k, v in (made["metadata"]["labels"] | labels).items() if v}
        fake.pods[name] = made
        await fake.update(name, **running())


async def follow(name: str, uid: str | None = None) -> list[str]:
    """What one follower sees of a pod, in a word each, until it has ended or is gone."""
    seen: list[str] = []
    async with namespace.pods_of("ns") as pods, aclosing(pods.states(name, uid or f"uid-{name}", cut.append)) as states:
        async for state in states:
            word = (
                "gone" if state is None else "ended" if has_ended(state) else "runs" if has_started(state) else "waits"
            )
            if seen[-1:] != [word]:
                seen.append(word)
            if word in {"gone", "ended"}:
                return seen
    raise AssertionError("the states end with the pod")


cut: list[Exception] = []


def play(
    monkeypatch: pytest.MonkeyPatch, script: Callable[[FakeCluster], Awaitable[None]], *names: str
) -> tuple[list[list[str]], FakeCluster]:
    """Follows pods that are there and run, while a script plays the cluster."""
    cut.clear()

    async def both() -> tuple[list[list[str]], FakeCluster]:
        async with fake_cluster(monkeypatch) as fake:
            await add(fake, *names)
            followers = [asyncio.ensure_future(follow(name)) for name in names]
            await fake.until(lambda: fake.calls["watch"] > 0)
            await script(fake)
            return list(await asyncio.wait_for(asyncio.gather(*followers), 30)), fake

    return asyncio.run(both())


async def end(fake: FakeCluster, *names: str) -> None:
    for name in names:
        await fake.update(name, **ended(GOOD, 0))


def test_many_followers_share_a_list_and_a_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(fake: FakeCluster) -> None:
        await end(fake, *NAMES)

    seen, fake = play(monkeypatch, script, *NAMES)
    assert {tuple(words) for words in seen} <= {("runs", "ended"), ("ended",)}
    assert fake.calls == {"list": 1, "watch": 1}


@pytest.mark.parametrize("cuts", [1, 3])
def test_a_cut_watch_goes_on_and_lists_nothing(monkeypatch: pytest.MonkeyPatch, cuts: int) -> None:
    async def script(fake: FakeCluster) -> None:
        fake.cut_watches = cuts
        await end(fake, NAMES[0])  # wakes the watch, which is cut
        await fake.until(lambda: fake.calls["watch"] > cuts)
        await end(fake, *NAMES[1:])

    _, fake = play(monkeypatch, script, *NAMES)
    assert fake.calls == {"list": 1, "watch": 1 + cuts}
    assert bool(cut) is (cuts > 1)  # one that is mended at once is nobody's business


def test_a_forgotten_version_costs_one_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a pod that went meanwhile is gone, though no event told it."""

    async def script(fake: FakeCluster) -> None:
        fake.cut_watches = 1
        await fake.remove(NAMES[0])
        fake.pods.pop(NAMES[1])
        await end(fake, *NAMES[2:])
        fake.forgotten = fake.version

    seen, fake = play(monkeypatch, script, *NAMES)
    assert seen[1][-1] == "gone"
    assert {words[-1] for words in seen[2:]} == {"ended"}
    assert fake.calls["list"] == 2


def test_how_a_pod_ended_is_seen_however_soon_it_went(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(fake: FakeCluster) -> None:
        await end(fake, NAMES[0])
        await fake.remove(NAMES[0])
        await fake.remove(NAMES[1])

    seen, _ = play(monkeypatch, script, *NAMES[:2])
    assert seen[0][-1] == "ended"
    assert seen[1][-1] == "gone"


def test_a_pod_of_which_the_watch_does_not_tell_is_looked_at_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something has taken its label away: it is there all the same."""

    async def both() -> list[str]:
        async with fake_cluster(monkeypatch) as fake:
            await add(fake, "bare", **{"app.kubernetes.io/managed-by": None})
            following = asyncio.ensure_future(follow("bare"))
            await fake.until(lambda: fake.calls["watch"] > 0)
            await asyncio.sleep(0.2)
            await end(fake, "bare")
            return await asyncio.wait_for(following, 30)

    assert asyncio.run(both()) == ["runs", "ended"]


def test_another_pod_of_the_same_name_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def both() -> list[str]:
        async with fake_cluster(monkeypatch) as fake:
            await add(fake, "twice")
            return await asyncio.wait_for(follow("twice", "uid-of-the-first"), 30)

    assert asyncio.run(both()) == ["gone"]


def test_a_missing_right_is_told_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any) -> Any:
        raise cluster.RefusedError(HTTPStatus.FORBIDDEN, b'{"message": "pods is forbidden"}')

    async def both() -> list[Any]:
        async with fake_cluster(monkeypatch):
            monkeypatch.setattr(cluster, "list_all", refuse)
            return list(await asyncio.gather(*map(follow, NAMES[:3]), return_exceptions=True))

    assert [str(error) for error in asyncio.run(both())] == ["403 pods is forbidden"] * 3


def test_followers_hear_of_a_server_that_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = cluster.list_all
    away = 3

    async def answer(*arguments: Any) -> Any:
        nonlocal away
        if away:
            away -= 1
            raise OSError("no route")
        return await listed(*arguments)

    monkeypatch.setattr(cluster, "list_all", answer)
    monkeypatch.setattr(namespace, "_UNHEARD_SECONDS", 30)

    async def script(fake: FakeCluster) -> None:
        await end(fake, NAMES[0])

    seen, _ = play(monkeypatch, script, NAMES[0])
    assert seen[0][-1] == "ended"
    assert {str(error) for error in cut} == {"no route"}
