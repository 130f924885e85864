"""Whose a pod is: of which installation, of which try, with which image and plan. Pure, as the pod builder is.

Names and labels are made of what a DAG says, and two Airflows run the same DAGs with the same run ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from podbt import constants
from podbt.contract.names import run_name
from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Settings
from podbt.pod.build import MANAGED_BY, TRY_ID, label_value, pod_name

_MANAGER: Final = "app.kubernetes.io/managed-by"
RELEASE_LABEL: Final = "app.kubernetes.io/instance"
_IDS: Final = ("dag-id", "run-id", "task-id")
_SHOWN: Final = 12

Pod = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Owner:
    """An installation, as far as its pods tell it from others.

    Attributes:
        instance: Its name, see `RunSettings.instance`; a label of each of its pods.
        release: What the label app.kubernetes.io/instance of its pods says: all that pods of earlier releases have.
    """

    instance: str
    release: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(instance=settings.instance, release=settings.labels.get(RELEASE_LABEL))

    def owns(self, pod: Pod) -> bool:
        """Whether a pod is this installation's."""
        labels = _labels(pod)
        if labels.get(_MANAGER) != MANAGED_BY:
            return False
        if constants.INSTANCE_LABEL in labels:
            return labels[constants.INSTANCE_LABEL] == self.instance
        return labels.get(RELEASE_LABEL) == self.release

    @property
    def selectors(self) -> tuple[str, str]:
        """Two label selectors: of all its pods, and of those that earlier releases made."""
        older = f"{RELEASE_LABEL}={self.release}" if self.release else f"!{RELEASE_LABEL}"
        mine = f"{_MANAGER}={MANAGED_BY}"
        return f"{mine},{constants.INSTANCE_LABEL}={self.instance}", f"{mine},!{constants.INSTANCE_LABEL},{older}"

    def run_selectors(self, dag_id: str, run_id: str) -> tuple[str, str]:
        """The same of one DAG run's pods."""
        wanted = {"dag-id": label_value(dag_id), "run-id": label_value(run_id)}
        words = [f"{constants.LABEL_PREFIX}/{key}={value}" for key, value in wanted.items()]
        first, second = (",".join([selector, *words]) for selector in self.selectors)
        return first, second


def names_of(identity: RunIdentity, instance: str) -> tuple[str, str]:
    """The name of a try's pod, and the one that earlier releases gave it."""
    return pod_name(identity, instance), run_name(identity, None)


def is_older_pod_of(pod: Pod, wanted: Pod, owner: Owner) -> bool:
    """Whether an earlier release made this pod for the try that a manifest is for.

    Where pods have no label of their release, image and plan have to be the manifest's.
    """
    labels = _labels(pod)
    if constants.INSTANCE_LABEL in labels or not owner.owns(pod) or _ids(pod) != _ids(wanted):
        return False
    return owner.release is not None or _content(pod) == _content(wanted)


def refusal_of(pod: Pod, wanted: Pod) -> str | None:
    """Why a pod that has the name of a try is not that try's.

    A pod that bears Airflow's id of this try is its own, whatever the settings have become since it was made. Without
    such an id on both sides image and plan have to be the same, too.

    Args:
        pod: What is there.
        wanted: What was to be created.

    Returns:
        One line that names the pod and both sides; None where the pod is the one that is wanted.
    """
    there = f"Pod {pod['metadata']['name']} is there already"
    if (theirs := _whose(pod)) != (ours := _whose(wanted)):
        return f"{there} and belongs to {theirs}, not to {ours}. {_MEND}"
    known, own = _annotations(pod).get(TRY_ID), _annotations(wanted).get(TRY_ID)
    if known and own:
        return None if known == own else f"{there} for Airflow's try {known}, and this is try {own}. {_MEND}"
    if (theirs := _said(pod)) != (ours := _said(wanted)):
        return f"{there} with {theirs}, and this try asks for {ours}. {_MEND}"
    return None


def image_of(pod: Pod) -> str:
    """The image of dbt's container."""
    return _content(pod)[0]


_MEND: Final = (
    "Give each Airflow a name of its own (instance in the settings, dbt.instance in the chart), or delete that pod."
)


def _whose(pod: Pod) -> str:
    labels = _labels(pod)
    dag, run, task, index, number = _ids(pod)
    mapped = "" if index in {None, "-1"} else f" [{index}]"
    installation = labels.get(constants.INSTANCE_LABEL) or labels.get(RELEASE_LABEL) or "nobody that it names"
    return f"{installation} (DAG {dag}, run {run}, task {task}{mapped}, try {number})"


def _said(pod: Pod) -> str:
    image, plan = _content(pod)
    return f"image {image} and {f'plan {plan[:_SHOWN]}' if plan else 'no plan'}"


def _content(pod: Pod) -> tuple[str, str]:
    """Image and plan of dbt's container, which need not be the first: others may have been put before it."""
    for container in pod.get("spec", {}).get("containers", ()):
        if container["name"] == constants.CONTAINER_NAME:
            env = {one["name"]: one.get("value") or "" for one in container.get("env") or ()}
            return str(container.get("image", "")), env.get(constants.ENV_EXPECT_PLAN, "")
    return "", ""


def _ids(pod: Pod) -> tuple[str | None, ...]:
    exact = _annotations(pod)
    ids = (exact.get(f"{constants.LABEL_PREFIX}/{name}") for name in (*_IDS, "map-index"))
    return (*ids, _labels(pod).get(f"{constants.LABEL_PREFIX}/try-number"))


def _labels(pod: Pod) -> Mapping[str, str]:
    return pod["metadata"].get("labels") or {}


def _annotations(pod: Pod) -> Mapping[str, str]:
    return pod["metadata"].get("annotations") or {}
