"""The dbt image in a person's hands: `docker run IMAGE` takes dbt's own arguments."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.support.e2e import docker, kube
from tests.support.e2e.shell import DRIVER, ROOT, attempt, run

from podbt.contract.settings.kubernetes import Settings

pytestmark = pytest.mark.e2e

MODEL = "stg_opendental__patients"
OTHER_PROJECT = ROOT / "tests" / "support" / "projects" / "small"


@pytest.fixture(scope="module")
def server() -> Iterator[docker.Postgres]:
    image = kube.get("statefulset", "podbt-postgres")["spec"]["template"]["spec"]["containers"][0]["image"]
    with docker.postgres(image) as server:
        yield server


@pytest.fixture(scope="module")
def loaded(server: docker.Postgres, settings: Settings) -> docker.Postgres:
    """The server with a small practice in it, made by the image's own generator."""
    libpq = {
        "PGHOST": server.name,
        "PGPORT": "5432",
        "PGDATABASE": docker.DATABASE,
        "PGUSER": docker.USER,
        "PGPASSWORD": server.password,
    }
    given = [word for name in libpq for word in ("--env", name)]
    command = ("/project/demo_data", "--patients", "20", "--as-of", f"{datetime.now(UTC):%Y-%m-%d}")
    run(
        "docker", "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--network", server.name, *given,
        "--entrypoint", "python", settings.image, *command, env=libpq,
    )  # fmt: skip
    return server


def test_build_builds(loaded: docker.Postgres, settings: Settings) -> None:
    # Cautious: nothing else is built here, so tests that compare the model with others have nothing to compare with.
    done = docker.start(loaded, settings.image, "build", "--select", MODEL, "--indirect-selection", "cautious")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f" {MODEL}" in done.stdout
    assert "podbt: success: " in done.stdout
    built = loaded.psql(f"select table_schema from information_schema.tables where table_name = '{MODEL}'")
    assert int(loaded.psql(f"select count(*) from {built}.{MODEL}")) > 0


def test_a_wrong_password_is_one_line_and_code_2(
    loaded: docker.Postgres, settings: Settings, wrong_password: str
) -> None:
    done = docker.start(loaded, settings.image, "build", "--select", MODEL, password=wrong_password)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    refusal = f'password authentication failed for user "{docker.USER}"'
    assert line == f"podbt: The database refused the login: {refusal}. Check the profiles Secret."
    assert wrong_password not in done.stdout + done.stderr


def test_help_is_dbts(server: docker.Postgres, settings: Settings) -> None:
    done = docker.start(server, settings.image, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage:")
    assert "Run all seeds, models, snapshots, and tests in DAG order" in done.stdout


def test_ls_lists(server: docker.Postgres, settings: Settings) -> None:
    done = docker.start(server, settings.image, "--quiet", "ls", "--select", MODEL, "--resource-type", "model")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"dbt_dental_models.staging.opendental.{MODEL}"]


def test_an_unknown_model_is_a_code_of_its_own(loaded: docker.Postgres, settings: Settings) -> None:
    done = docker.start(loaded, settings.image, "build", "--select", "no_such_model")
    assert done.returncode == 7, done.stdout + done.stderr
    assert "matches no node" in done.stderr


@pytest.fixture
def other_image() -> Iterator[str]:
    """Another project's image, built by the one command that does it."""
    before = set(run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split())
    built = attempt(*DRIVER, "image", "--project", str(OTHER_PROJECT))
    assert built.returncode == 0, built.stdout + built.stderr
    name = built.stdout.strip().splitlines()[-1]
    yield name
    if name not in before:
        run("docker", "rmi", name)


def test_another_project_is_one_command(server: docker.Postgres, other_image: str) -> None:
    assert other_image.startswith("podbt-dbt-small:")
    # Its profile says 127.0.0.1: it runs beside the server.
    options = ("--network", f"container:{server.name}", "--env", "WAREHOUSE_PORT=5432")
    done = docker.start(server, other_image, "build", "--select", "good", "--exclude", "tag:fails", options=options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.psql("select id from small.good order by id").split() == ["1", "2", "3"]
