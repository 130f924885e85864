"""`up`: from nothing to a nightly run that ended well; what is there already is left alone."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localcluster import cluster, daemon, data, images, machine, prerequisites, tools
from localcluster.machine import Source
from localcluster.places import PORT, PROJECT
from localcluster.release import Release, install, is_installed, wait_ready
from localcluster.report import nightly_run
from localcluster.shell import LocalError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from localcluster.session import Session

PORTS = (PORT, 30081)


@dataclass(frozen=True, kw_only=True)
class Built:
    """The images' names. `postgres` is empty where the official image is pulled."""

    airflow: str
    dbt: str
    postgres: str

    @property
    def names(self) -> list[str]:
        return [name for name in (self.airflow, self.dbt, self.postgres) if name]


def up(session: Session, *, nodes: int = 1, cluster_only: bool = False) -> int:
    """Bring everything up and run the nightly DAG; return the exit code."""
    session, source = _machine(session)
    with together(session) as pool:
        bases = pool.submit(_bases, session, source)
        there = pool.submit(_cluster, session, source, bases, nodes)
        work: list[Future[Any]] = [bases, there]
        if not cluster_only:
            built = pool.submit(_images, session, source, bases)
            work.append(built)
        finish(work)
    if cluster_only:
        return 0
    names = built.result()
    with session.phase("load", "images into the nodes") as (phase, shell):
        copied = cluster.load(shell, names.names)
        phase.result = f"copied {', '.join(copied)}" if copied else "the nodes hold them already"
    inputs = _chart(session, names)
    with session.phase("data", f"{data.PATIENTS} made-up patients into the warehouse") as (phase, shell):
        data_version = data.version(session.places, shell)
        loaded = data.load(session.places, shell, image=names.dbt, data_version=data_version)
        phase.result = "loaded" if loaded else "there already"
    code = nightly_run(session, f"{inputs}-{data_version}")
    session.console.summary()
    return code


def _machine(session: Session) -> tuple[Session, Source]:
    """Judge the machine before anything is changed, then have a Docker daemon."""
    with session.phase("prerequisites", "looking at this machine") as (phase, shell):
        found = daemon.find(session)
        session = found or session
        fresh = not (found and cluster.node_id(session.shell))
        facts = machine.look(
            session.shell.but(log=shell.log), session.places.cache, PORTS if fresh else (), _known_source(session)
        )
        if lines := prerequisites.problems(facts, fresh=fresh):
            raise LocalError("\n  ".join(["this machine lacks something:", *lines]) if len(lines) > 1 else lines[0])
        phase.result = f"images come from {facts.source.value}, Docker {'runs' if facts.docker else 'is started here'}"
    with session.phase("docker", "a Docker daemon") as (phase, shell):
        source = facts.source
        if source is Source.PACKAGES or not facts.docker:
            shell.do(session.places.recipe / "debian-packages", *prerequisites.DEBIAN_PACKAGES)
        phase.result = "runs already"
        if not facts.docker:
            session = daemon.start(session, shell)
            phase.result = f"a private one was started ({session.shell.environ['DOCKER_HOST']})"
            if not facts.docker_cli:  # nothing could ask a registry before
                source = machine.find_source(session.shell, docker_cli=True)
    session.state.update(source=source.name)
    return session, source


def _known_source(session: Session) -> Source | None:
    """What the cluster was made from: another answer of the registry later must not replace its images."""
    state = session.state.read()
    return Source[state["source"]] if state.get("cluster") and "source" in state else None


def _cluster(session: Session, source: Source, bases: Future[tuple[str, str]], nodes: int) -> None:
    whole = cluster.is_whole(session)
    with session.phase("tools", tools.doing(source)) as (phase, shell):
        phase.result = tools.provide(session, shell, source, whole=whole)
    if whole:
        with session.phase("cluster", "is it awake?") as (phase, shell):
            cluster.wake(shell)
            phase.result = "is there"
        return
    image = session.shell.environ.get("PODBT_NODE_IMAGE")
    if source is Source.PACKAGES and not image:
        bases.result()  # the node image starts from one of them
        with session.phase("node-image", "kind's node, from packages and what was compiled") as (phase, shell):
            image = shell.run(session.places.recipe / "node-image").split()[-1]
            phase.result = image
    with session.phase("cluster", f"kind, {nodes} node{'s' if nodes > 1 else ''}") as (phase, shell):
        config = session.places.root / "k8s" / ("kind-3.yaml" if nodes > 1 else "kind.yaml")
        cluster.create(session, shell, image=image, config=config)
        phase.result = "ready"


def _bases(session: Session, source: Source) -> tuple[str, str]:
    with session.phase("base-images", "what our images start from") as (phase, shell):
        python, debian = images.bases(session, shell, source)
        phase.result = python
    return python, debian


def _images(session: Session, source: Source, bases: Future[tuple[str, str]]) -> Built:
    python, debian = bases.result()
    wanted = {
        "image-dbt": images.dbt_image(session.places, session.places.root / PROJECT, base=python),
        "image-airflow": images.airflow_image(session.places, base=python),
    }
    if source is Source.PACKAGES:
        wanted["image-postgres"] = images.postgres_image(session.places, base=debian)
    names = {}
    for name, image in wanted.items():
        with session.phase(name, image.name) as (phase, shell):
            names[name], new = images.build(shell, image)
            phase.result = "built" if new else "is there already"
    return Built(airflow=names["image-airflow"], dbt=names["image-dbt"], postgres=names.get("image-postgres", ""))


def _chart(session: Session, names: Built) -> str:
    """Install the chart unless it is there with these inputs; return their hash."""
    with session.phase("chart", "helm, and every component ready") as (phase, shell):
        shared = len(cluster.nodes(shell)) > 1 and session.state.read().get("source") == Source.PACKAGES.name
        release = Release.of(
            session.places, airflow=names.airflow, dbt=names.dbt, postgres=names.postgres, shared=shared
        )
        inputs = release.digest()
        if is_installed(shell, inputs):
            wait_ready(shell)
            phase.result = "is there already"
        else:
            install(shell, release, inputs, session.places.root / "k8s" / "namespace.yaml")
            phase.result = "installed"
    return inputs


@contextmanager
def together(session: Session) -> Iterator[ThreadPoolExecutor]:
    """Threads that end together: when one fails, or on Ctrl-C, the others' programs are ended."""
    pool = ThreadPoolExecutor(max_workers=3)
    try:
        yield pool
    except BaseException:
        session.shell.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def finish(work: Sequence[Future[Any]]) -> None:
    """Wait for all of them; raise what the first that fails raises, at once."""
    for done in as_completed(work):
        done.result()
