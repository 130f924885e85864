"""The made-up project: dbt accepts it, and equal sizes give equal files."""

from pathlib import Path

import pytest

from bench import synth
from podbt.runner.dbt.bake import bake


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_equal_sizes_give_equal_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        synth.write_project(tmp_path / name, models=30)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_dbt_parses_it_into_layers_with_two_tests_a_model(tmp_path: Path) -> None:
    assert synth.main([str(tmp_path / "project"), "--models", "9"]) == 0
    plan = bake(tmp_path / "project", tmp_path / "baked")
    models = {key: node for key, node in plan.nodes.items() if node.resource_type == "model"}
    assert len(models) == 9
    assert sum(1 for node in plan.nodes.values() if node.resource_type == "test") == 18
    above = {"staging": None, "intermediate": "stg_", "marts": "int_"}
    for node in models.values():
        prefix = above[Path(node.path).parts[1]]
        assert all(parent.split(".")[-1].startswith(prefix) for parent in node.depends_on if prefix)
        assert (len(node.depends_on) in {2, 3}) == (prefix is not None)


@pytest.mark.parametrize("models", ["0", "-3", "10"])
def test_other_sizes_are_refused(tmp_path: Path, models: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        synth.main([str(tmp_path), f"--models={models}"])
    assert f"--models is {models}. Give a positive multiple of 3." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
