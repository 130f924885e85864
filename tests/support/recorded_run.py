"""What a recorded run without dbt needs around it."""

from pathlib import Path


def environment_of_a_run(folder: Path) -> dict[str, str]:
    """The variables of a second try, and the files that they name."""
    for name in ("dbt_project.yml", "profiles.yml"):
        (folder / name).write_text("{}")
    (folder / "artifacts").mkdir()
    (folder / "message").touch()
    return {
        "PODBT_ARTIFACTS": str(folder / "artifacts"),
        "PODBT_SCRATCH": str(folder / "scratch"),
        "PODBT_PROJECT_DIR": str(folder),
        "PODBT_TERMINATION_LOG": str(folder / "message"),
        "PODBT_DAG_ID": "d",
        "PODBT_RUN_ID": "r",
        "PODBT_TASK_ID": "t",
        "PODBT_TRY_NUMBER": "2",
        "DBT_PROFILES_DIR": str(folder),
    }
