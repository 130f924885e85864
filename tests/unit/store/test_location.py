"""Addresses of stores, and what a wrong one is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from podbt.errors import ConfigError
from podbt.store.location import Location
from podbt.store.volume import Volume


@pytest.mark.parametrize(
    ("env", "said"),
    [
        pytest.param({"PODBT_ARTIFACTS": "ftp://x/y"}, "is not s3://bucket/prefix", id="another protocol"),
        pytest.param({"PODBT_ARTIFACTS": "s3://"}, "is not s3://bucket/prefix", id="no bucket"),
        pytest.param({"PODBT_ARTIFACTS": "s3://key:word@bucket/x"}, "is not s3://bucket/prefix", id="credentials"),
        pytest.param(
            {"PODBT_ARTIFACTS": "s3://bucket", "PODBT_ARTIFACTS_ENDPOINT_URL": "minio:9000"},
            "is not http(s)://host[:port]",
            id="no scheme",
        ),
    ],
)
def test_a_wrong_address_is_told_in_one_line(env: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        Location.read(env=env)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_is_a_volume_and_the_default() -> None:
    assert Location.read(env={}).open() == Volume(Path("/artifacts"))
    assert Location.read("here", env={"PODBT_ARTIFACTS": "s3://bucket"}).open() == Volume(Path("here"))


def test_a_store_is_called_by_its_address() -> None:
    location = Location(address="s3://bucket/team/", endpoint_url="http://127.0.0.1:1", region="eu-central-1")
    assert str(location.open()) == "s3://bucket/team"
    assert str(Location(address="here").open()) == "here"


def test_a_folder_imports_nothing_for_buckets(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from podbt.cli import main\n"
        "code = main(['runs', 'list', '--artifacts', sys.argv[1]])\n"
        "assert not {'obstore', 'podbt.store.bucket'} & set(sys.modules)\n"
        "sys.exit(code)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
