"""The large made-up project: as many nodes as asked, with all that the plan and the parse of such a project meet."""

from collections import Counter
from pathlib import Path

from bench.large import SELECTORS, write_large

from podbt.runner.dbt.bake import bake
from podbt.runner.dbt.template import baked_targets


def test_it_has_the_nodes_and_selectors_that_were_asked(tmp_path: Path) -> None:
    write_large(tmp_path / "project", nodes=303)
    write_large(tmp_path / "again", nodes=303)
    one, two = (
        {path.relative_to(folder): path.read_text() for path in folder.rglob("*.*") if path.is_file()}
        for folder in (tmp_path / "project", tmp_path / "again")
    )
    assert one == two
    plan = bake(tmp_path / "project", tmp_path / "baked", targets=["prod"])
    assert len(plan.nodes) == 303
    assert len(plan.selectors) == SELECTORS
    assert all(selector.nodes for selector in plan.selectors.values())
    kinds = Counter(node.resource_type for node in plan.nodes.values())
    assert set(kinds) == {"model", "test", "seed", "snapshot"}
    assert len(plan.groups) == 12
    assert baked_targets(tmp_path / "baked") == ["prod"]
