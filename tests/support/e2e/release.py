"""The chart's release under another dbt image, as a person promotes one; afterwards it is what it was."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

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
