"""What the container's environment says, validated before anything runs."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from podbt import constants
from podbt.contract.kinds import FreshnessMode, OnMissingState, Output
from podbt.contract.record import RunIdentity
from podbt.errors import ConfigError
from podbt.runner.process.lineage_server import LineageServer
from podbt.runner.process.scratch import Workspace
from podbt.runner.process.telemetry_server import TelemetryServer
from podbt.store.location import Location
from podbt.store.store import Store

Choice = TypeVar("Choice", FreshnessMode, OnMissingState, Output)
MANUAL_DAG_ID = "manual"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What the runner was told.

    Attributes:
        identity: Which task instance this is; made up for a person's run.
        orchestrated: Whether the identity came from outside.
        workspace: Where dbt finds and leaves things.
        artifacts: The artifact store; None where a person mounted none.
        instance: The installation that it is run by; None where nobody said.
        expect_plan: Hash of the plan that the DAG was built from.
        on_missing_state: What to do where the state that is asked for does not exist.
        freshness: What a source that is too old means; None: sources are not looked at.
        connection_wait_seconds: How long to try again to reach the database before the first node.
        lock_tables: Whether to wait for other runs that write the same tables, for how many seconds at most.
        resume: Whether to go on where an earlier try stopped.
        events: Whether to print progress for machines.
        dbts_output: Whether dbt prints to the console itself.
        grace_seconds: Time between SIGTERM and SIGKILL.
        lineage: Who is told of the run's lineage; None: nobody.
        telemetry: Who is told of its trace and metrics; None: nobody.
    """

    identity: RunIdentity
    orchestrated: bool
    workspace: Workspace
    artifacts: Store | None
    instance: str | None
    image: str | None
    revision: str | None
    allow_empty: bool
    expect_plan: str | None
    on_missing_state: OnMissingState
    freshness: FreshnessMode | None
    connection_wait_seconds: int
    lock_tables: bool
    queue_timeout_seconds: int
    termination_log: Path | None
    resume: bool
    events: bool
    dbts_output: bool
    grace_seconds: float
    lineage: LineageServer | None = None
    telemetry: TelemetryServer | None = None

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> "Environment":
        """Reads and checks the environment.

        Raises:
            ConfigError: A variable is wrong or a file that dbt needs is missing.
            ArtifactError: The artifact store is asked for but cannot take a run.
        """
        given = RunIdentity.from_env(env)
        project = Path(env.get(constants.ENV_PROJECT_DIR) or Path.cwd())
        if not (project / "dbt_project.yml").is_file():
            raise ConfigError(
                f"No dbt_project.yml in '{project}'. Set {constants.ENV_PROJECT_DIR} to the dbt project's folder."
            )
        baked = Path(env[constants.ENV_BAKED]) if env.get(constants.ENV_BAKED) else None
        log = termination_log(env)
        return cls(
            identity=given or _manual_identity(),
            orchestrated=given is not None,
            workspace=Workspace(
                project=project,
                profiles=_profiles_folder(env, project),
                scratch=Path(env.get(constants.ENV_SCRATCH) or constants.SCRATCH_PATH) / "podbt",
                baked=baked if baked and baked.is_dir() else None,
            ),
            artifacts=_artifacts(env, required=given is not None),
            instance=env.get(constants.ENV_INSTANCE) or None,
            image=env.get(constants.ENV_IMAGE) or None,
            revision=env.get(constants.ENV_REVISION) or None,
            allow_empty=_flag(env, constants.ENV_ALLOW_EMPTY),
            expect_plan=env.get(constants.ENV_EXPECT_PLAN) or None,
            on_missing_state=_choice(env, constants.ENV_ON_MISSING_STATE, OnMissingState) or OnMissingState.FAIL,
            freshness=_choice(env, constants.ENV_FRESHNESS, FreshnessMode),
            connection_wait_seconds=_seconds(env, constants.ENV_CONNECTION_WAIT),
            lock_tables=_flag(env, constants.ENV_LOCK_TABLES, default=True),
            queue_timeout_seconds=_seconds(env, constants.ENV_QUEUE_TIMEOUT, constants.QUEUE_TIMEOUT_SECONDS),
            termination_log=log if given is not None and log.exists() and os.access(log, os.W_OK) else None,
            resume=_flag(env, constants.ENV_RESUME, default=True),
            events=_flag(env, constants.ENV_EVENTS),
            dbts_output=_choice(env, constants.ENV_OUTPUT, Output) is Output.DBT,
            grace_seconds=_grace(env),
            lineage=LineageServer.read(env),
            telemetry=TelemetryServer.read(env),
        )


def _choice(env: Mapping[str, str], name: str, choices: type[Choice]) -> Choice | None:
    value = _one_of(env, name, tuple(choices))
    return None if value is None else choices(value)


def _one_of(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    value = env.get(name)
    if value and value not in choices:
        raise ConfigError(f"{name} is '{value}'. Set it to {' or '.join(choices)}.")
    return value or None


def _flag(env: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    return (_one_of(env, name, ("0", "1")) or str(int(default))) == "1"


def _seconds(env: Mapping[str, str], name: str, default: int = 0) -> int:
    value = env.get(name) or str(default)
    if not value.isdecimal():
        raise ConfigError(f"{name} is '{value}'. Set it to a whole number of seconds.")
    return int(value)


def _grace(env: Mapping[str, str]) -> float:
    """What the pod builder says; where nobody does, what `docker stop` grants."""
    text = env.get(constants.ENV_GRACE) or "10"
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise ConfigError(f"{constants.ENV_GRACE} is '{text}'. Set it to a number of seconds above 0.")
    return seconds


def termination_log(env: Mapping[str, str] = os.environ) -> Path:
    """The file that takes the summary, where it exists: the kubelet's, or the one that another runtime made for it."""
    return Path(env.get(constants.ENV_TERMINATION_LOG) or constants.TERMINATION_LOG)


def _manual_identity() -> RunIdentity:
    stamp = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime())
    return RunIdentity(dag_id=MANUAL_DAG_ID, run_id=f"{stamp}-{os.urandom(2).hex()}", task_id="dbt")


def _profiles_folder(env: Mapping[str, str], project: Path) -> Path:
    """The mounted Secret where there is one, else the project's own template."""
    asked = env.get("DBT_ENGINE_PROFILES_DIR") or env.get("DBT_PROFILES_DIR")
    candidates = [Path(asked)] if asked else [Path(constants.PROFILES_PATH), project]
    for folder in candidates:
        file = folder / constants.PROFILES_FILE
        if not file.is_file():
            continue
        if not os.access(file, os.R_OK):
            raise ConfigError(f"'{file}' is not readable by user {os.getuid()}. Mount it with a mode that lets it be.")
        return folder
    places = " or ".join(f"'{folder}'" for folder in candidates)
    raise ConfigError(
        f"No {constants.PROFILES_FILE} in {places}. Mount the profiles Secret at {constants.PROFILES_PATH}."
    )


def _artifacts(env: Mapping[str, str], *, required: bool) -> Store | None:
    """The artifact store. A bucket is asked nothing here: reserving the run's folder in it tells."""
    store = Location.read(env=env).open()
    if not (env.get(constants.ENV_ARTIFACTS) or required or store.writable):
        return None
    store.check()
    return store
