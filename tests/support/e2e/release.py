"""The chart's release under another dbt image, as a person promotes one; afterwards it is what it was."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.e2e import kube
from tests.support.e2e.shell import ROOT, attempt, run, wait_until

RELEASE = "podbt"
_NODE = "podbt-control-plane"
_READERS = ("scheduler", "dag-processor", "triggerer")
_HELM = ("--namespace", kube.NAMESPACE)


def revision() -> int:
    (found,) = json.loads(run("helm", "list", *_HELM, "--filter", f"^{RELEASE}$", "--output", "json"))
    return int(found["revision"])


def tag_on_node(image: str, other: str) -> None:
    """Gives an image that the node has another name: another image, as far as anybody can tell from outside."""
    names = [f"docker.io/library/{name}" for name in (image, other)]
    run("docker", "exec", _NODE, "ctr", "--namespace=k8s.io", "images", "tag", "--force", *names)


def promote(**dbt_image: str) -> None:
    """`helm upgrade` with another dbt image, which is all that a promotion changes."""
    words = [word for key, value in dbt_image.items() for word in ("--set-string", f"dbt.image.{key}={value}")]
    run("helm", "upgrade", RELEASE, str(ROOT / "helm/podbt"), *_HELM, "--reuse-values", *words)


def upgrade(*words: str) -> None:
    """`helm upgrade` with other values, until every component is ready."""
    command = ("helm", "upgrade", RELEASE, str(ROOT / "helm/podbt"), *_HELM, "--reuse-values")
    run(*command, *words, "--wait", "--timeout=20m", timeout_seconds=1300)


def rollback(number: int) -> None:
    """`helm rollback`, until every component is ready."""
    run("helm", "rollback", RELEASE, str(number), *_HELM, "--wait", "--timeout=20m", timeout_seconds=1300)


def test(*words: str) -> subprocess.CompletedProcess[str]:
    """`helm test`, whatever comes of it."""
    return attempt("helm", "test", RELEASE, *_HELM, "--timeout=20m", *words, timeout_seconds=1300)


@dataclass(frozen=True)
class Installed:
    """What a release was installed with.

    Attributes:
        values: Those that were given, as JSON.
        labels: Those of the release itself.
    """

    values: str
    labels: dict[str, str]

    @classmethod
    def read(cls) -> "Installed":
        (record,) = kube.items("secrets", f"owner=helm,name={RELEASE},status=deployed")
        own = {"name", "owner", "status", "version", "createdAt", "modifiedAt"}
        labels = {key: value for key, value in record["metadata"]["labels"].items() if key not in own}
        return cls(run("helm", "get", "values", RELEASE, *_HELM, "--output", "json"), labels)

    def install(self) -> None:
        """Installs it again, until every component is ready."""
        labels = ",".join(f"{key}={value}" for key, value in self.labels.items())
        command = ("helm", "install", RELEASE, str(ROOT / "helm/podbt"), *_HELM, "--values=-", f"--labels={labels}")
        run(*command, "--wait", "--wait-for-jobs", "--timeout=20m", stdin=self.values, timeout_seconds=1300)


def uninstall() -> None:
    """`helm uninstall`, until its pods are gone."""
    run("helm", "uninstall", RELEASE, *_HELM, "--wait", "--timeout=10m")


def wait_brought(image: str) -> None:
    """Until Airflow's running pods have settings that name this image. The kubelet looks at once at a changed pod."""
    chosen = f"app.kubernetes.io/component in ({','.join(_READERS)})"
    kube.kubectl("annotate", "pods", "--selector", chosen, f"podbt/e2e={abs(hash(image))}", "--overwrite")
    for name in _READERS:
        look = (*kube.KUBECTL, "exec", f"deploy/podbt-{name}", "-c", name, "--")

        def there(look: tuple[str, ...] = look) -> bool:
            return attempt(*look, "grep", "-qF", image, "/etc/podbt/settings.yaml").returncode == 0

        wait_until(f"{name} has settings with {image}", there, seconds=240)


@contextmanager
def restored(image: str) -> Iterator[None]:
    """Rolls back to the revision of before, and waits until its settings are with Airflow."""
    before = revision()
    try:
        yield
    finally:
        if revision() != before:
            run("helm", "rollback", RELEASE, str(before), *_HELM)
            wait_brought(image)
