"""The pods of the group benchmark, played: a group's tells of its nodes at a pace, a step's ends after some seconds."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from tests.support.fake_cluster import FakeCluster
from tests.support.pods import ended, running

from podbt import constants
from podbt.contract.events import Mark, NodeEvent, encode
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import CHECKS
from podbt.contract.plan import Plan, load_plan
from podbt.contract.record import Summary
from podbt.runner.report.emit import Progress

_SNAPSHOT_SECONDS = 20.0
_BEGIN_SECONDS = 2.0


@dataclass
class Pods(FakeCluster):
    """Pods that begin and end by themselves.

    Attributes:
        plans: Where each DAG's plan is.
        pace: Seconds from one model's end to the next one's.
        step_seconds: How long the pod of a step runs.
    """

    plans: Path = field(default_factory=Path)
    pace: float = 0.1
    step_seconds: float = 20.0
    _playing: set[asyncio.Task[None]] = field(default_factory=set)

    async def create(self, request: web.Request) -> web.Response:
        before = len(self.created)
        response = await super().create(request)
        if len(self.created) > before:
            task = asyncio.get_running_loop().create_task(self._play(self.created[-1]))
            self._playing.add(task)
            task.add_done_callback(self._playing.discard)
        return response

    async def _play(self, pod: dict[str, Any]) -> None:
        meta = pod["metadata"]
        name, dag_id = meta["name"], meta["annotations"][f"{constants.LABEL_PREFIX}/dag-id"]
        self.logs[name] = []
        await asyncio.sleep(_BEGIN_SECONDS)
        await self.update(name, **running())
        plan = self.plans / dag_id / "plan.json"
        if plan.exists():
            await self._tell(name, load_plan(plan))
        else:
            await self.say(name, "dbt is at work", "dbt has ended")
            await asyncio.sleep(self.step_seconds)
        summary = Summary(
            status=ExitReason.SUCCESS.status, exit_reason=ExitReason.SUCCESS, artifacts="runs/x", target="prod"
        )
        await asyncio.sleep(1)
        if name in self.pods:
            await self.update(name, **ended(summary, 0, "Completed"))

    async def _tell(self, name: str, plan: Plan) -> None:
        """What the runner says, with one line for people a node."""
        marks, loop = Progress.of(plan), asyncio.get_running_loop()
        for unique_id in plan.unique_ids:
            marks.set(unique_id, Mark.WAITING)
        await self.say(name, encode(marks.snapshot()))
        tests: dict[str, list[str]] = {}
        for key, node in plan.nodes.items():
            if node.resource_type in CHECKS:
                tests.setdefault(node.depends_on[0], []).append(key)
        at = last = loop.time()
        for key in [key for key, node in plan.nodes.items() if node.resource_type not in CHECKS]:
            for one, status in [(key, "success"), *((test, "pass") for test in tests.get(key, ()))]:
                now = datetime.now(UTC)
                ended_at = NodeEvent.of(one, status, at=now, seconds=0.3, rows=100)
                marks.set(one, ended_at.mark)
                await self.say(
                    name, encode(NodeEvent.of(one, "started", at=now)), encode(ended_at), f"{status} {one} in 0.30s"
                )
            if loop.time() - last > _SNAPSHOT_SECONDS:
                last = loop.time()
                await self.say(name, encode(marks.snapshot()))
            at += self.pace
            await asyncio.sleep(max(0.0, at - loop.time()))
        marks.end = ExitReason.SUCCESS
        await self.say(name, encode(marks.snapshot()))
