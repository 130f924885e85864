"""The benchmark's own release of podbt: images, chart, warehouse data, in a namespace of its own."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from bench.harness.kube import NAMESPACE, kubectl, wait_until
from bench.peers.light import PROJECTS
from bench.peers.pods import PROFILE, profile_arguments
from localcluster import cluster, data, images
from localcluster.content import Content
from localcluster.machine import Source, find_source
from localcluster.places import KUBECTL
from localcluster.session import Session
from localcluster.shell import Shell
from tests.support.settings import read_settings

from bench import synth
from podbt.contract.plan import Plan
from podbt.contract.settings.kubernetes import Settings

HERE: Final = Path(__file__).resolve().parents[1]
TARGET: Final = "prod"
SCHEMA: Final = "analytics"
MODELS: Final = 75
_READY_SECONDS: Final = 1800


@dataclass(frozen=True, kw_only=True)
class Images:
    """Names of the images that the benchmark runs."""

    airflow: str
    dental: str
    synth: str
    step: str
    postgres: str

    @property
    def all(self) -> list[str]:
        return [self.airflow, self.dental, self.synth, self.step, *([self.postgres] if self.postgres else [])]


def prepare(session: Session, tags: Mapping[str, str]) -> Images:
    """Builds what is missing, installs or upgrades the release, and fills its warehouse."""
    with session.phase("bench-images", "building what is missing") as (phase, shell):
        made = _build(session, shell)
        phase.result = "ready"
    with session.phase("bench-load", "copying images into the node") as (phase, shell):
        phase.result = f"copied {len(cluster.load(shell, made.all))}"
    with session.phase("bench-chart", f"release podbt in namespace {NAMESPACE}") as (phase, shell):
        _install(session, shell, made, tags)
        phase.result = "ready"
    with session.phase("bench-data", "the practice's raw data") as (phase, _):
        phase.result = "loaded" if _load_data(session, made.dental) else "there already"
    return made


@contextmanager
def alone() -> Iterator[None]:
    """Has the node for the benchmark until the block ends.

    `make up`'s own Airflow is stopped meanwhile: it takes processor time, and room by its requests. In the end the
    benchmark's release is stopped for the same reason: beside it, no dbt pod of `make up` would find room on a small
    machine. Its volumes and images stay, for the next call.
    """
    found = json.loads(_local("get", "deployments", "--output", "json"))["items"]
    replicas = {item["metadata"]["name"]: item["spec"]["replicas"] for item in found}
    try:
        for name in replicas:
            _local("scale", f"deployment/{name}", "--replicas=0")
        yield
    finally:
        _rest()
        for name, number in replicas.items():
            # None, where an earlier call was killed before it came here.
            _local("scale", f"deployment/{name}", f"--replicas={number or 1}")


def _rest() -> None:
    """Stops all of the benchmark's pods. What does not work here must not hide why the benchmark ended."""
    for order in (("scale", "deployment,statefulset", "--all", "--replicas=0"), ("delete", "pods", "--all")):
        try:
            kubectl(*order)
        except RuntimeError as error:
            print(error, flush=True)


def _local(*arguments: str) -> str:
    return subprocess.run([*KUBECTL, *arguments], capture_output=True, text=True, check=True).stdout


def settings() -> Settings:
    """What the release's dbt pods run with."""
    found = json.loads(kubectl("get", "configmap", "podbt-settings", "--output", "json"))
    return read_settings(found["data"]["settings.yaml"])


def _build(session: Session, shell: Shell) -> Images:
    recorded = session.state.read().get("source")
    source = Source[recorded] if recorded else find_source(shell, docker_cli=True)
    python, debian = images.bases(session, shell, source)
    places = session.places
    airflow = images.build(shell, images.airflow_image(places, base=python))[0]
    postgres = images.build(shell, images.postgres_image(places, base=debian))[0] if debian else ""
    with tempfile.TemporaryDirectory() as folder:
        synth.write_project(Path(folder), models=MODELS, profile=PROFILE)
        synth_base = images.build(shell, images.dbt_image(places, Path(folder), base=python))[0]
    dental_base = images.build(shell, images.dbt_image(places, places.root / "dbt_dental_models", base=python))[0]
    dental, made_up = (_parsed(shell, base) for base in (dental_base, synth_base))
    content = Content()
    content.add_folder("peers", HERE / "peers")
    content.add_folder("dags", HERE / "dags")
    content.add("profiles.yml", b"{}\n")  # Cosmos wants one to exist where DAGs are parsed
    bases = {"BASE_IMAGE": airflow, "DENTAL_IMAGE": dental_base, "SYNTH_IMAGE": synth_base}
    step = Content({"step": HERE / "images" / "step"})
    return Images(
        airflow=_image(shell, "airflow", content, bases),
        dental=dental,
        synth=made_up,
        step=_image(shell, "step", step, {"BASE_IMAGE": python}),
        postgres=postgres,
    )


