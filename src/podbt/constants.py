"""File names, environment variables and label keys that more than one part of podbt spells out."""

from typing import Final

ENV_PREFIX: Final = "PODBT_"
NOT_FOR_DBT: Final = ("AIRFLOW", ENV_PREFIX)
"""How names begin that nobody may set for dbt: Airflow's configuration and connections, and podbt's own."""

# Environment of a dbt container. The pod builder writes these, the runner reads them.
ENV_ARTIFACTS: Final = "PODBT_ARTIFACTS"
ENV_ARTIFACTS_ENDPOINT: Final = "PODBT_ARTIFACTS_ENDPOINT_URL"
ENV_ARTIFACTS_REGION: Final = "PODBT_ARTIFACTS_REGION"
ENV_SCRATCH: Final = "PODBT_SCRATCH"
ENV_DAG_ID: Final = "PODBT_DAG_ID"
ENV_TASK_ID: Final = "PODBT_TASK_ID"
ENV_RUN_ID: Final = "PODBT_RUN_ID"
ENV_MAP_INDEX: Final = "PODBT_MAP_INDEX"
ENV_TRY_NUMBER: Final = "PODBT_TRY_NUMBER"
ENV_IMAGE: Final = "PODBT_IMAGE"
ENV_ALLOW_EMPTY: Final = "PODBT_ALLOW_EMPTY"
ENV_RESUME: Final = "PODBT_RESUME"  # "0": run in full, whatever an earlier try did
ENV_EVENTS: Final = "PODBT_EVENTS"  # "1": print progress for machines, see podbt.contract.events
ENV_INSTANCE: Final = "PODBT_INSTANCE"  # whose run it is, see RunSettings.instance
ENV_OUTPUT: Final = "PODBT_OUTPUT"  # see podbt.contract.kinds.Output
ENV_GRACE: Final = "PODBT_GRACE_SECONDS"  # between SIGTERM and SIGKILL
ENV_EXPECT_PLAN: Final = "PODBT_EXPECT_PLAN"  # hash of the plan that the DAG was built from
ENV_ON_MISSING_STATE: Final = "PODBT_ON_MISSING_STATE"  # see podbt.contract.kinds.OnMissingState
ENV_FRESHNESS: Final = "PODBT_FRESHNESS"  # podbt.contract.kinds.FreshnessMode; unset: not looked at
ENV_CONNECTION_WAIT: Final = "PODBT_CONNECTION_WAIT_SECONDS"
ENV_LOCK_TABLES: Final = "PODBT_LOCK_TABLES"
ENV_QUEUE_TIMEOUT: Final = "PODBT_QUEUE_TIMEOUT"
ENV_QUEUED_AT: Final = "PODBT_QUEUED_AT"  # when the try came to be in Airflow, and when its pod was asked for
ENV_SUBMITTED_AT: Final = "PODBT_SUBMITTED_AT"
QUEUE_TIMEOUT_SECONDS: Final = 3600
# The same where there is no kubelet: an existing file that takes the summary instead of /dev/termination-log, and the
# seconds that a run gets once its standard input ends, because whoever started it is gone.
ENV_TERMINATION_LOG: Final = "PODBT_TERMINATION_LOG"
ENV_STDIN_GUARD: Final = "PODBT_STDIN_GUARD"
# Baked into the dbt image by its Dockerfile.
ENV_REVISION: Final = "PODBT_REVISION"
ENV_PROJECT_DIR: Final = "PODBT_PROJECT_DIR"
ENV_BAKED: Final = "PODBT_BAKED"
# Read by Airflow's components.
ENV_SETTINGS: Final = "PODBT_SETTINGS"
ENV_NOTIFY_URL: Final = "PODBT_NOTIFY_URL"
ENV_PAGE: Final = "PODBT_PAGE"  # "0": no pages in Airflow's UI
ENV_PAGE_INDEX: Final = "PODBT_PAGE_INDEX"  # the folder of the pages' index, see podbt.web.index
SETTINGS_PATH: Final = "/etc/podbt/settings.yaml"

ARTIFACTS_PATH: Final = "/artifacts"
SCRATCH_PATH: Final = "/tmp"  # noqa: S108 - the one writable emptyDir of a container with a read-only root
PROFILES_PATH: Final = "/etc/podbt/profiles"
PROFILES_FILE: Final = "profiles.yml"
TERMINATION_LOG: Final = "/dev/termination-log"
TERMINATION_MESSAGE_BYTES: Final = 4096  # the kubelet keeps no more

RUN_FILE: Final = "run.json"
ALIVE_FILE: Final = "alive.json"  # beside the journal of a run that has not ended
COMPILED_FOLDER: Final = "compiled"
NODES_FILE: Final = "nodes.jsonl"
NODES_FOLDER: Final = "nodes"  # in a bucket, until the run is published: nodes/000001.jsonl, …
RUN_RESULTS_FILE: Final = "run_results.json"
SOURCES_FILE: Final = "sources.json"
MANIFEST_FILE: Final = "manifest.json"
PLAN_FILE: Final = "plan.json"
PARTIAL_PARSE_FILE: Final = "partial_parse.msgpack"
LOG_FILE: Final = "dbt.log"

INSTANCE: Final = "airflow"
"""The installation whose settings name none, outside of Kubernetes."""
CONTAINER_NAME: Final = "dbt"
USER: Final = 65532
"""Who dbt is in every container, and which group: the image's own user."""
LABEL_PREFIX: Final = "podbt.io"
INSTANCE_LABEL: Final = f"{LABEL_PREFIX}/instance"
"""Of pods and containers: the installation that made them, see RunSettings.instance."""
