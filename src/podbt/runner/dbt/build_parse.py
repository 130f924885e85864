"""One parse of a project by an image build: dbt's manifest, the plan's content of it, and what of it may be kept."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from podbt.contract.plan_nodes import PlanContent
from podbt.errors import ConfigError
from podbt.runner.dbt import each_run, engine
from podbt.runner.dbt.placeholders import Placeholders
from podbt.runner.dbt.planned import content_of
from podbt.runner.dbt.seams import Seam, Seams, patched
from podbt.runner.dbt.template import Conditions, places_of
from podbt.runner.dbt.watch import Watch

_MOST: Final = 0.5
"""A part of the files. To parse more of them again is no quicker than to parse all."""


@dataclass(frozen=True, kw_only=True)
class Parse:
    """What came of it.

    Attributes:
        project: dbt's name for the project.
        content: What DAGs know of it.
        data: The manifest as dbt serializes it, with what each run parses again marked.
        conditions: What a run must agree in, so that the parse is right there.
        each_run: The marked files, by dbt's id.
        unfit: Why no run can take the parse; None where one can.
        placeholders: What the build was not given.
    """

    project: str
    content: PlanContent
    data: dict[str, Any]
    conditions: Conditions
    each_run: list[str]
    unfit: str | None
    placeholders: Placeholders


def parse(arguments: Sequence[str]) -> Parse:
    """Parses the project that dbt is pointed at.

    Args:
        arguments: dbt's own, without the command.

    Raises:
        ConfigError: The project cannot be parsed, or a node demands something in a wrong way.
    """
    watch, placeholders, caught = Watch(), Placeholders(), _Caught()
    try:
        with patched(watch.seams, placeholders.seams(), caught.seams):
            manifest = invoke(["parse", "--no-partial-parse", *arguments], placeholders)
            content = _planned(manifest, caught.config)
    finally:
        placeholders.forget()
    places = places_of(caught.data)
    conditions = Conditions(
        target=watch.depends_on(),
        variables=caught.config.cli_vars,
        env=dict(sorted(placeholders.config_env.items())),
        places=places or (),
    )
    projects = [one for one in caught.config.load_dependencies().values() if not _is_dbts_own(one)]
    computed = {name for one in projects for name in each_run.variables_of(Path(one.project_root))}
    own = {one.project_name for one in projects}
    marked = each_run.mark(caught.data, caught.texts, own, computed)
    unfit = _unfit(caught.data, conditions, placeholders, projects, computed)
    files = sum(file.get("project_name") in own for file in caught.data["files"].values())
    if unfit is None and computed and len(marked) > files * _MOST:
        unfit = f"most files read var('{min(computed)}'), which dbt_project.yml computes from what is the run's own."
    if unfit is None and places is None:
        unfit = "the schema or the database of the target is part of what names a node."

    return Parse(
        project=manifest.metadata.project_name,
        content=content,
        data=caught.data,
        conditions=conditions,
        each_run=marked,
        unfit=unfit,
        placeholders=placeholders,
    )


def _planned(manifest: Any, config: Any) -> PlanContent:
    """The plan's content; dbt looks for circles and at selectors when it makes the graph, after the parse."""
    from dbt_common.exceptions import DbtBaseException  # noqa: PLC0415 - slow to import

    try:
        return content_of(manifest, config)
    except (DbtBaseException, RuntimeError) as error:  # a circle is a plain RuntimeError
        raise ConfigError(f"dbt cannot make the graph of the project: {error}") from None


def invoke(arguments: Sequence[str], placeholders: Placeholders) -> Any:
    """Runs dbt.

    Raises:
        ConfigError: It failed; the message is dbt's, with what it may be for lack of.
    """
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - slow to import, and read only after the environment is set

    response = dbtRunner().invoke(list(arguments))
    if response.success:
        return response.result
    said = f"dbt {arguments[0]} failed: {response.exception or 'see its output above'}"
    if isinstance(response.exception, UnicodeDecodeError):
        said += _not_text(response.exception.object)
    lacking = [*(f"env_var('{one}')" for one in sorted(placeholders.env)),
               *(f"var('{one}')" for one in sorted(placeholders.variables))]  # fmt: skip
    if lacking:
        said += f"\nThe build has no value for {', '.join(lacking)} and put a placeholder there. {GIVE}"
    raise ConfigError(said)


def _not_text(content: bytes) -> str:
    """Which file it is that dbt could not read: it names none."""
    project = Path(engine.given("PROJECT_DIR") or ".")
    same = (file for file in sorted(project.rglob("*")) if file.is_file() and file.stat().st_size == len(content))
    names = [str(file.relative_to(project)) for file in same if file.read_bytes() == content]
    return f"\n{names[0]} is no UTF-8, which dbt reads all files as. Save it as UTF-8." if names else ""


GIVE: Final = "Give it one: make image ENV='NAME=value' VARS='{name: value}', podbt plan --env and --vars."


@dataclass
class _Caught:
    """What dbt has in hand while it parses."""

    config: Any = None
    data: dict[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def seams(self) -> Seams:
        """Takes dbt's configuration, and the saved parse in place of the file that dbt would write."""

        def parsing(load: Callable[..., Any]) -> Callable[..., Any]:
            def get_full_manifest(config: Any, **keywords: Any) -> Any:
                self.config = config
                return load(config, **keywords)

            return get_full_manifest

        def writing(_write: Callable[[Any], None]) -> Callable[[Any], None]:
            def write_manifest_for_partial_parse(loader: Any) -> None:
                self.data = loader.manifest.to_msgpack(lambda data: data)
                self.texts = {file_id: file.contents or "" for file_id, file in loader.manifest.files.items()}

            return write_manifest_for_partial_parse

        return {Seam.PARSE: parsing, Seam.WRITE_PARSE: writing}


def _unfit(
    data: Mapping[str, Any],
    conditions: Conditions,
    placeholders: Placeholders,
    projects: Sequence[Any],
    computed: Iterable[str],
) -> str | None:
    if placeholders.variables:
        names = ", ".join(f"var('{name}')" for name in sorted(placeholders.variables))
        return f"{names} has no value at the build. {GIVE}"
    if conditions.never:
        return "the project looks into the name of the target's schema or database while it is parsed."
    for project in projects:
        if each_run.project_reads(Path(project.project_root), computed):
            return f"dbt_project.yml of {project.project_name} reads the time, the id or the flags of the run."
    if each_run.names_all(data):
        return "the macro that makes the names of schemas or tables reads the time, the id or the flags of the run."
    return None


def _is_dbts_own(project: Any) -> bool:
    from dbt.adapters.factory import get_include_paths  # noqa: PLC0415 - as above

    own = {Path(path).resolve() for path in get_include_paths(project.credentials.type)}
    return Path(project.project_root).resolve() in own
