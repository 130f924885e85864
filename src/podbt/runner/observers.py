"""Who else is told of a run: nobody, unless the environment says so."""

from collections.abc import Callable

from podbt.contract.record import RunStart
from podbt.runner.lineage.listener import Lineage
from podbt.runner.process.environment import Environment
from podbt.runner.telemetry.listener import Telemetry


def told_by(
    environment: Environment,
    command: str | None,
    start: RunStart,
    *,
    hide: Callable[[str], str],
    say: Callable[[str], None],
) -> list[Lineage | Telemetry]:
    """The listeners that tell others of a run.

    Args:
        environment: What the runner was told.
        command: The dbt command.
        start: What is known of the run.
        hide: Takes secrets out of a text.
        say: Prints a line.
    """
    identity = environment.identity
    found: list[Lineage | Telemetry] = []
    if environment.lineage is not None:
        lineage = Lineage(
            environment.lineage,
            command=command,
            words=start.command,
            folder=str(environment.workspace.project),
            job=f"{identity.dag_id}.{identity.task_id}.dbt.{command}" if environment.orchestrated else None,
            started=start.started_at,
            dbt_version=start.dbt_version,
            hide=hide,
            say=say,
        )
        found.append(lineage)
    if environment.telemetry is not None:
        found.append(Telemetry(environment.telemetry, command=command, start=start, hide=hide, say=say))
    return found
