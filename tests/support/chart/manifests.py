"""Renders the chart with `helm template` and gives its objects names to assert on."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[3] / "helm" / "podbt"
SCENARIOS = sorted((CHART / "ci").glob("*-values.yaml"))
IDS = [path.name.removesuffix("-values.yaml") for path in SCENARIOS]
EVALUATION = CHART / "ci" / "evaluation-values.yaml"
PRODUCTION = CHART / "ci" / "production-values.yaml"
WAREHOUSE = CHART / "ci" / "warehouse-values.yaml"
EXISTING = CHART / "ci" / "existing-airflow-values.yaml"
PAUSED = CHART / "ci" / "paused-values.yaml"

RELEASE, NAMESPACE = "podbt", "dbt-jobs"

Object = dict[str, Any]


def helm() -> str:
    """The helm program: the one on PATH, else the one the local cluster keeps."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "podbt"
    cache_folder = Path(os.environ.get("PODBT_CACHE") or default)
    found = shutil.which("helm") or shutil.which("helm", path=cache_folder / "bin")
    if not found:
        raise RuntimeError(f"helm is neither on PATH nor in {cache_folder}/bin. Install Helm 4, or run `make up` once.")
    return found


def run_helm(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs helm without failing on its exit code."""
    command = [helm(), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)


@dataclass(frozen=True)
class Pod:
    """A pod that some object of the chart creates.

    Attributes:
        owner: Kind and name of that object, e.g. "Deployment/podbt-scheduler".
        metadata: The template's labels and annotations.
        spec: The pod spec.
    """

    owner: str
    metadata: Object
    spec: Object

    @property
    def containers(self) -> list[Object]:
        """All containers, init containers first."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def main(self) -> Object:
        (container,) = self.spec["containers"]
        return dict(container)


@dataclass(frozen=True)
class Manifests:
    """Everything one rendering produced."""

    objects: tuple[Object, ...]

    def of_kind(self, kind: str) -> dict[str, Object]:
        return {one["metadata"]["name"]: one for one in self.objects if one["kind"] == kind}

    def get(self, kind: str, name: str) -> Object:
        return self.of_kind(kind)[name]

    def pods(self) -> Iterator[Pod]:
        for one in self.objects:
            owner = f"{one['kind']}/{one['metadata']['name']}"
            if one["kind"] == "Pod":
                yield Pod(owner=owner, metadata=one["metadata"], spec=one["spec"])
            elif one["kind"] in {"Deployment", "StatefulSet", "Job", "CronJob"}:
                job = one["spec"]["jobTemplate"] if one["kind"] == "CronJob" else one
                template = job["spec"]["template"]
                yield Pod(owner=owner, metadata=template["metadata"], spec=template["spec"])

    def pod(self, component: str) -> Pod:
        (found,) = (pod for pod in self.pods() if pod.metadata["labels"]["app.kubernetes.io/component"] == component)
        return found

    def settings_text(self) -> str:
        (found,) = (one for name, one in self.of_kind("ConfigMap").items() if name.endswith("-settings"))
        return str(found["data"]["settings.yaml"])


def render(*files: Path, **values: Any) -> Manifests:
    """Renders the chart.

    Args:
        files: Values files, later ones win.
        values: Top-level values on top of the files.
    """
    return _render(files, RELEASE, json.dumps(values))


def render_as(release: str, *files: Path) -> Manifests:
    """Renders the chart for a release of another name."""
    return _render(files, release, "{}")


@cache
def _render(files: tuple[Path, ...], release: str, values: str) -> Manifests:
    result = _template(files, release, values)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return Manifests(tuple(one for one in yaml.load_all(result.stdout, yaml.CSafeLoader) if one))


def refusal(*files: Path, **values: Any) -> str:
    """Renders what the chart has to refuse, and returns helm's words."""
    result = _template(files, RELEASE, json.dumps(values))
    if result.returncode == 0:
        raise AssertionError("the chart accepted these values")
    return result.stderr


def _template(files: tuple[Path, ...], release: str, values: str) -> subprocess.CompletedProcess[str]:
    arguments = [argument for file in files for argument in ("--values", file)]
    return run_helm("template", release, CHART, "--namespace", NAMESPACE, *arguments, "--values", "-", stdin=values)
