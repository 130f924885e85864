"""Secrets are found by the names people give them, and masking never breaks a file."""

import io
import json
import re
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from podbt.runner.process.redact import RedactedStream, Redactor


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "DBT_PASSWORD_CLINIC",
        "PG_PWD",
        "API_TOKEN",
        "WAREHOUSE_PASS",
        "MY_SECRET",
        "PRIVATE_KEY_PEM",
        "SNOWFLAKE_PASSCODE",
        "KEY_PASSPHRASE",
        "DB_PASS_CLINIC",
        "DB_PW",
        "AZURE_ACCOUNT_KEY",
        "ACCESS_KEY",
        "GH_JWT",
    ],
)
def test_a_secret_is_known_by_its_variables_name(name: str) -> None:
    assert Redactor.collect(None, {name: "hunter22"}).text("x hunter22 y") == "x ***** y"


@pytest.mark.parametrize("name", ["PWD", "PASSENGERS", "PATH", "OLDPWD", "AWS_ACCESS_KEY_ID", "SPWD", "PWDX"])
def test_ordinary_variables_stay(name: str) -> None:
    assert Redactor.collect(None, {name: "ordinary"}).text("x ordinary y") == "x ordinary y"


def test_a_secret_of_the_profile_is_found_and_a_template_is_none(tmp_path: Path) -> None:
    file = tmp_path / "profiles.yml"
    file.write_text("p: {outputs: {a: {pass: geheim-1}, b: {password: \"{{ env_var('X') }}\", user: dbt}}}")
    assert Redactor.collect(file, {}).text("geheim-1 {{ env_var('X') }} dbt") == "***** {{ env_var('X') }} dbt"


def test_masking_keeps_json_whole(tmp_path: Path) -> None:
    file = tmp_path / "run_results.json"
    file.write_text(json.dumps({"at": 1700012345.12, "text": 'a"b\\c', "n": "12345"}))
    Redactor({"12345", 'a"b\\c'}).file(file)
    assert json.loads(file.read_text()) == {
        "at": 1700012345.12,
        "text": "*****secret.1*****",
        "n": "*****secret.0*****",
    }


def test_no_way_to_write_text_passes_by_the_mask() -> None:
    behind = io.StringIO()
    stream = RedactedStream(behind, Redactor({"hunter22"}))
    stream.write("a hunter22\n")
    stream.writelines(["b hunter22\n"])
    print("c", "hunter22", file=stream)
    assert behind.getvalue() == "a *****\nb *****\nc *****\n"
    assert stream.written == len("a hunter22\n" * 3)


@pytest.mark.parametrize(
    ("profile", "secrets"),
    [
        pytest.param({"pwd": "one-1"}, ["one-1"], id="pwd"),
        pytest.param({"pass": "one-1", "passphrase": "two-2"}, ["one-1", "two-2"], id="pass and passphrase"),
        pytest.param({"private_key_passphrase": "one-1"}, ["one-1"], id="part of a name"),
        pytest.param({"session_token": "one-1", "passcode": "two-2"}, ["one-1", "two-2"], id="tokens"),
        pytest.param({"credentials": {"a": "one-1", "b": {"c": ["two-2"]}}}, ["one-1", "two-2"], id="below a name"),
        pytest.param({"token": [{"value": "one-1"}, "two-2"]}, ["one-1", "two-2"], id="list below a name"),
        pytest.param({"attach": [{"options": {"secret": "one-1"}}]}, ["one-1"], id="in a list of dicts"),
        pytest.param({"keyfile_json": {"private_key": "one-1", "x": "two-2"}}, ["one-1", "two-2"], id="key file"),
        pytest.param({"password": 123456}, ["123456"], id="a number"),
        pytest.param({"password": "{{ env_var('X', 'one-1') }}"}, ["one-1"], id="default"),
        pytest.param({"password": '{{ env_var("X", "one-1") }}'}, ["one-1"], id="default in double quotes"),
        pytest.param({"host": "{{ env_var('API_TOKEN', 'one-1') }}"}, ["one-1"], id="default of a named variable"),
        pytest.param({"password": "{{ env_var('X') | default('one-1') }}"}, ["one-1"], id="another default"),
        pytest.param({"password": "{{ env_var('GIVEN', 'one-1') }}"}, ["given-3", "one-1"], id="given and default"),
        pytest.param({"host": "https://dbt:one-1@warehouse"}, ["one-1"], id="URL"),
        pytest.param({"host": "{{ env_var('X', 'https://dbt:one-1@w') }}"}, ["one-1"], id="URL as a default"),
        pytest.param({"dsn": "host=w user=dbt password='one 1' x=y"}, ["one 1"], id="libpq"),
        pytest.param({"odbc": "Driver={x};Uid=dbt;PWD={one;1};"}, ["one;1"], id="ODBC"),
    ],
)
def test_a_profile_hides_no_secret(tmp_path: Path, profile: dict[str, object], secrets: list[str]) -> None:
    file = tmp_path / "profiles.yml"
    file.write_text(json.dumps({"p": {"outputs": {"prod": {"type": "x", "user": "reader", **profile}}}}))
    text = Redactor.collect(file, {"GIVEN": "given-3"}).text(f"reader {' '.join(secrets)}")
    assert text.startswith("reader ")
    for secret in secrets:
        assert secret not in text


