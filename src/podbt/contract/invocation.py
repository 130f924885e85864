"""The environment of one run of the runner: the same on every runtime, so that the same run comes of it."""

from podbt import constants
from podbt.contract.kinds import OnMissingState
from podbt.contract.record import RunIdentity
from podbt.contract.settings.bucket import Bucket
from podbt.contract.settings.common import RunSettings
from podbt.contract.settings.observed import told_to
from podbt.contract.step import Step


def run_environment(
    settings: RunSettings,
    step: Step,
    identity: RunIdentity,
    *,
    image: str | None,
    artifacts: Bucket,
    folder: str | None,
) -> dict[str, str]:
    """What the runner is told beside dbt's arguments. Nothing in it is secret.

    Args:
        settings: How long it waits for its database, and for other runs, and how long it gets to stop.
        step: The dbt command. Its own variables come before the settings'.
        identity: Whose run it is, by which a retry finds the try before it.
        image: The image's name for the record; None where there is none.
        artifacts: The artifact store.
        folder: Where the runner finds that when it is no bucket.
    """
    given = {
        **told_to(settings.openlineage, settings.telemetry, instance=settings.instance),
        **settings.env,
        **step.env,
        **identity.to_env(),
        **artifacts.environment(folder),
        constants.ENV_INSTANCE: settings.instance,
        constants.ENV_LOCK_TABLES: str(int(settings.lock_tables)),
        constants.ENV_QUEUE_TIMEOUT: str(settings.queue_timeout_seconds),
        constants.ENV_GRACE: str(settings.termination_grace_seconds),
    }
    if image:
        given[constants.ENV_IMAGE] = image
    if step.allow_empty:
        given[constants.ENV_ALLOW_EMPTY] = "1"
    if not step.resume:
        given[constants.ENV_RESUME] = "0"
    if step.events:
        given[constants.ENV_EVENTS] = "1"
    if settings.connection_wait_seconds:
        given[constants.ENV_CONNECTION_WAIT] = str(settings.connection_wait_seconds)
    if step.plan_hash:
        given[constants.ENV_EXPECT_PLAN] = step.plan_hash
    if step.on_missing_state != OnMissingState.FAIL:
        given[constants.ENV_ON_MISSING_STATE] = step.on_missing_state
    if step.freshness:
        given[constants.ENV_FRESHNESS] = step.freshness
    return given
