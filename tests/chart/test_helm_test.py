"""`helm test`: a pod as dbt's own are, that lets dbt say whether it gets to its database, and builds a selector."""

from typing import Any

import pytest
from kubernetes.client import ApiClient
from tests.support.chart.manifests import (
    CHART,
    EVALUATION,
    EXISTING,
    PAUSED,
    SCENARIOS,
    Manifests,
    refusal,
    render,
)
from tests.support.settings import read_settings

from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.step import Step
from podbt.pod.build import pod_manifest
from podbt.runner import sequence

OBSERVED = CHART / "ci" / "observed-values.yaml"
GUARDED = CHART / "ci" / "guarded-values.yaml"
TESTED = [one for one in SCENARIOS if one != PAUSED]


def dbt_pod(manifests: Manifests) -> dict[str, Any]:
    read = read_settings(manifests.settings_text())
    assert isinstance(read, Settings)
    identity = RunIdentity(dag_id="d", task_id="t", run_id="r")
    return dict(ApiClient().sanitize_for_serialization(pod_manifest(read, Step.of(select="a"), identity)))


def container(spec: dict[str, Any]) -> dict[str, Any]:
    (found,) = spec["containers"]
    return dict(found)


def variables(spec: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container(spec)["env"]}


@pytest.mark.parametrize("scenario", TESTED, ids=lambda path: path.stem)
def test_it_is_as_dbt_pods_are(scenario: Any) -> None:
    """What works there has to work in a run: image, account, node, profile, volumes, variables, security."""
    manifests = render(scenario)
    (test,), run = manifests.of_kind("Pod").values(), dbt_pod(manifests)
    assert test["metadata"]["namespace"] == run["metadata"]["namespace"]
    spec, runs = test["spec"], run["spec"]
    own = {"containers", "activeDeadlineSeconds", "topologySpreadConstraints"}
    for key in (set(spec) | set(runs)) - own - {"volumes"}:
        assert spec.get(key) == runs.get(key), key
    by_name = {one["name"]: one for one in spec["volumes"]}
    assert by_name == {one["name"]: one for one in runs["volumes"]}
    mine, theirs = container(spec), container(runs)
    for key in ("name", "image", "imagePullPolicy", "resources"):
        assert mine[key] == theirs[key], key
    mounts = {one["mountPath"]: one for one in mine["volumeMounts"]}
    assert mounts == {one["mountPath"]: one for one in theirs["volumeMounts"]}
    # Whose run it is nobody says: it is one by hand, and nothing goes on from it.
    identity = {"PODBT_DAG_ID", "PODBT_TASK_ID", "PODBT_RUN_ID", "PODBT_MAP_INDEX", "PODBT_TRY_NUMBER"}
    given, wanted = variables(spec), variables(runs)
    assert identity & set(given) == set()
    assert set(wanted) - set(given) - identity <= {"PODBT_ARTIFACTS"}, "a volume is where the image looks for it"
    assert set(given) - set(wanted) <= {"PODBT_ARTIFACTS_REGION"}
    assert {name for name in set(given) & set(wanted) if given[name] != wanted[name]} <= {"PODBT_QUEUE_TIMEOUT"}


def test_dbt_says_whether_it_reaches_its_database_and_then_builds() -> None:
    words = container(render(OBSERVED).get("Pod", "podbt-test")["spec"])["args"]
    assert words == [
        "debug",
        "--connection",
        "--target",
        "prod",
        "&&",
        "build",
        "--selector",
        "smoke_test",
        "--target",
        "demo",
    ]
    first, second = sequence.parse(words)
    assert (first.arguments.command, second.arguments.command, second.always) == ("debug", "build", False)
    assert container(render(EVALUATION).get("Pod", "podbt-test")["spec"])["args"] == [
        "debug",
        "--connection",
        "--target",
        "prod",
    ]


def test_helm_alone_starts_it_and_takes_the_one_before_away() -> None:
    annotations = render(OBSERVED).get("Pod", "podbt-test")["metadata"]["annotations"]
    assert annotations == {"helm.sh/hook": "test", "helm.sh/hook-delete-policy": "before-hook-creation"}
    assert render(OBSERVED).get("Pod", "podbt-test")["spec"]["activeDeadlineSeconds"] == 1800
    assert render(PAUSED).of_kind("Pod") == {}


def test_from_another_namespace_its_words_come_all_the_same() -> None:
    """`helm test --logs` looks in the release's namespace alone."""
    there = render(OBSERVED, dbt={"namespace": "dbt-pods"}).get("Pod", "podbt-test")["metadata"]
    assert there["namespace"] == "dbt-pods"
    assert there["annotations"]["helm.sh/hook-output-log-policy"] == "hook-succeeded,hook-failed"
    here = render(EXISTING).get("Pod", "podbt-test")["metadata"]
    assert "helm.sh/hook-output-log-policy" not in here["annotations"]


def test_the_patch_of_dbt_pods_is_its_too() -> None:
    pod = render(GUARDED).get("Pod", "podbt-test")
    assert pod["metadata"]["annotations"]["example.com/mesh"] == "off"
    assert pod["spec"]["runtimeClassName"] == "gvisor"
    (helper,) = pod["spec"]["initContainers"]
    assert (helper["name"], helper["restartPolicy"]) == ("proxy", "Always")
    assert helper["securityContext"]["runAsNonRoot"]


def test_an_argument_stays_as_it_is_written() -> None:
    """Kubernetes puts a variable in the place of $(NAME)."""
    profiles = {"profiles": {"existingSecret": "p"}, "target": "$(HOME)"}
    words = container(render(EVALUATION, dbt=profiles).get("Pod", "podbt-test")["spec"])["args"]
    assert words == ["debug", "--connection", "--target", "$$(HOME)"]


def test_production_is_not_where_it_builds() -> None:
    message = refusal(GUARDED, test={"selector": "smoke_test", "target": "prod"})
    assert "`helm test` would build production's tables" in message
