"""Refuses to run an image for a DAG that was built from another one.

What is compared is the plan: the nodes, edges and selectors that DAGs are made from. A pod cannot know the digest of
its own image: no file inside can hold it, and the kubelet tells it to the API server alone. A digest in the settings
needs no check, since the kubelet runs exactly that content; behind a tag, the plan is what shows another image.
"""

import contextlib
from pathlib import Path

from podbt import constants
from podbt.contract.plan import Plan, load_plan
from podbt.errors import ConfigError, SkewError

_SHOWN = 12


def check_plan(expected: str | None, baked: Path | None, *, image: str | None, revision: str | None) -> None:
    """Compares the plan that the DAG was built from with the image's own.

    Args:
        expected: Hash of the DAG's plan; None where Airflow knows no plan.
        baked: Folder with the image's plan; None outside an image.
        image: Name of the image, as whoever built the pod says it.
        revision: The image's git revision.

    Raises:
        SkewError: They differ; the message names both hashes and the ways out.
        ConfigError: The image's own plan is damaged.
    """
    if not expected:
        return
    found = load_plan(baked / constants.PLAN_FILE).hash if baked and (baked / constants.PLAN_FILE).exists() else None
    if found == expected:
        return
    has = f"has plan {found[:_SHOWN]}" if found else "has no plan"
    names = [name for name in (image, f"revision {revision}" if revision else None) if name]
    this = f"this image ({', '.join(names)})" if names else "this image"
    raise SkewError(
        f"The DAG was built from plan {expected[:_SHOWN]}, {this} {has}. Give Airflow the plan of the image that runs: "
        "helm upgrade with dbt.image set to it, or podbt plan and the settings' key plan; then clear the task."
    )


def baked_plan(baked: Path | None) -> Plan | None:
    """The image's own plan; None outside an image. A broken one is said where it is asked for, not here."""
    if baked is None:
        return None
    with contextlib.suppress(ConfigError):
        return load_plan(baked / constants.PLAN_FILE)
    return None
