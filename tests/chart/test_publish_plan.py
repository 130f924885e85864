"""The script that tells a dbt image's plan, against a ConfigMap in memory: what Airflow then finds in its folder."""

import base64
import gzip
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.plans import plan

from podbt.contract.plan import Plan
from podbt.contract.plans import image_with, latest_plan, plan_of, plan_with

SCRIPT = Path(__file__).parents[2] / "helm/podbt/files/publish_plan.py"


class Api:
    """One ConfigMap behind an API server that takes JSON merge patches."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {"metadata": {"resourceVersion": "1"}}
        self.paths: list[str] = []

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        self.paths.append(f"{method} {path}")
        if body is not None:
            assert body["metadata"] == self.held["metadata"]  # nobody's change in between is lost
            for key in ("data", "binaryData"):
                merged = {**self.held.get(key, {}), **body[key]}
                self.held[key] = {name: value for name, value in merged.items() if value is not None}
        return json.loads(json.dumps(self.held))  # type: ignore[no-any-return]

    def mount(self, folder: Path) -> str:
        """The folder as the kubelet makes it."""
        folder.mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
        for name, text in self.held["data"].items():
            (folder / name).write_text(text)
        for name, content in self.held["binaryData"].items():
            (folder / name).write_bytes(base64.b64decode(content))
        return str(folder)


@pytest.fixture
def script() -> Any:
    spec = importlib.util.spec_from_file_location("publish_plan", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def api(script: Any, monkeypatch: pytest.MonkeyPatch) -> Api:
    fake = Api()
    monkeypatch.setattr(script, "call", fake.call)
    return fake


Publish = Callable[..., None]


@pytest.fixture
def publish(script: Any, api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Publish:
    """Runs the script in an image with this plan and manifest."""
    baked = tmp_path / "baked"
    baked.mkdir()
    monkeypatch.setenv("PODBT_BAKED", str(baked))
    assert api.paths == []

    def run(image: str, content: Plan | None, manifest: dict[str, Any] | None = None, *more: str) -> None:
        if content is not None:
            (baked / "plan.json").write_text(content.to_json())
        if manifest is not None:
            (baked / "manifest.json").write_text(json.dumps(manifest))
        monkeypatch.setattr(sys, "argv", ["x", "--namespace=ns", "--config-map=podbt-plan", f"--image={image}", *more])
        script.main()

    return run


ONE, TWO, THREE, FOUR = plan("a"), plan("a", "b"), plan("b"), plan("c")


def test_airflow_finds_the_plan_of_each_of_the_last_images(publish: Publish, api: Api, tmp_path: Path) -> None:
    for image, content in (("dbt:1", ONE), ("dbt:2", TWO), ("dbt:3", THREE), ("dbt:4", FOUR)):
        publish(image, content)
    folder = api.mount(tmp_path / "plans")
    assert plan_of(folder, "dbt:1") is None  # three stay
    assert plan_of(folder, "dbt:2") == plan_with(folder, TWO.hash) == TWO
    assert image_with(folder, THREE.hash) == "dbt:3"
    assert latest_plan(folder, "dbt:unknown") == FOUR
    assert len(list(Path(folder).iterdir())) == 4
    assert set(api.paths) == {f"{method} /api/v1/namespaces/ns/configmaps/podbt-plan" for method in ("GET", "PATCH")}


def test_a_rollback_makes_the_older_image_the_newest(publish: Publish, api: Api, tmp_path: Path) -> None:
    for image, content in (("dbt:1", ONE), ("dbt:2", TWO), ("dbt:1", ONE)):
        publish(image, content)
    folder = api.mount(tmp_path / "plans")
    assert latest_plan(folder, None) == ONE
    assert plan_of(folder, "dbt:2") == TWO


def test_two_images_of_one_graph_share_a_file(publish: Publish, api: Api, tmp_path: Path) -> None:
    """Other SQL, the same nodes: most promotions."""
    for image in ("dbt:1", "dbt:2"):
        publish(image, ONE)
    assert list(api.held["binaryData"]) == [f"plan-{ONE.hash[:16]}.json.gz"]
    assert image_with(api.mount(tmp_path / "plans"), ONE.hash) == "dbt:2"


def test_cosmos_gets_a_manifest_without_what_it_does_not_read(publish: Publish, api: Api) -> None:
    node = {"unique_id": "model.p.a", "tags": ["t"], "raw_code": "select 1", "columns": {"id": {}}}
    manifest = {"metadata": {"v": 1}, "nodes": {"model.p.a": node}, "sources": {}, "macros": {"m": {}}}
    publish("dbt:1", ONE, manifest)
    kept = json.loads(gzip.decompress(base64.b64decode(api.held["binaryData"]["manifest.json.gz"])))
    assert kept == {
        "metadata": {"v": 1},
        "nodes": {"model.p.a": {"unique_id": "model.p.a", "tags": ["t"]}},
        "sources": {},
    }


def test_what_has_no_room_is_said(publish: Publish, script: Any, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """First older images go, then the manifest; a plan alone that is too large ends in one line."""
    manifest = {"nodes": {f"n{number}": {"name": f"{number * 7919:x}"} for number in range(50)}}
    monkeypatch.setattr(script, "LIMIT_BYTES", len(script.packed(ONE.to_json().encode())) + 20)
    publish("dbt:1", ONE, manifest)
    publish("dbt:3", THREE, manifest)
    assert [one["image"] for one in json.loads(api.held["data"]["plans.json"])] == ["dbt:3"]
    assert list(api.held["binaryData"]) == [f"plan-{THREE.hash[:16]}.json.gz"]
    monkeypatch.setattr(script, "LIMIT_BYTES", 100)
    with pytest.raises(SystemExit, match=r"more than a ConfigMap holds .*dbt\.plan\.path") as error:
        publish("dbt:4", FOUR)
    assert "\n" not in str(error.value)


def test_an_image_without_a_plan_is_named(publish: Publish, api: Api) -> None:
    with pytest.raises(SystemExit, match="dbt:1 has no plan"):
        publish("dbt:1", None)
    assert api.paths == []


@pytest.mark.parametrize("chart", ["0.1.0", "0.2.0"])
def test_an_image_of_another_release_than_the_chart_is_a_warning(
    chart: str, publish: Publish, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PODBT_VERSION", "0.1.0")
    publish("dbt:1", ONE, None, f"--release={chart}")
    warned = [line for line in capsys.readouterr().out.splitlines() if line.startswith("podbt: ")]
    expected = (
        "podbt: dbt:1 has podbt 0.1.0, and the chart is of podbt 0.2.0: build the image anew by that release, unless "
        "you brought it back on purpose (docs/upgrading.md)."
    )
    assert warned == ([expected] if chart == "0.2.0" else [])
