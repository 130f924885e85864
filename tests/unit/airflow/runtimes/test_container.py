"""The container that is really asked for: as tight as a pod, and equal for equal arguments."""

from typing import Any

import pytest
from tests.support.settings import DOCKER

from podbt.airflow.runtimes.container import build_container
from podbt.contract.record import RunIdentity
from podbt.contract.settings.common import amount
from podbt.contract.settings.docker import DockerSettings
from podbt.contract.step import Step

IDENTITY = RunIdentity(dag_id="dental", run_id="scheduled__2026-01-01T02:00:00+00:00", task_id="build", try_number=2)


def built(step: Step | None = None, configured: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    settings = DockerSettings.parse({**DOCKER, **changes}, source="test")
    return build_container(settings, step or Step(), IDENTITY, configured or {})


def environment(body: dict[str, Any]) -> dict[str, str]:
    return dict(item.split("=", 1) for item in body["Env"])


def test_it_is_restricted() -> None:
    body = built()
    host = body["HostConfig"]
    assert body["User"] == "65532:65532"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Privileged"] is False
    assert host["PidsLimit"] == 512
    assert host["Tmpfs"] == {"/tmp": f"rw,nosuid,nodev,mode=1777,size={2 * 2**30}"}
    assert host["RestartPolicy"] == {"Name": "no"}
    assert host["AutoRemove"] is False
    assert "Entrypoint" not in body


def test_the_step_and_its_identity_arrive() -> None:
    body = built(Step.of(select="tag:daily", allow_empty=True))
    assert body["Cmd"] == ["build", "--target", "prod", "--select", "tag:daily"]
    env = environment(body)
    assert RunIdentity.from_env(env) == IDENTITY
    assert env["PODBT_IMAGE"] == "dbt:1"
    assert env["PODBT_ARTIFACTS"] == "/artifacts"
    assert env["PODBT_ALLOW_EMPTY"] == "1"
    assert body["Labels"]["podbt.io/run-id"] == IDENTITY.run_id
    assert body["Labels"]["podbt.io/try-number"] == "2"


def test_nothing_configured_replaces_what_the_runner_is_told() -> None:
    env = environment(built(configured={"PODBT_DAG_ID": "other", "PASSWORD": "a=b"}))
    assert env["PODBT_DAG_ID"] == "dental"
    assert env["PASSWORD"] == "a=b"


def test_a_retry_finds_what_the_try_before_it_left() -> None:
    """The same store, and the same words to find it by, but for the number of the try."""
    settings = DockerSettings.parse(DOCKER, source="test")
    tries = [build_container(settings, Step(), IDENTITY.model_copy(update={"try_number": n}), {}) for n in (1, 2)]
    first, second = (environment(body) for body in tries)
    assert {name for name in first | second if first.get(name) != second.get(name)} == {"PODBT_TRY_NUMBER"}
    assert (first["PODBT_TRY_NUMBER"], second["PODBT_TRY_NUMBER"]) == ("1", "2")
    assert "PODBT_RESUME" not in second
    assert tries[0]["Cmd"] == tries[1]["Cmd"]
    store = [{"Type": "volume", "Source": "podbt-artifacts", "Target": second["PODBT_ARTIFACTS"], "ReadOnly": False}]
    for body in tries:
        assert [mount for mount in body["HostConfig"]["Mounts"] if not mount["ReadOnly"]] == store
    assert environment(built(Step(resume=False)))["PODBT_RESUME"] == "0"


@pytest.mark.parametrize(
    ("changes", "mounts"),
    [
        (
            {},
            [
                ("bind", "/srv/podbt/profiles.yml", "/etc/podbt/profiles/profiles.yml", True),
                ("volume", "podbt-artifacts", "/artifacts", False),
            ],
        ),
        (
            {"profiles": {"volume": "profiles"}, "artifacts": {"folder": "/srv/artifacts"}},
            [
                ("volume", "profiles", "/etc/podbt/profiles", True),
                ("bind", "/srv/artifacts", "/artifacts", False),
            ],
        ),
    ],
    ids=["file and volume", "volume and folder"],
)
def test_mounts(changes: dict[str, Any], mounts: list[tuple[Any, ...]]) -> None:
    found = built(**changes)["HostConfig"]["Mounts"]
    assert [(one["Type"], one["Source"], one["Target"], one["ReadOnly"]) for one in found] == mounts


def test_a_bucket_is_told_and_mounted_nowhere() -> None:
    bucket = {"url": "s3://runs/dental", "endpoint_url": "http://minio:9000", "region": "eu-central-1"}
    body = built(artifacts=bucket, configured={"AWS_SECRET_ACCESS_KEY": "key"})
    env = environment(body)
    told = {name: env[name] for name in env if name.startswith("PODBT_ARTIFACTS")}
    assert told == {
        "PODBT_ARTIFACTS": "s3://runs/dental",
        "PODBT_ARTIFACTS_ENDPOINT_URL": "http://minio:9000",
        "PODBT_ARTIFACTS_REGION": "eu-central-1",
    }
    assert env["AWS_SECRET_ACCESS_KEY"] == "key"
    assert [mount["Target"] for mount in body["HostConfig"]["Mounts"]] == ["/etc/podbt/profiles/profiles.yml"]


def test_resources_are_the_daemons() -> None:
    wanted = {"limits": {"cpu": "1500m", "memory": "2Gi"}, "requests": {"cpu": "0.5", "memory": "512M"}}
    host = built(resources=wanted)["HostConfig"]
    assert host["NanoCpus"] == 1_500_000_000
    assert host["Memory"] == host["MemorySwap"] == 2 * 2**30
    assert host["CpuShares"] == 512
    assert host["MemoryReservation"] == 512_000_000


@pytest.mark.parametrize(
    ("quantity", "number"),
    [("2", 2), ("250m", 0.25), ("1.5Gi", 1.5 * 2**30), ("3k", 3000), ("2T", 2e12), ("1Ki", 1024)],
)
def test_quantities(quantity: str, number: float) -> None:
    assert float(amount(quantity)) == number
