"""The pod that is really sent: restricted, complete, and without a secret's value in it."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.client import ApiClient
from tests.support.settings import SETTINGS

from podbt.constants import INSTANCE
from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Artifacts, SecretEnv, Settings
from podbt.contract.step import Step
from podbt.pod.build import build_pod, label_value, pod_name

IDENTITY = RunIdentity(dag_id="dental_nightly", run_id="scheduled__2026-01-01T02:00:00+00:00", task_id="build")


def rendered(step: Step | None = None, settings: Settings = SETTINGS) -> dict[str, Any]:
    return dict(ApiClient().sanitize_for_serialization(build_pod(settings, step or Step(), IDENTITY)))


def test_the_pod_is_restricted() -> None:
    spec = rendered()["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 65532
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_the_settings_arrive() -> None:
    pod = rendered()
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert pod["metadata"]["namespace"] == "ns"
    assert pod["metadata"]["labels"]["team"] == "data"
    assert spec["serviceAccountName"] == "podbt-dbt"
    assert spec["activeDeadlineSeconds"] == 3600
    assert spec["terminationGracePeriodSeconds"] == 45
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    assert spec["nodeSelector"] == {"disk": "ssd"}
    assert spec["tolerations"] == [{"key": "dbt", "operator": "Exists"}]
    assert spec["priorityClassName"] == "batch"
    assert spec["restartPolicy"] == "Never"
    assert container["image"] == "dbt:1"
    assert container["resources"] == {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}
    assert container["args"] == ["build", "--target", "prod"]
    assert "command" not in container


def test_credentials_are_references() -> None:
    spec = rendered()["spec"]
    env = {item["name"]: item for item in spec["containers"][0]["env"]}
    assert env["TOKEN"] == {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}
    volumes = {item["name"]: item for item in spec["volumes"]}
    assert volumes["profiles"]["secret"] == {
        "secretName": "profiles",
        "items": [{"key": "warehouse.yml", "path": "profiles.yml"}],
        "defaultMode": 0o440,
    }
    mounts = {item["name"]: item for item in spec["containers"][0]["volumeMounts"]}
    assert mounts["profiles"] == {"name": "profiles", "mountPath": "/etc/podbt/profiles", "readOnly": True}
    assert mounts["artifacts"] == {"name": "artifacts", "mountPath": "/artifacts", "subPath": "team-a"}


def test_a_bucket_is_told_and_mounted_nowhere() -> None:
    bucket = Artifacts(url="s3://runs/dental", endpoint_url="https://s3.example.com", region="eu-central-1")
    secret = [{"name": "AWS_SECRET_ACCESS_KEY", "secret": "bucket", "key": "secret"}]
    settings = SETTINGS.model_copy(update={"artifacts": bucket, "secret_env": [SecretEnv(**one) for one in secret]})
    spec = rendered(settings=settings)["spec"]
    env = {item["name"]: item.get("value", item.get("valueFrom")) for item in spec["containers"][0]["env"]}
    assert env["PODBT_ARTIFACTS"] == "s3://runs/dental"
    assert env["PODBT_ARTIFACTS_ENDPOINT_URL"] == "https://s3.example.com"
    assert env["PODBT_ARTIFACTS_REGION"] == "eu-central-1"
    assert env["AWS_SECRET_ACCESS_KEY"] == {"secretKeyRef": {"name": "bucket", "key": "secret"}}
    assert "artifacts" not in {item["name"] for item in spec["volumes"] + spec["containers"][0]["volumeMounts"]}


def test_the_runner_reads_back_the_identity() -> None:
    env = {item["name"]: item.get("value", "") for item in rendered()["spec"]["containers"][0]["env"]}
    assert RunIdentity.from_env(env) == IDENTITY
    assert "PODBT_ALLOW_EMPTY" not in env


@pytest.mark.parametrize(
    ("step", "name", "value"),
    [
        pytest.param(Step(allow_empty=True), "PODBT_ALLOW_EMPTY", "1", id="an empty selection is allowed"),
        pytest.param(Step(resume=False), "PODBT_RESUME", "0", id="every try runs in full"),
        pytest.param(Step(events=True), "PODBT_EVENTS", "1", id="progress for machines"),
    ],
)
def test_the_step_decides(step: Step, name: str, value: str) -> None:
    env = {i["name"]: i.get("value") for i in rendered(step)["spec"]["containers"][0]["env"]}
    assert env[name] == value
    assert name not in {i["name"] for i in rendered()["spec"]["containers"][0]["env"]}


def test_what_the_runner_needs_to_know_of_the_step_arrives() -> None:
    def env(step: Step, settings: Settings = SETTINGS) -> dict[str, str | None]:
        found = {i["name"]: i.get("value") for i in rendered(step, settings)["spec"]["containers"][0]["env"]}
        names = ("EXPECT_PLAN", "ON_MISSING_STATE", "FRESHNESS", "CONNECTION_WAIT_SECONDS")
        return {name: found[f"PODBT_{name}"] for name in names if f"PODBT_{name}" in found}

    step = Step(state="prod", on_missing_state="full", freshness="gate", plan_hash="a" * 64)
    expected = {"EXPECT_PLAN": "a" * 64, "ON_MISSING_STATE": "full", "FRESHNESS": "gate"}
    assert env(step) == expected | {"CONNECTION_WAIT_SECONDS": "60"}
    assert env(Step(), SETTINGS.model_copy(update={"connection_wait_seconds": 0})) == {}


identities = st.builds(
    RunIdentity,
    dag_id=st.text(min_size=1),
    run_id=st.text(min_size=1),
    task_id=st.text(min_size=1),
    map_index=st.integers(-1, 10**6),
    try_number=st.integers(1, 999),
)


@given(identities, identities)
def test_names_and_labels_are_valid_and_names_distinct(one: RunIdentity, other: RunIdentity) -> None:
    name = pod_name(one, INSTANCE)
    assert len(name) <= 63
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert (name == pod_name(other, INSTANCE)) == (one == other)
    value = label_value(one.run_id)
    assert re.fullmatch(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", value)
    assert len(value) <= 63


@pytest.mark.parametrize("task", ["a", "a" * 200, "group.task", "Ünï"])
def test_the_exact_ids_are_annotations(task: str) -> None:
    pod = build_pod(SETTINGS, Step(), IDENTITY.model_copy(update={"task_id": task}))
    assert pod.metadata.annotations["podbt.io/task-id"] == task


def expanded(text: str, variables: dict[str, str]) -> str:
    """What Kubernetes makes of an argument or a value: $(NAME) is that variable, $$ is a dollar, all else stays."""
    found, at = "", 0
    while at < len(text):
        if text[at] == "$" and text[at + 1 : at + 2] == "$":
            found, at = f"{found}$", at + 2
        elif (match := re.compile(r"\$\(([^)]*)\)").match(text, at)) and match[1] in variables:
            found, at = found + variables[match[1]], match.end()
        else:
            found, at = found + text[at], at + 1
    return found


@given(st.text("$()AB x", max_size=12), st.text("$()AB x", max_size=12))
def test_no_text_of_a_step_becomes_a_variable(variable: str, value: str) -> None:
    """With `vars={"x": "$(WAREHOUSE_PASSWORD)"}` a secret stood among the arguments of the process."""
    step = Step.from_dict({"vars": {"x": variable}, "env": {"PLAIN": value}})
    container = rendered(step)["spec"]["containers"][0]
    secrets = {"A": "secret", "B": "secret", "AB": "secret", "": "secret"}
    assert [expanded(word, secrets) for word in container["args"]] == step.arguments("prod")
    assert expanded({one["name"]: one.get("value") for one in container["env"]}["PLAIN"], secrets) == value
