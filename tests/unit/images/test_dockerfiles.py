"""What every Dockerfile of the project promises, read from the files."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ("dbt", "airflow", "postgres")
PYTHON_IMAGES = ("dbt", "airflow")
# PostgreSQL's own licence differs; Airflow's and dbt-core's is podbt's.
LICENSES = {"dbt": "Apache-2.0", "airflow": "Apache-2.0", "postgres": "Apache-2.0 AND PostgreSQL"}
USERS = {"dbt": "65532:65532", "airflow": "65532:65532", "postgres": "999:999"}


# Of the one instruction that `make image` sends without it where there are no secrets.
SECRET_MOUNT = "--mount=type=secret,id=podbt "


def instructions(name: str) -> list[tuple[str, str]]:
    """Return a Dockerfile's instructions, their lines joined."""
    text = (ROOT / "images" / name / "Dockerfile").read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def stages(name: str) -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions(name):
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append((word, rest))
    return found


@pytest.mark.parametrize("name", IMAGES)
def test_base_is_an_argument_with_a_pinned_official_default(name: str) -> None:
    first = instructions(name)[0]
    assert first[0] == "ARG"
    match = re.fullmatch(r"BASE_IMAGE=([a-z]+):([\w.-]+)", first[1])
    assert match
    assert match[2] != "latest"
    bases = {stage[0][1].split()[0] for stage in stages(name)}
    names = {stage[0][1].split(" AS ")[1] for stage in stages(name) if " AS " in stage[0][1]}
    assert bases <= {"${BASE_IMAGE}"} | names
    assert stages(name)[-1][0][1] == "${BASE_IMAGE}"


