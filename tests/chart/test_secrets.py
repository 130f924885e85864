"""Secrets stay in Secrets, and each of them can be brought along instead of generated."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.chart.manifests import (
    CHART,
    EVALUATION,
    IDS,
    NAMESPACE,
    PRODUCTION,
    SCENARIOS,
    WAREHOUSE,
    Manifests,
    render,
    run_helm,
)

URL_SAFE_KEY = re.compile(r"^[A-Za-z0-9_-]{43}=$")
PUBLIC = {"username", "user", "host", "port", "database"}


def content(secret: dict[str, Any]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def secret(manifests: Manifests, name: str) -> dict[str, str]:
    return content(manifests.get("Secret", name))


def env(manifests: Manifests, component: str) -> dict[str, Any]:
    return {one["name"]: one.get("valueFrom", one.get("value")) for one in manifests.pod(component).main["env"]}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=IDS)
def test_no_secret_value_outside_secrets(scenario: Path) -> None:
    manifests = render(scenario)
    others = yaml.safe_dump([one for one in manifests.objects if one["kind"] != "Secret"])
    hidden = {
        value
        for one in manifests.of_kind("Secret").values()
        for key, value in content(one).items()
        if key not in PUBLIC
    }
    for value in hidden:
        assert value not in others
        assert base64.b64encode(value.encode()).decode() not in others


def test_generated_keys_have_the_form_their_readers_ask_for() -> None:
    manifests = render(EVALUATION)
    keys = secret(manifests, "podbt-airflow")
    assert set(keys) == {"fernet-key", "jwt-secret", "api-secret-key"}
    assert URL_SAFE_KEY.match(keys["fernet-key"])
    assert len(base64.urlsafe_b64decode(keys["fernet-key"])) == 32
    # HS512 wants a key of at least 64 bytes.
    assert len(keys["jwt-secret"]) >= 64
    assert len(keys["api-secret-key"]) >= 64
    admin = secret(manifests, "podbt-admin")
    assert admin["username"] == "admin"
    assert len(admin["password"]) >= 20


def test_generated_values_differ_from_each_other() -> None:
    manifests = render(EVALUATION)
    values = [
        value
        for one in manifests.of_kind("Secret").values()
        for key, value in content(one).items()
        if key not in PUBLIC and key not in {"connection", "profiles.yml"}
    ]
    assert len(values) == len(set(values)) == 7


def test_one_password_in_all_places_that_use_it() -> None:
    manifests = render(EVALUATION)
    metadata = secret(manifests, "podbt-metadata")
    assert metadata["connection"] == f"postgresql+psycopg2://airflow:{metadata['password']}@podbt-postgres:5432/airflow"
    warehouse = secret(manifests, "podbt-warehouse")
    assert set(warehouse) == {"host", "port", "database", "user", "password"}
    profiles = yaml.safe_load(secret(manifests, "podbt-profiles")["profiles.yml"])
    for output in profiles["dbt_dental_models"]["outputs"].values():
        assert output["password"] == warehouse["password"]
        assert output["host"] == warehouse["host"]
        assert output["port"] == int(warehouse["port"])
        assert output["dbname"] == warehouse["database"]
        assert output["user"] == warehouse["user"]


def test_profile_of_the_evaluation_database() -> None:
    profiles = yaml.safe_load(secret(render(EVALUATION), "podbt-profiles")["profiles.yml"])
    assert list(profiles) == ["dbt_dental_models"]
    profile = profiles["dbt_dental_models"]
    assert profile["target"] == "prod"
    assert {name: output["schema"] for name, output in profile["outputs"].items()} == {
        "local": "dbt_local",
        "demo": "dbt_demo",
        "clinic": "analytics_clinic",
        "prod": "analytics",
        "review": "dbt_review",
    }
    assert {output["type"] for output in profile["outputs"].values()} == {"postgres"}
    assert {output["threads"] for output in profile["outputs"].values()} == {4}


def test_profile_of_an_existing_warehouse() -> None:
    manifests = render(WAREHOUSE)
    text = secret(manifests, "podbt-pipelines-profiles")["profiles.yml"]
    profile = yaml.safe_load(text)["dbt_dental_models"]
    assert list(profile["outputs"]) == ["analytics", "review"]
    output = profile["outputs"]["analytics"]
    assert output["sslmode"] == "verify-full"
    assert output["threads"] == 8
    variables = set(re.findall(r"env_var\(\"(\w+)\"\)", text))
    given = {one["name"]: one for one in yaml.safe_load(manifests.settings_text())["secret_env"]}
    assert variables == set(given)
    for name, one in given.items():
        assert one["secret"] == "warehouse-login"
        assert one["key"] == name.removeprefix("WAREHOUSE_").lower()


def test_an_existing_warehouse_wins_over_the_evaluation_database() -> None:
    manifests = render(EVALUATION, warehouse={"existingSecret": "warehouse-login"})
    text = secret(manifests, "podbt-profiles")["profiles.yml"]
    assert secret(manifests, "podbt-warehouse")["password"] not in text
    assert 'env_var("WAREHOUSE_PASSWORD")' in text


def test_existing_secrets_replace_generated_ones() -> None:
    manifests = render(PRODUCTION)
    assert manifests.of_kind("Secret") == {}
    for component in ("api-server", "scheduler", "dag-processor", "triggerer", "migrate"):
        variables = env(manifests, component)
        metadata = {"secretKeyRef": {"name": "airflow-metadata", "key": "uri"}}
        assert variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == metadata
        for variable, key in {
            "AIRFLOW__CORE__FERNET_KEY": "fernet-key",
            "AIRFLOW__API_AUTH__JWT_SECRET": "jwt-secret",
            "AIRFLOW__API__SECRET_KEY": "api-secret-key",
        }.items():
            assert variables[variable] == {"secretKeyRef": {"name": "airflow-keys", "key": key}}
    assert env(manifests, "migrate")["ADMIN_PASSWORD"] == {"secretKeyRef": {"name": "airflow-admin", "key": "password"}}
    settings = yaml.safe_load(manifests.settings_text())
    assert settings["profiles_secret"] == {"name": "dbt-profiles", "key": "production.yml"}


def test_the_password_is_on_no_command_line() -> None:
    for component in ("migrate", "postgres"):
        for container in render(EVALUATION).pod(component).containers:
            assert not re.search("password", str(container.get("args")), re.IGNORECASE)
    main = render(EVALUATION).pod("migrate").main
    assert main["args"] == ["python", "/etc/podbt-scripts/prepare_access.py"]


def test_without_an_admin_the_job_knows_no_login() -> None:
    assert "ADMIN_PASSWORD" in env(render(EVALUATION), "migrate")
    assert not [name for name in env(render(WAREHOUSE), "migrate") if name.startswith("ADMIN_")]
    assert not [name for name in render(WAREHOUSE).of_kind("Secret") if name.endswith("-admin")]


def test_notes_tell_how_to_read_the_login_and_never_the_login() -> None:
    result = run_helm("install", "podbt", CHART, "--namespace", NAMESPACE, "--values", EVALUATION, "--dry-run=client")
    assert result.returncode == 0, result.stderr
    manifest, _, notes = result.stdout.partition("NOTES:")
    assert "get secret podbt-admin" in notes
    assert "http://127.0.0.1:30080" in notes
    assert "not for production" in notes
    secrets = [one for one in yaml.safe_load_all(manifest.partition("MANIFEST:")[2]) if one and one["kind"] == "Secret"]
    assert len(secrets) == 6
    for one in secrets:
        for key, value in content(one).items():
            assert key in PUBLIC or value not in notes
