"""Values that are fine one by one and contradict each other are refused, with the way out."""

from typing import Any

import pytest
from tests.support.chart.manifests import EVALUATION, PRODUCTION, WAREHOUSE, refusal, render

CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "two metadata databases": (
        {"metadata": {"existingSecret": "x"}},
        ("evaluationPostgres.enabled", "metadata.existingSecret", "Keep one"),
    ),
    "no metadata database": (
        {"evaluationPostgres": {"enabled": False}, "warehouse": {"existingSecret": "x"}},
        ("no metadata database", "metadata.existingSecret", "evaluationPostgres.enabled=true"),
    ),
    "no warehouse": (
        {"evaluationPostgres": {"enabled": False}, "metadata": {"existingSecret": "x"}},
        ("no warehouse", "dbt.profiles.existingSecret", "warehouse.existingSecret"),
    ),
    "two warehouses": (
        {"dbt": {"profiles": {"existingSecret": "x"}}, "warehouse": {"existingSecret": "y"}},
        ("dbt.profiles.existingSecret", "warehouse.existingSecret", "Keep one"),
    ),
    "two plans": (
        {"dbt": {"plan": {"path": "/plan.json"}}},
        ("dbt.plan.fromImage", "dbt.plan.path", "fromImage=false"),
    ),
    "a key of no stage": (
        {"dbt": {"signed": {"publicKey": "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"}}},
        ("dbt.signed.publicKey", "dbt.signed.stage"),
    ),
    "approved images, and one by tag": (
        {"dbt": {"signed": {"publicKey": "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", "stage": "prod"}}},
        ("dbt.signed.publicKey", "dbt.image.digest"),
    ),
    "unknown target": ({"dbt": {"target": "prd"}}, ("'prd'", "clinic, demo, local, prod")),
    "latest dbt image": ({"dbt": {"image": {"tag": "latest"}}}, ("dbt.image.tag", "latest", "dbt.image.digest")),
    "latest airflow image": ({"airflow": {"image": {"tag": "Latest"}}}, ("airflow.image.tag", "airflow.image.digest")),
    "unpinned image": ({"airflow": {"image": {"tag": ""}}}, ("airflow.image is not pinned", "airflow.image.tag")),
    "latest postgres image": (
        {"evaluationPostgres": {"image": {"tag": "latest"}}},
        ("evaluationPostgres.image.tag", "evaluationPostgres.image.digest"),
    ),
    "image without a name": ({"dbt": {"image": {"repository": ""}}}, ("dbt.image.repository is empty",)),
    "login for nobody": (
        {"admin": {"enabled": False, "existingSecret": "x"}},
        ("admin.existingSecret", "admin.enabled"),
    ),
    "node port without its type": (
        {"apiServer": {"service": {"type": "ClusterIP", "nodePort": 30080}}},
        ("nodePort", "ClusterIP", "NodePort"),
    ),
    "one account for all": (
        {"serviceAccounts": {"dbt": {"create": False, "name": "podbt-airflow"}}},
        ("same account", "serviceAccounts.dbt"),
    ),
    "rights for the default account": (
        {"serviceAccounts": {"airflow": {"create": False}}},
        ("default ServiceAccount", "rbac.create=false"),
    ),
    "claim for one pod": (
        {"artifacts": {"accessModes": ["ReadWriteOncePod"]}},
        ("artifacts.accessModes", "ReadWriteMany"),
    ),
    "claim nobody writes": ({"logs": {"accessModes": ["ReadOnlyMany"]}}, ("logs.accessModes", "no pod to write")),
    "two artifact stores": (
        {"artifacts": {"url": "s3://bucket/x", "existingClaim": "y"}},
        ("artifacts.url", "artifacts.existingClaim", "Keep one"),
    ),
    "a bucket's folder by sub path": (
        {"artifacts": {"url": "s3://bucket/x", "subPath": "y"}},
        ("artifacts.subPath", "into the url"),
    ),
    "a bucket's server without a bucket": (
        {"artifacts": {"endpointUrl": "https://objects.example.com"}},
        ("artifacts.endpointUrl", "artifacts.url is empty"),
    ),
    "a region of GCS": (
        {"artifacts": {"url": "gs://bucket/x", "region": "eu-central-1"}},
        ("artifacts.region", "GCS"),
    ),
    "logs on two nodes": (
        {"scheduler": {"nodeSelector": {"pool": "a"}}, "triggerer": {"nodeSelector": {"pool": "b"}}},
        ("logs is ReadWriteOnce", "logs.accessModes=[ReadWriteMany]"),
    ),
    "config that the chart owns": (
        {"airflow": {"config": {"core": {"executor": "CeleryExecutor"}}}},
        ("core.executor", "the chart sets itself"),
    ),
    "dags folder by config": (
        {"airflow": {"config": {"core": {"dags_folder": "/x"}}}},
        ("core.dags_folder", "the chart sets itself"),
    ),
    "secret in the config": (
        {"airflow": {"config": {"core": {"fernet_key": "k"}}}},
        ("core.fernet_key", "airflow.existingSecret"),
    ),
    "secret command in the config": (
        {"airflow": {"config": {"database": {"sql_alchemy_conn_cmd": "cat /x"}}}},
        ("database.sql_alchemy_conn_cmd", "metadata.existingSecret"),
    ),
}