@pytest.mark.parametrize("name", IMAGES)
def test_last_user_is_a_number(name: str) -> None:
    users = [rest for word, rest in stages(name)[-1] if word == "USER"]
    assert users[-1] == USERS[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


@pytest.mark.parametrize("name", IMAGES)
def test_labels_tell_version_revision_and_licence(name: str) -> None:
    final = stages(name)[-1]
    labels = " ".join(rest for word, rest in final if word == "LABEL")
    assert 'org.opencontainers.image.version="${VERSION}"' in labels
    assert 'org.opencontainers.image.revision="${REVISION}"' in labels
    assert f'org.opencontainers.image.licenses="{LICENSES[name]}"' in labels
    arguments = {rest.partition("=")[0] for word, rest in final if word == "ARG"}
    assert {"BASE_IMAGE", "VERSION", "REVISION"} <= arguments


@pytest.mark.parametrize("name", IMAGES)
def test_nothing_floats_and_no_builder_extras_are_needed(name: str) -> None:
    for word, rest in instructions(name):
        assert ":latest" not in rest
        if not (name == "dbt" and rest.startswith(SECRET_MOUNT)):
            assert "--mount" not in rest  # the builder without buildx knows none
        assert word != "ADD"
        assert not (word == "COPY" and "--chmod" in rest)


@pytest.mark.parametrize("name", PYTHON_IMAGES)
def test_dependencies_are_locked_and_come_before_code(name: str) -> None:
    lines = [f"{word} {rest}" for stage in stages(name) for word, rest in stage]
    install = next(index for index, line in enumerate(lines) if f"-r /opt/requirements/{name}.txt" in line)
    assert "--require-hashes" in lines[install]
    assert "--compile-bytecode" in lines[install]
    code = next(index for index, line in enumerate(lines) if line.startswith("COPY src/"))
    assert install < code
    for line in lines:
        if " pip install " in line or "/pip install" in line:
            assert "--require-hashes" in line or "--no-deps" in line


@pytest.mark.parametrize("name", PYTHON_IMAGES)
def test_final_stage_downloads_nothing(name: str) -> None:
    for word, rest in stages(name)[-1]:
        if word == "RUN":
            assert not re.search(r"\b(pip|uv|apt-get|curl|wget|git|gcc)\b", rest)
        if word == "COPY":
            assert "certificates" not in rest
            assert "/opt/build" not in rest


@pytest.mark.parametrize("name", PYTHON_IMAGES)
def test_everything_in_the_final_stage_belongs_to_root(name: str) -> None:
    copies = [rest for word, rest in stages(name)[-1] if word == "COPY"]
    assert copies
    assert not [rest for rest in copies if "--chown" in rest]


def test_dbt_image_runs_dbts_own_arguments() -> None:
    final = stages("dbt")[-1]
    assert ("ENTRYPOINT", '["podbt", "run", "--"]') in final
    environment = " ".join(rest for word, rest in final if word == "ENV")
    for setting in (
        "PODBT_PROJECT_DIR=/project",
        "PODBT_BAKED=/opt/podbt/baked",
        "PYTHONDONTWRITEBYTECODE=1",
        "HOME=/tmp",
    ):
        assert setting in environment
    assert "PODBT_VERSION=${VERSION}" in environment
    assert "PODBT_REVISION=${REVISION}" in environment


def test_airflow_image_leaves_the_command_to_the_chart() -> None:
    final = stages("airflow")[-1]
    assert "ENTRYPOINT" not in {word for word, _ in final}
    environment = " ".join(rest for word, rest in final if word == "ENV")
    assert "AIRFLOW_HOME=/opt/airflow" in environment
    assert "fernet" not in environment.lower()


def test_context_names_what_may_go_in() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    sources = {
        source
        for name in IMAGES
        for word, rest in instructions(name)
        if word == "COPY" and "--from" not in rest and "$" not in rest
        for source in rest.split()[:-1]
    }
    for source in sources:
        assert any(source.startswith(prefix.partition("*")[0]) for prefix in allowed), source


def test_a_secret_of_the_build_is_read_by_one_instruction_of_a_stage_that_is_thrown_away() -> None:
    mounted = [
        (place, rest) for place, stage in enumerate(stages("dbt")) for _, rest in stage if rest.startswith(SECRET_MOUNT)
    ]
    ((place, rest),) = mounted
    assert place < len(stages("dbt")) - 1
    assert "podbt plan " in rest
    assert "--secrets /run/secrets/podbt" in rest
    assert "--mount" not in rest.removeprefix(SECRET_MOUNT)
    # Of that stage only two folders go on, both of which podbt plan has looked through.
    copied = [rest for word, rest in stages("dbt")[-1] if word == "COPY" and "--from=project" in rest]
    assert {rest.split()[1] for rest in copied} == {"/project/", "/opt/podbt/baked/"}
    for word, rest in instructions("dbt"):
        if word == "ARG":
            assert not re.search("secret|token|password", rest, re.IGNORECASE)


def test_values_of_the_build_are_arguments_of_its_last_stage_but_one() -> None:
    arguments = [rest for word, rest in stages("dbt")[-2] if word == "ARG"]
    empty = {f'{name}=""' for name in ("TARGETS", "VARS", "ENV", "DEPS", "DBT_PACKAGE_HUB_URL")}
    assert {*empty, "PROJECT=project", "SUBFOLDER=."} <= set(arguments)
    assert not [
        rest for word, rest in stages("dbt")[-1] if word == "ARG" and rest.startswith(("ENV", "VARS", "TARGETS"))
    ]


def test_the_context_leaves_out_dbts_own_folders_and_none_of_that_name_elsewhere() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    for name in ("target", "logs", "dbt_packages"):
        assert f"*/{name}" in lines
        assert f"**/{name}" not in lines


@pytest.mark.parametrize("bundle", [True, False])
def test_certificates_are_used_where_the_machine_has_its_own(tmp_path: Path, *, bundle: bool) -> None:
    script = tmp_path / "with"
    script.write_bytes((ROOT / "images" / "certificates" / "with").read_bytes())
    if bundle:
        (tmp_path / "machine.pem").write_text("-----BEGIN CERTIFICATE-----")
    printed = subprocess.run(
        ["sh", str(script), "env"],
        env={"PATH": os.environ["PATH"], "PIP_INDEX_URL": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    variables = dict(line.split("=", 1) for line in printed.splitlines())
    expected = str(tmp_path / "machine.pem") if bundle else None
    assert {variables.get(name) for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")} == {expected}
    assert "PIP_INDEX_URL" not in variables


def test_package_index_is_told_to_uv_too() -> None:
    printed = subprocess.run(
        ["sh", str(ROOT / "images" / "certificates" / "with"), "env"],
        env={"PATH": os.environ["PATH"], "PIP_INDEX_URL": "https://index.example/simple"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "UV_DEFAULT_INDEX=https://index.example/simple" in printed


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("1.10", ""),
        ("1.8", "podbt: There is no image with dbt '1.8': DBT is one of 1.9, 1.10, 1.11.\n"),
        ("", "podbt: There is no image with dbt '': DBT is one of 1.9, 1.10, 1.11.\n"),
    ],
)
def test_the_dbt_image_takes_the_lock_of_the_release_that_is_asked_for(tmp_path: Path, release: str, said: str) -> None:
    (script,) = [rest for word, rest in stages("dbt")[0] if word == "RUN"]
    for locked in ("1.9", "1.10", "1.11"):
        (tmp_path / "locks").mkdir(exist_ok=True)
        (tmp_path / f"locks/dbt-{locked}.txt").write_text(locked)
    command = ["sh", "-c", script.replace("/opt", str(tmp_path))]
    ended = subprocess.run(command, env={**os.environ, "DBT": release}, capture_output=True, text=True, check=False)
    assert ended.stderr == said
    assert ended.returncode == (1 if said else 0)
    if not said:
        assert (tmp_path / "dbt.txt").read_text() == release
