"""What Airflow's database holds while tasks and deadlines wait: an upgrade in between finds it by its old path, too."""

import asyncio
from typing import Any

import pytest
from airflow.jobs.triggerer_job_runner import TriggerRunner
from airflow.serialization.decoders import smart_decode_trigger_kwargs
from airflow.serialization.encoders import encode_trigger
from airflow.triggers.callback import PAYLOAD_STATUS_KEY, CallbackTrigger

from podbt.airflow.group.model_trigger import ModelTrigger
from podbt.airflow.group.triggers import FinishTrigger, GroupPodTrigger
from podbt.airflow.notify.callbacks import on_late
from podbt.airflow.trigger import DbtPodTrigger

STEP: dict[str, Any] = {"step": {"selector": "daily"}, "overrides": {}, "identity": None, "resume_to_end": False}
MODEL: dict[str, Any] = {
    "pod": "g.pod", "node": "model.p.a", "at": "0123456789:0", "plan": "f" * 64, "beside": [], "step": {},
    "overrides": {}, "parents": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "kwargs", "cls", "now"),
    [
        pytest.param("podbt.airflow.trigger.DbtPodTrigger", STEP, DbtPodTrigger, None, id="step"),
        pytest.param(
            "podbt.airflow.group_triggers.GroupPodTrigger",
            STEP,
            GroupPodTrigger,
            "podbt.airflow.group.triggers.GroupPodTrigger",
            id="group pod",
        ),
        pytest.param(
            "podbt.airflow.group_triggers.FinishTrigger",
            {"pod": "g.pod"},
            FinishTrigger,
            "podbt.airflow.group.triggers.FinishTrigger",
            id="finish",
        ),
        pytest.param(
            "podbt.airflow.model_trigger.ModelTrigger",
            MODEL,
            ModelTrigger,
            "podbt.airflow.group.model_trigger.ModelTrigger",
            id="model",
        ),
    ],
)
def test_a_trigger_that_waits_is_found_by_its_old_path_and_by_its_new_one(
    path: str, kwargs: dict[str, Any], cls: type, now: str | None
) -> None:
    runner, new = TriggerRunner(), now or path
    assert runner.get_trigger_by_classpath(path) is cls
    assert runner.get_trigger_by_classpath(new) is cls
    encoded = encode_trigger({"classpath": path, "kwargs": kwargs})["kwargs"]  # as a row of the table `trigger`
    made = runner.get_trigger_by_classpath(path)(**{k: smart_decode_trigger_kwargs(v) for k, v in encoded.items()})
    assert made.serialize() == (new, kwargs)


@pytest.mark.parametrize("path", ["podbt.airflow.notify.on_late", "podbt.airflow.notify.callbacks.on_late"])
def test_a_deadline_that_is_stored_finds_its_callback(path: str) -> None:
    assert f"{on_late.__module__}.{on_late.__qualname__}" == "podbt.airflow.notify.callbacks.on_late"
    trigger = CallbackTrigger(path, {"context": {"dag_run": {"dag_id": "night", "dag_run_id": "r"}}})

    async def states() -> list[Any]:
        return [event.payload[PAYLOAD_STATUS_KEY] async for event in trigger.run()]

    assert asyncio.run(states()) == ["running", "success"]
