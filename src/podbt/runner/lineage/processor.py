"""OpenLineage's own dbt integration, fed with what podbt's journal tells instead of the lines of a log file."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from attr import evolve
from openlineage.client.event_v2 import OutputDataset, RunEvent
from openlineage.client.facet_v2 import column_lineage_dataset, output_statistics_output_dataset
from openlineage.common.provider.dbt.structured_logs import DbtStructuredLogsProcessor
from openlineage.common.provider.dbt.utils import PRODUCER

from podbt.contract.kinds import ResourceType
from podbt.runner.lineage.project import Project

_COLUMNS: Final = "columnLineage"


class Processor(DbtStructuredLogsProcessor):
    """Makes OpenLineage's events of dbt's, see `parse`.

    The integration reads dbt's log while it runs dbt, and its manifest.json. Here dbt runs already, in this process,
    and the manifest is in its memory.
    """

    def __init__(
        self, project: Project, told: Iterable[Mapping[str, Any]], *, folder: str, target: str, namespace: str,
        job: str | None, words: list[str],
    ) -> None:  # fmt: skip
        """Tells nothing, yet.

        Args:
            project: What dbt has parsed.
            told: dbt's events, as its log has them; ends with the run.
            folder: The project's.
            target: The target's name.
            namespace: Of the jobs.
            job: Name of the command's job; the integration's own choice where there is none.
            words: dbt's arguments.
        """
        super().__init__(
            dbt_command_line=["dbt", *words],
            project_dir=folder,
            target=target,
            profile_name=project.profile,
            producer=PRODUCER,
            job_namespace=namespace,
            openlineage_job_name=job,
            logger=_silent(),
        )
        self._project = project
        self._told = told
        self._rows: int | None = None
        self._compiled_manifest = dict(project.manifest)

    @property
    def profile(self) -> Mapping[str, Any]:
        """The connection, without what is secret of it."""
        return self._project.connection

    @property
    def catalog(self) -> None:
        """None: what an earlier `dbt docs generate` found may be another database's."""
        return

    def parse(self) -> Iterator[RunEvent]:
        """The events, as dbt's arrive.

        Raises:
            NotImplementedError: The integration does not know the adapter.
            UnsupportedDbtCommand: The command builds and tests nothing.
        """
        for event in super().parse():
            yield self._mended(event)

    def _run_dbt_command(self) -> Iterator[str]:
        for event in self._told:
            data = event["data"]
            node = self._compiled_manifest["nodes"].get(data.get("node_info", {}).get("unique_id"))
            self._rows = data.get("run_result", {}).get("adapter_response", {}).get("rows_affected")
            # For the columns alone: the integration finds them in it, and sends none of it.
            if node is not None and node["resource_type"] != ResourceType.TEST and "run_result" in data:
                node["compiled_code"] = self._project.sql(node["unique_id"])
            yield json.dumps(event)
            if node is not None:
                node.pop("compiled_code", None)

    def _mended(self, event: RunEvent) -> RunEvent:
        """What the integration tells wrongly or leaves out."""
        if event.job.name.startswith(f"{ResourceType.TEST}."):
            return evolve(event, outputs=[])  # a test writes no table, but has the name of one
        if not event.outputs:
            return event
        (output,) = event.outputs
        facets = dict(output.facets or {})
        if (columns := facets.pop(_COLUMNS, None)) is not None and (known := self._known(columns, event)):
            facets[_COLUMNS] = column_lineage_dataset.ColumnLineageDatasetFacet(fields=known)
        written = dict(getattr(output, "outputFacets", None) or {})
        if self._rows is not None:
            written["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=self._rows
            )
        made = OutputDataset(namespace=output.namespace, name=output.name, facets=facets, outputFacets=written)
        return evolve(event, outputs=[made])

    def _known(self, columns: Any, event: RunEvent) -> dict[str, Any]:
        """The columns that come from a table which the model reads.

        The parser calls a common table expression of `select *` a table. Where the model reads one table alone, and
        that declares the column, it is that table's.
        """
        names = {one.name for one in event.inputs or ()}
        read = list(event.inputs or ())
        only = read[0] if len(read) == 1 else None
        schema: Any = (only.facets or {}).get("schema") if only is not None else None
        declared = {field.name for field in schema.fields} if schema is not None else set()
        found = {}
        for name, one in columns.fields.items():
            fields = [field for field in one.inputFields if field.name in names]
            if only is not None:
                fields += [
                    evolve(field, name=only.name)
                    for field in one.inputFields
                    if "." not in field.name and field.field in declared
                ]
            if fields:
                found[name] = evolve(one, inputFields=fields)
        return found


def _silent() -> logging.Logger:
    """What the integration would warn of is for its developers, and would stand amid the run's own lines."""
    logger = logging.getLogger("podbt.lineage")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return logger