def test_a_key_files_names_stay(tmp_path: Path) -> None:
    key = {"type": "service_account", "project_id": "acme-dwh", "token_uri": "https://x/token", "private_key": "k-123"}
    (tmp_path / "profiles.yml").write_text(json.dumps({"p": {"outputs": {"a": {"keyfile_json": key}}}}))
    text = Redactor.collect(tmp_path / "profiles.yml", {}).text("acme-dwh.raw service_account https://x/token k-123")
    assert text == "acme-dwh.raw service_account https://x/token *****"


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        pytest.param("DATABASE_URL", "postgresql://dbt:hunter22@db:5432/x?a=b@c", "hunter22", id="URL"),
        pytest.param("DATABASE_URL", "postgresql://dbt:p%40ss%2Fw@db/x", "p@ss/w", id="encoded URL"),
        pytest.param("DATABASE_URL", "postgresql://dbt:p%40ss%2Fw@db/x", "p%40ss%2Fw", id="as it stands there"),
        pytest.param("DATABASE_URL", "postgresql://dbt:hun/ter22@db/x", "hun/ter22", id="a slash as it is"),
        pytest.param("DATABASE_URL", "postgresql://db/x?user=dbt&password=hunter%2122", "hunter!22", id="query"),
        pytest.param("WAREHOUSE_DSN", "host=db user=dbt password=hunter22 dbname=x", "hunter22", id="DSN"),
        pytest.param("WAREHOUSE_DSN", "Server=db;Uid=dbt;Pwd=hunter22;", "hunter22", id="ADO"),
        pytest.param("REDIS_URLS", "redis://a:first-1@x/0,redis://b:hunter22@y/0", "hunter22", id="several URLs"),
        pytest.param("HTTPS_PROXY", "http://me:hunter22@proxy:3128", "hunter22", id="proxy"),
        pytest.param("AIRFLOW_CONN_X", '{"login": "dbt", "password": "hunter22"}', "hunter22", id="JSON"),
    ],
)
def test_a_password_within_a_variable_is_found(name: str, value: str, secret: str) -> None:
    redactor = Redactor.collect(None, {name: value})
    assert redactor.text(f"dbt {secret} db") == "dbt ***** db"
    assert secret not in redactor.text(value)


@pytest.mark.parametrize("secret", ["p@ss:w/rd 1+2", "ä&ö!=(x)*'", "100%sure#?"])
def test_a_password_is_masked_however_a_url_encodes_it(secret: str) -> None:
    redactor = Redactor({secret})
    forms = [quote(secret, safe=safe) for safe in ("", "/", "!*'()", "!$&'()*+,;=", " +")]
    forms += [quote_plus(secret), quote(quote(secret, safe=""), safe=""), "".join(f"%{b:02x}" for b in secret.encode())]
    forms += [re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), form) for form in forms]
    for form in forms:
        assert redactor.text(f"postgresql://dbt:{form}@db/x") == "postgresql://dbt:*****@db/x", form
        assert redactor.content(f"x{form}y".encode()) == b"x*****y"
