"""What the chart accepts, podbt, Airflow and the Kubernetes API accept; what it refuses, it says in one line."""

import copy
import json
from configparser import ConfigParser
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubernetes.client import ApiClient
from tests.support.chart.api_rules import refusals
from tests.support.chart.manifests import CHART, EVALUATION, run_helm
from tests.support.chart.strict import problems
from tests.support.settings import read_settings

from podbt.contract.record import RunIdentity
from podbt.contract.settings.kubernetes import Settings
from podbt.contract.step import Step
from podbt.pod.build import build_pod

# Texts that mean something else to YAML, to a shell, to INI, to DNS, or to nobody.
TEXTS = [
    "", "a", "podbt", "2026", "1e3", "true", "null", "~", "0x1F", "012", "1_000", "a.b", "a..b", "-a", "a-", "A", "a_b",
    "ä", "a b", "a\nb = c", "a: b", "#a", "'", '"', "{{ .Values }}", "100%", "100%%", "%(a)s", "$(HOME)", "a/b", "../a",
    "/a", "x" * 64, "a" * 254, "https://a.example.com", "postgresql://me:hunter2@db/x", "1Gi", "500m", "5 Gi",
    "* * * * *", "Europe/Berlin",
]  # fmt: skip
NUMBERS = [None, -1, 0, 1, 5, 9, 10, 59, 60, 3600, 14400, 86401, 10**6, 10**12, 0.5, "1", True]
AMOUNTS = [None, 0, 1, 0.5, "1", "250m", "100Mi", "1Gi", "8Gi", "1e3", "2GB", "-1", ""]
DEFAULTS: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
MAPS = st.dictionaries(st.sampled_from(TEXTS), st.sampled_from([*TEXTS, 1, True, None]), min_size=1, max_size=2)
RESOURCES = st.fixed_dictionaries(
    {},
    optional={
        kind: st.fixed_dictionaries({}, optional={"cpu": st.sampled_from(AMOUNTS), "memory": st.sampled_from(AMOUNTS)})
        for kind in ("requests", "limits")
    },
)
TOLERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "key": st.sampled_from(TEXTS),
        "operator": st.sampled_from(["Exists", "Equal"]),
        "value": st.sampled_from(TEXTS),
        "effect": st.sampled_from(["NoSchedule", "NoExecute"]),
        "tolerationSeconds": st.sampled_from([0, 60]),
    },
)
VARIABLES = st.fixed_dictionaries(
    {
        "name": st.sampled_from([*TEXTS, "TOKEN", "PODBT_A", "HOME"]),
        "secret": st.sampled_from(TEXTS),
        "key": st.sampled_from(TEXTS),
    }
)


def leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, value in values.items():
        nested = isinstance(value, dict) and value and key not in {"resources", "targets"}
        found += leaves(value, (*path, key)) if nested else [((*path, key), value)]
    return found


def candidates(path: tuple[str, ...], default: Any) -> st.SearchStrategy[Any]:
    """Values of the right type, mostly: a wrong type is the schema's affair, and it says so."""
    if path[-1] == "resources":
        return RESOURCES
    if path[-1] == "tolerations":
        return st.lists(TOLERATIONS, min_size=1, max_size=2)
    if path[-1] == "secretEnv":
        return st.lists(VARIABLES, min_size=1, max_size=2)
    if path[-1] == "config":
        return st.dictionaries(st.sampled_from(["api", "core", "email", *TEXTS]), MAPS, min_size=1, max_size=1)
    if isinstance(default, dict):
        return MAPS
    if isinstance(default, bool):
        return st.sampled_from([True, False, None])
    if isinstance(default, int) or path[-1] == "nodePort":
        return st.sampled_from(NUMBERS)
    if isinstance(default, list):
        return st.lists(st.sampled_from(TEXTS), max_size=2)
    return st.sampled_from([*TEXTS, None])


LEAVES = leaves(DEFAULTS)
CHANGES = st.lists(
    st.sampled_from(LEAVES).flatmap(lambda leaf: candidates(*leaf).map(lambda value: (leaf[0], value))),
    min_size=1,
    max_size=2,
)
RELEASES = st.sampled_from(["podbt", "podbt", "podbt", "true", "null", "r2026", "2026", "a" * 53, "my.release"])


def nested(changes: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for path, value in changes:
        level = values
        for key in path[:-1]:
            level = level.setdefault(key, {})
        level[path[-1]] = copy.deepcopy(value)
    return values


@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(CHANGES, RELEASES)
def test_accepted_by_all_or_refused_in_one_line(changes: list[tuple[tuple[str, ...], Any]], release: str) -> None:
    arguments = ["--namespace", "dbt-jobs", "--values", str(EVALUATION), "--values", "-"]
    result = run_helm("template", release, CHART, *arguments, stdin=json.dumps(nested(changes)))
    if result.returncode:
        known = "execution error at (podbt/templates/" in result.stderr or "\n- at '" in result.stderr
        assert known, result.stderr
        return
    objects = [one for one in yaml.safe_load_all(result.stdout) if one]
    assert [problem for one in objects for problem in (*problems(one), *refusals(one))] == []
    maps = {one["metadata"]["name"]: one.get("data", {}) for one in objects if one["kind"] == "ConfigMap"}
    (text,) = (data["settings.yaml"] for name, data in maps.items() if name.endswith("-settings"))
    read = read_settings(text)
    assert isinstance(read, Settings)
    identity = RunIdentity(dag_id="d", task_id="t", run_id="r")
    pod = ApiClient().sanitize_for_serialization(build_pod(read, Step.of(select="a"), identity))
    assert [*problems(pod), *refusals(pod)] == []
    (config,) = (data["airflow.cfg"] for name, data in maps.items() if name.endswith("-airflow-config"))
    parser = ConfigParser()
    parser.read_string(config)
    for section in parser.sections():
        dict(parser.items(section))


def test_the_chart_has_no_value_that_is_not_tried() -> None:
    assert {path[0] for path, _ in LEAVES} == set(DEFAULTS)


def test_what_kubernetes_refuses_is_known_here() -> None:
    """The rules themselves find what they are for."""
    pod = {
        "kind": "Pod",
        "metadata": {"name": "a..b", "namespace": "a.b", "labels": {"a/b/c": "x y"}},
        "spec": {
            "priorityClassName": "High",
            "nodeSelector": {"pool": "batch jobs"},
            "tolerations": [{"key": "a", "operator": "Exists", "value": "b"}],
            "containers": [
                {
                    "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "My", "key": ".."}}}, {"name": "A"}],
                    "resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}},
                }
            ],
        },
    }
    assert len(refusals(pod)) == 11
