"""Which image and plan a task gets around a promotion: the settings change first, then the plan, then the DAGs."""

import asyncio
import gzip
import os
import time
from pathlib import Path

import pytest
import yaml
from tests.support.plans import plan
from tests.support.settings import SETTINGS

from podbt.airflow.catalog import known_plan
from podbt.airflow.resolve import pod_settings, resolve_pod, wait_for_plan
from podbt.contract.plan import Plan
from podbt.contract.plans import INDEX, Entry, index_text

BEFORE, AFTER = plan("a"), plan("a", "b")


class Log:
    def __init__(self) -> None:
        self.said: list[str] = []

    def info(self, message: str, *args: object) -> None:
        self.said.append(message % args)


@pytest.fixture
def promoted(tmp_path: Path, settings_file: Path) -> Path:
    """Settings that name the image after the promotion, and a folder that knows that of before."""
    folder = tmp_path / "plans"
    folder.mkdir()
    promotion = SETTINGS.model_copy(update={"image": "dbt:2", "plan": str(folder)})
    settings_file.write_text(yaml.safe_dump(promotion.model_dump(mode="json", exclude_none=True)))
    tell(folder, ("dbt:1", BEFORE))
    return folder


def tell(folder: Path, *known: tuple[str, Plan]) -> None:
    entries = []
    for image, content in known:
        file = f"plan-{content.hash[:16]}.json.gz"
        (folder / file).write_bytes(gzip.compress(content.to_json().encode()))
        entries.append(Entry(image=image, hash=content.hash, file=file))
    (folder / INDEX).write_text(index_text(entries))
    os.utime(folder / INDEX, ns=(time.time_ns(),) * 2)


def image_and_plan(**step: str) -> tuple[str, str | None]:
    settings, resolved = resolve_pod({"command": "build", **step}, {})
    return settings.image, resolved.plan_hash


def test_a_step_runs_the_new_image_at_once_and_expects_no_plan_that_is_not_known(promoted: Path) -> None:
    assert image_and_plan() == ("dbt:2", None)
    tell(promoted, ("dbt:1", BEFORE), ("dbt:2", AFTER))
    assert image_and_plan() == ("dbt:2", AFTER.hash)


def test_a_group_that_was_read_before_runs_the_image_of_before(promoted: Path) -> None:
    """Its tasks are that plan's nodes. With the next reading of its file it is the new one's."""
    tell(promoted, ("dbt:1", BEFORE), ("dbt:2", AFTER))
    assert image_and_plan(plan_hash=BEFORE.hash) == ("dbt:1", BEFORE.hash)
    assert image_and_plan(plan_hash=AFTER.hash) == ("dbt:2", AFTER.hash)


def test_an_image_of_the_same_graph_runs_at_once(promoted: Path) -> None:
    tell(promoted, ("dbt:1", BEFORE), ("dbt:2", BEFORE))
    assert image_and_plan(plan_hash=BEFORE.hash) == ("dbt:2", BEFORE.hash)


def test_an_image_that_never_tells_a_plan_is_not_replaced(promoted: Path) -> None:
    """It cannot be pulled, and its pod has to say so."""
    assert image_and_plan(plan_hash=BEFORE.hash)[0] == "dbt:2"


def test_a_plan_that_nobody_knows_any_more_stays_expected(promoted: Path) -> None:
    tell(promoted, ("dbt:1", BEFORE), ("dbt:2", AFTER))
    assert image_and_plan(plan_hash="0" * 64) == ("dbt:2", "0" * 64)


def test_dags_are_made_from_the_plan_before_until_the_new_one_is_told(promoted: Path) -> None:
    assert known_plan(pod_settings({})) == BEFORE
    tell(promoted, ("dbt:1", BEFORE), ("dbt:2", AFTER))
    assert known_plan(pod_settings({})) == AFTER


def test_a_group_waits_a_moment_for_the_new_plan(promoted: Path) -> None:
    log = Log()

    async def scenario() -> None:
        waiting = asyncio.ensure_future(wait_for_plan({}, log))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        tell(promoted, ("dbt:1", BEFORE), ("dbt:2", AFTER))
        await asyncio.wait_for(waiting, 10)

    asyncio.run(scenario())
    assert len(log.said) == 1
    assert "dbt:2" in log.said[0]


def test_long_after_a_promotion_nobody_waits(promoted: Path, settings_file: Path) -> None:
    """A plan that has not come by then does not come."""
    assert promoted.is_dir()
    long_ago = time.time() - 3600
    os.utime(settings_file, (long_ago, long_ago))
    asyncio.run(asyncio.wait_for(wait_for_plan({}, Log()), 5))


def test_a_tasks_own_image_leaves_what_the_settings_add_to_pods(settings_file: Path) -> None:
    added = {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}]}}},
        "volumes": [{"name": "ca", "configMap": {"name": "company-ca"}}],
        "volume_mounts": [{"name": "ca", "mountPath": "/etc/ca", "readOnly": True}],
        "pod_security": {"run_as_user": None, "run_as_group": None, "fs_group": None},
    }  # fmt: skip
    settings_file.write_text(yaml.safe_dump({**yaml.safe_load(settings_file.read_text()), **added}))
    whole = pod_settings({})
    assert pod_settings({"image": "dbt:2"}) == whole.model_copy(update={"image": "dbt:2", "plan": None})
