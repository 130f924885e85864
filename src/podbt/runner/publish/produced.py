"""What some commands are run for: the site of `docs generate`, the SQL of `compile`. It goes to the run's folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import yaml

from podbt import constants
from podbt.contract.record import NodeRecord
from podbt.runner.process.redact import Redactor
from podbt.runner.process.scratch import Workspace
from podbt.runner.report.compiled import compiled_name
from podbt.store.run_folder import RunFolder

_INDEX: Final = "index.html"
_STATIC: Final = "static_index.html"
_CATALOG: Final = "catalog.json"
# Where dbt puts the two files into its one-page site.
_PLACES: Final = {constants.MANIFEST_FILE: b'"MANIFEST.JSON INLINE DATA"', _CATALOG: b'"CATALOG.JSON INLINE DATA"'}


def there(folder: Path, names: Iterable[str]) -> list[Path]:
    """Those of some files that dbt wrote."""
    return [folder / name for name in names if (folder / name).is_file()]


def add_site(folder: RunFolder, workspace: Workspace, redactor: Redactor) -> None:
    """Adds a site that works as it lies there: dbt's pages, the manifest and the catalog that they read, the assets.

    The pages are the same for every project, so nothing in them is a secret.
    """
    target = workspace.target
    folder.add(there(target, [constants.MANIFEST_FILE, _CATALOG]), redactor.file)
    static = target / _STATIC
    if static.is_file() and (target / _INDEX).is_file():
        page = (target / _INDEX).read_bytes()
        for name, place in _PLACES.items():
            page = page.replace(place, (folder.kept / name).read_bytes())
        static.write_bytes(page)
    folder.add(there(target, [_INDEX, _STATIC]), lambda _: None)
    for asset in _asset_folders(workspace):
        found = [file for file in (target / asset).rglob("*") if file.is_file()]
        folder.add(found, redactor.text_file, below=target)


def add_compiled(folder: RunFolder, workspace: Workspace, compiled: Mapping[str, str], redactor: Redactor) -> None:
    """Adds each node's SQL, named as `compiled_name` says."""
    below = workspace.scratch / "published"
    for unique_id, code in compiled.items():
        file = below / compiled_name(unique_id)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code, encoding="utf-8")
    folder.add([below / compiled_name(unique_id) for unique_id in compiled], redactor.file, below=below)


def with_sql(node: NodeRecord, compiled: Mapping[str, str]) -> NodeRecord:
    """A node that says where its compiled SQL will be."""
    return node.model_copy(update={"compiled": compiled_name(node.unique_id)}) if node.unique_id in compiled else node


def _asset_folders(workspace: Workspace) -> list[str]:
    """The project's asset-paths, which dbt copies beside the site. A templated project says them to dbt alone."""
    try:
        project = yaml.safe_load((workspace.project / "dbt_project.yml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return []
    paths = project.get("asset-paths") if isinstance(project, dict) else None
    return [path for path in paths or [] if isinstance(path, str) and ".." not in path and not path.startswith("/")]
