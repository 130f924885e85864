"""Where podbt takes part in dbt and in its database driver, which have no public place for it.

Nothing else replaces anything of theirs. Each of these has tests on real dbt, so that another release in which it is
missing or means something else fails there and not in a pod (docs/adr/0002).
"""

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import Enum
from typing import Any, TypeAlias

Wrap: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Gets the function that stands somewhere, gives the one that is to stand there instead."""
Seams: TypeAlias = "Mapping[Seam, Wrap]"


class Seam(Enum):
    """A function of dbt's or of its driver's: the module, which only `patched` imports, and the name in it."""

    PROFILE = ("dbt.config.profile", "Profile.from_credentials")
    """Makes the connection's facts of a profile."""
    TARGET = ("dbt.config.profile", "Profile.to_target_dict")
    """Makes what a project's templates know as `target`."""
    QUERY_COMMENT = ("dbt.adapters.base.query_headers", "MacroQueryStringSetter.set")
    """Renders the comment of each query, which looks at the target, too."""
    PACKAGES = ("dbt.config.renderer", "DbtProjectYamlRenderer.render_packages")
    """Renders packages.yml, which each command does."""
    TEMPLATES = ("dbt.context.base", "BaseContext.generate_builtins")
    """Makes what all of a project's templates know, env_var() among it."""
    MISSING_VARIABLE = ("dbt.context.base", "Var.get_missing_var")
    """Refuses a var() that has neither a value nor a default."""
    READ_PARSE = ("dbt.parser.manifest", "ManifestLoader.read_manifest_for_partial_parse")
    """Reads the saved parse, where it fits."""
    WRITE_PARSE = ("dbt.parser.manifest", "ManifestLoader.write_manifest_for_partial_parse")
    """Saves the parse."""
    PARSE = ("dbt.parser.manifest", "ManifestLoader.get_full_manifest")
    """Parses the project: the connection is known before, nothing is selected until after."""
    WRITE_MANIFEST = ("dbt.parser.manifest", "write_manifest")
    """Writes manifest.json, before the first node and once more at the end."""
    WRITE_ARTIFACT = ("dbt.artifacts.schemas.base", "write_json")
    """Writes any artifact's JSON: manifest.json, run_results.json, sources.json, catalog.json."""
    GRAPH_FILE = ("dbt.compilation", "Compiler.write_graph_file")
    """Writes graph.gpickle, before the first node."""
    GRAPH_SUMMARY = ("dbt.compilation", "Linker.get_graph_summary")
    """Makes what graph_summary.json tells, before the first node."""
    SELECTOR = ("dbt.config.project", "Project.get_selector")
    """Looks up a selector of selectors.yml."""
    SELECT = ("dbt.graph.selector", "NodeSelector.get_selected")
    """Resolves the selection to nodes."""
    QUEUE = ("dbt.task.runnable", "GraphRunnableTask._runtime_initialize")
    """Puts the selected nodes in their order."""
    EXECUTE = ("dbt.task.runnable", "GraphRunnableTask.execute_with_hooks")
    """Runs hooks and nodes: these are decided, and no connection is open yet."""
    ERROR = ("dbt.task.base", "BaseRunner.handle_exception")
    """Makes text of the error that a node ended with."""
    RUN_HOOK = ("dbt.task.run", "get_execution_status")
    """Runs a hook of the run, and makes text of its error."""
    MACRO = ("dbt.clients.jinja", "MacroGenerator.__call__")
    """Calls a macro."""
    OPERATION = ("dbt.task.run_operation", "RunOperationTask._run_unsafe")
    """Runs the macro of a run-operation, whose error goes no further than a log line."""
    CANCEL = ("dbt.task.runnable", "GraphRunnableTask._cancel_connections")
    """Ends what runs: an interrupt, or the first failure with --fail-fast."""
    BATCHES = ("dbt.task.run", "MicrobatchModelRunner.get_batches")
    """Plans the batches of a microbatch model."""
    BATCH_PLANNER = ("dbt.task.run", "MicrobatchModelRunner.get_microbatch_builder")
    """Makes what plans them, with the time that is now to it."""
    INCREMENTAL = ("dbt.task.run", "MicrobatchModelRunner._is_incremental")
    """Decides whether the first batch is added to the table or replaces it."""
    BATCH_ENDED = ("dbt.task.run", "MicrobatchBatchRunner.print_result_line")
    """Tells of a batch that ended, or was skipped, in the thread that ran it."""
    CONNECT = ("psycopg2", "connect")
    """Opens a session."""


@contextmanager
def patched(*seams: Seams) -> Iterator[None]:
    """Lets functions stand in for others while this lasts. Of two for one place the later gets the earlier."""
    with ExitStack() as stack:
        for one in seams:
            for seam, wrap in one.items():
                _replace(seam, wrap, undo=stack)
        yield


def _replace(seam: Seam, wrap: Wrap, *, undo: ExitStack) -> None:
    module, path = seam.value
    try:
        owner: Any = importlib.import_module(module)
    except ImportError:
        if seam is not Seam.CONNECT:  # an image with another adapter has another driver
            raise
        return
    *classes, name = path.split(".")
    for one in classes:
        owner = getattr(owner, one)
    stands = inspect.getattr_static(owner, name)
    undo.callback(setattr, owner, name, stands)
    replacement = wrap(getattr(owner, name))
    setattr(owner, name, staticmethod(replacement) if isinstance(stands, classmethod | staticmethod) else replacement)