def env(*names: str) -> dict[str, Any]:
    return {"airflow": {"extraEnv": [{"name": name, "value": "x"} for name in names]}}


def secret(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "secret": "s", "key": "k"} for name in names]


BUCKET = {"url": "s3://bucket/x"}
CASES |= {
    "another metadata database by environment": (
        env("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN, which the chart takes from a Secret", "metadata.existingSecret"),
    ),
    "the same by a command": (
        env("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD"),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD", "metadata.existingSecret"),
    ),
    "the same by a secrets backend": (
        env("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET"),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET", "metadata.existingSecret"),
    ),
    "the same by its old name": (env("AIRFLOW__CORE__SQL_ALCHEMY_CONN"), ("metadata.existingSecret",)),
    "the same without waiting": (env("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"), ("metadata.existingSecret",)),
    "fernet key by environment": (env("AIRFLOW__CORE__FERNET_KEY"), ("AIRFLOW__CORE__FERNET_KEY", "existingSecret")),
    "token key by a command": (env("AIRFLOW__API_AUTH__JWT_SECRET_CMD"), ("JWT_SECRET_CMD", "airflow.existingSecret")),
    "executor by environment": (env("AIRFLOW__CORE__EXECUTOR"), ("AIRFLOW__CORE__EXECUTOR", "the chart sets itself")),
    "settings file by environment": (env("PODBT_SETTINGS"), ("PODBT_SETTINGS, which the chart sets itself", "Remove")),
    "home by environment": (env("FINE", "HOME"), ("HOME, which the chart sets itself",)),
    "admin by environment": (env("ADMIN_PASSWORD"), ("ADMIN_PASSWORD, which the chart sets itself",)),
    "address of notifications by environment": (
        {"airflow": env("PODBT_NOTIFY_URL")["airflow"] | {"notifications": {"existingSecret": "chat"}}},
        ("PODBT_NOTIFY_URL, which the chart sets itself",),
    ),
    "a variable of Airflow twice": (env("A", "B", "A"), ("airflow.extraEnv has A twice. Keep one",)),
    "a variable of dbt twice": (
        {"dbt": {"secretEnv": secret("A", "A")}},
        ("A twice, from dbt.secretEnv and from dbt.secretEnv. Keep one",),
    ),
    "a variable of dbt from two places": (
        {"dbt": {"secretEnv": secret("A")}, "artifacts": BUCKET | {"secretEnv": secret("A")}},
        ("A twice, from dbt.secretEnv and from artifacts.secretEnv",),
    ),
    "a plain variable of dbt that is a secret, too": (
        {"dbt": {"env": {"A": "x"}, "secretEnv": [{"name": "A", "secret": "s", "key": "k"}]}},
        ("A twice, from dbt.env and from dbt.secretEnv",),
    ),
    "a plain variable that is podbt's": (
        {"dbt": {"env": {"PODBT_ARTIFACTS": "x"}}},
        ("dbt.env sets PODBT_ARTIFACTS, which podbt sets itself",),
    ),
    "a variable of the warehouse twice": (
        {"dbt": {"secretEnv": secret("WAREHOUSE_HOST")}, "warehouse": {"existingSecret": "w"}},
        ("WAREHOUSE_HOST twice, from dbt.secretEnv and from warehouse.existingSecret",),
    ),
    "what podbt tells dbt pods": (
        {"dbt": {"secretEnv": secret("PODBT_RUN_ID")}},
        ("dbt.secretEnv sets PODBT_RUN_ID, which podbt sets itself",),
    ),
}


@pytest.mark.parametrize(("values", "words"), CASES.values(), ids=CASES.keys())
def test_refused(values: dict[str, Any], words: tuple[str, ...]) -> None:
    message = refusal(EVALUATION, **values)
    for word in words:
        assert word in message, message


def test_several_nodes_are_fine_with_volumes_for_several_nodes() -> None:
    many = {"accessModes": ["ReadWriteMany"]}
    selectors = {"dbt": {"nodeSelector": {"pool": "batch"}}, "apiServer": {"nodeSelector": {"pool": "web"}}}
    assert render(EVALUATION, artifacts=many, logs=many, **selectors).objects
    assert render(
        WAREHOUSE, apiServer={"nodeSelector": {"pool": "a"}}, scheduler={"nodeSelector": {"pool": "b"}}
    ).objects


def test_what_the_chart_leaves_open_may_be_set_by_environment() -> None:
    names = [
        "AIRFLOW_VAR_REGION",
        "AIRFLOW__EMAIL__FROM_EMAIL",
        "AIRFLOW__METRICS__STATSD_ON",
        "ADMIN_EMAIL",
        "PGSSLMODE",
    ]
    rendered = render(EVALUATION, admin={"enabled": False}, **env(*names))
    for component in ("api-server", "scheduler", "dag-processor", "triggerer"):
        given = [one["name"] for one in rendered.pod(component).main["env"]]
        assert given[-len(names) :] == names
        assert len(set(given)) == len(given)


def test_any_target_goes_with_an_own_profile() -> None:
    assert "target: clinic_east" in render(PRODUCTION).settings_text()


def test_the_message_comes_without_values_at_all() -> None:
    assert "Set " in refusal()