def _parsed(shell: Shell, base: str) -> str:
    """The image with the parsed state that plain dbt finds valid in the cluster: equal arguments, equal connection."""
    connection = {"type": "postgres", "host": "podbt-postgres", "port": 5432, "dbname": "warehouse"}
    connection |= {"user": "warehouse", "password": "not-needed-to-parse", "schema": SCHEMA, "threads": 4}
    profiles = {PROFILE: {"target": TARGET, "outputs": {TARGET: {**connection, "sslmode": "disable"}}}}
    content = Content({"profiles.yml": yaml.safe_dump(profiles).encode()})
    return _image(
        shell, "dbt", content, {"BASE_IMAGE": base, "PROFILE_ARGUMENTS": " ".join(profile_arguments(TARGET)[:4])}
    )


def _image(shell: Shell, name: str, content: Content, arguments: Mapping[str, str]) -> str:
    """Builds one of the benchmark's images unless it is there; its tag is a hash of all that goes in."""
    context = Content(dict(content.files))
    context.add("Dockerfile", HERE / "images" / f"{name}.Dockerfile")
    tag = f"podbt-bench-{name}:{context.digest(*(f'{key}={value}' for key, value in arguments.items()))}"
    if shell.attempt("docker", "image", "inspect", "--format", "{{.Id}}", tag)[0] != 0:
        words = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
        with tempfile.TemporaryFile() as archive:
            context.archive(archive)
            archive.seek(0)
            shell.do("docker", "build", "--tag", tag, *words, "-", stdin=archive)
    return tag


def _install(session: Session, shell: Shell, made: Images, tags: Mapping[str, str]) -> None:
    environment = {
        "BENCH_IMAGE_DENTAL": made.dental,
        "BENCH_IMAGE_SYNTH": made.synth,
        "BENCH_IMAGE_STEP": made.step,
        **{f"BENCH_TAG_{project.upper()}": tag for project, tag in tags.items()},
    }
    chosen = {"airflow.image": made.airflow, "dbt.image": made.dental, "evaluationPostgres.image": made.postgres}
    words = []
    for key, image in chosen.items():
        repository, _, tag = image.rpartition(":")
        if image:
            words += ["--set-string", f"{key}.repository={repository},{key}.tag={tag}"]
    extra = [{"name": name, "value": value} for name, value in environment.items()]
    words += ["--set-json", f"airflow.extraEnv={json.dumps(extra)}"]
    kubectl("apply", "--filename", "-", stdin=(HERE / "namespace.yaml").read_text())
    shell.do(
        "helm", "upgrade", "--install", "podbt", session.places.root / "helm" / "podbt", "--namespace", NAMESPACE,
        "--values", HERE / "values.yaml", *words,
    )  # fmt: skip
    # Not helm's --wait: on a busy machine a Deployment's progress deadline passes long before its pods are ready.
    wait_until("the release's components", _is_ready, seconds=_READY_SECONDS, every=2)


def _is_ready() -> bool:
    """Whether every Deployment has all of its pods in their newest version, and no others."""
    found = json.loads(kubectl("get", "deployments", "--output", "json"))["items"]
    return bool(found) and all(
        one["status"].get("observedGeneration") == one["metadata"]["generation"]
        and [one["status"].get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
        == [one["spec"]["replicas"]] * 3
        for one in found
    )


def _load_data(session: Session, image: str) -> bool:
    """Runs the local cluster's own Job in this namespace, once."""
    name = "podbt-demo-data"
    if kubectl("get", "job", name, "--ignore-not-found", "--output", "name"):
        return False
    text = data.manifest(session.places, name=name, image=image).replace("namespace: podbt", f"namespace: {NAMESPACE}")
    kubectl("apply", "--filename", "-", stdin=text)
    kubectl("wait", "--for=condition=complete", f"job/{name}", "--timeout=900s")
    return True


def plan_of(project: str) -> Plan:
    """The plan that the image of a project holds, from the copy that Airflow has."""
    text = kubectl("exec", "deploy/podbt-scheduler", "-c", "scheduler", "--", "cat", f"{PROJECTS}/{project}/plan.json")
    return Plan.parse_json(text, source=f"plan of {project}")
