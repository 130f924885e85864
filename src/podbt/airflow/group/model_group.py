"""DbtModelGroup: one pod builds, and each model is a task with its own state."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import TaskGroup, XComArg

from podbt.airflow.awaited import awaits, holds_templates
from podbt.airflow.catalog import known_plan
from podbt.airflow.group.edges import put_before
from podbt.airflow.group.graph import Graph, Member, graph_of
from podbt.airflow.group.names import Folder, folder_names
from podbt.airflow.group.tasks import AssetsTask, FinishTask, GroupPod, ModelTask
from podbt.airflow.pods.places import key_of, packed
from podbt.airflow.supported import STARTS_IN_TRIGGER
from podbt.contract.kinds import Command, ResourceType
from podbt.contract.plan import Plan, load_plan
from podbt.contract.settings.files import of_project
from podbt.contract.settings.load import load_settings
from podbt.errors import ConfigError

MAX_TASKS: Final = 1000
"""Where a model's trigger travels without its DAG, so that a group costs what its tasks do (ADR 0031)."""

MAX_HEAVY_TASKS: Final = 200
"""Where it does not, each costs as much as the DAG is large: the group costs the square."""

_COMMANDS: Final = (Command.BUILD, Command.RUN)
_DOC_CHARS: Final = 300


class DbtModelGroup(TaskGroup):
    """A task group in which every model, seed and snapshot is a task, though one pod builds them all.

    Each model's task answers for its tests, too. None of them takes a worker slot, and none a pod: they wait in the
    triggerer and end when the pod tells that their nodes have ended. A retry, or a person who clears a model, runs
    that model alone in a pod of its own, after the models that it reads.

    Args:
        group_id: The task group's name.
        plan: The project: a plan, or a plan file; the settings' plan file by default.
        selector: A selector of selectors.yml.
        tags: Nodes with any of these tags.
        groups: Nodes in any of these dbt groups. Without selector, tags and groups it is what dbt builds without a
            selection: the whole project, or what its default selector means.
        command: build, or run for models without tests.
        target: Another dbt target than the settings'. Templated.
        vars: dbt's --vars. Templated. Visible in the pod's spec: not for secrets.
        env: Plain variables of dbt's environment. Templated. Visible in the pod's spec: not for secrets.
        full_refresh: dbt's --full-refresh. Templated.
        flags: More of dbt's own flags. Templated.
        project: The dbt project, where this Airflow runs several.
        settings: Fields of `Settings` to replace for this group's pods.
        assets: Whether to emit one asset event a built model, which takes a worker for a few seconds at the end.
        folders: Whether models lie in nested groups, one a folder of the project.
        max_tasks: Refuse a larger group, see docs/models.md: 1,000 by default, and 200 where templates in target, vars,
            env, flags, full_refresh or settings need the DAG for each task, and on Airflow 3.2.
        retries: Of the pod and of each model; other task arguments go through default_args.
        kwargs: TaskGroup's arguments.

    Raises:
        ConfigError: There is no plan, the selection is not in it or too large, or the arguments contradict.
    """

    def __init__(
        self,
        group_id: str = "dbt",
        *,
        plan: Plan | str | Path | None = None,
        selector: str | None = None,
        tags: Iterable[str] = (),
        groups: Iterable[str] = (),
        command: str = "build",
        target: str | None = None,
        vars: Mapping[str, Any] | None = None,  # noqa: A002 - dbt's own word
        env: Mapping[str, Any] | None = None,
        full_refresh: bool | str = False,
        flags: Iterable[str] = (),
        project: str | None = None,
        settings: Mapping[str, Any] | None = None,
        assets: bool = True,
        folders: bool = False,
        max_tasks: int | None = None,
        retries: int | None = None,
        **kwargs: Any,
    ) -> None:
        if command not in _COMMANDS:
            raise ConfigError(f"DbtModelGroup: command is '{command}'. Give {' or '.join(_COMMANDS)}.")
        if words := kwargs.keys() & {"select", "exclude"}:
            raise ConfigError(
                f"DbtModelGroup has no {' and no '.join(sorted(words))}: its tasks come from the image's plan, which "
                "knows selectors. Give selector= (of selectors.yml), tags= or groups=, or run a DbtOperator step."
            )
        _refuse_awaited([selector, tags, groups, target, vars, env, full_refresh, flags, settings])
        tags = [tags] if isinstance(tags, str) else list(tags)
        groups = [groups] if isinstance(groups, str) else list(groups)
        found = plan if isinstance(plan, Plan) else load_plan(plan) if plan else _settings_plan(project)
        if found.others:
            found = found.on(target or (settings or {}).get("target") or load_settings(project=project).target)
        graph = graph_of(found, selector=selector, tags=tags, groups=groups, checks=command == Command.BUILD)
        if command == Command.RUN:
            graph = _models_only(graph)
        _refuse_large(group_id, len(graph.members), max_tasks, [target, vars, env, full_refresh, flags, settings])
        if retries is not None:
            kwargs["default_args"] = {**(kwargs.get("default_args") or {}), "retries": retries}
        super().__init__(group_id, **kwargs)
        if any(self.iter_mapped_task_groups()):
            raise ConfigError(
                f"DbtModelGroup '{group_id}' lies in a mapped task group, whose copies it could not tell apart. Make a "
                "group for each value in the DAG file, or map DbtOperator."
            )
        given = {
            "command": command,
            "target": target,
            "vars": dict(vars or {}),
            "env": dict(env or {}),
            "full_refresh": full_refresh,
            "flags": list(flags),
        }
        self._step = {key: value for key, value in given.items() if value and value != Command.BUILD}
        self._settings = dict(settings or {})
        self._project = project
        self._folders = folders
        self._folder_groups: dict[Folder, TaskGroup] = {}
        self._plan = found
        select = [*(f"tag:{tag}" for tag in tags), *(f"group:{group}" for group in groups)]
        with self:
            self._fill(graph, {"selector": selector, "select": select or None}, assets=assets)

    def _fill(self, graph: Graph, selection: dict[str, Any], *, assets: bool) -> None:
        start = EmptyOperator(task_id="start", doc_md="Lets all models of the group begin.")
        pod = GroupPod(
            task_id="pod",
            **{"command": Command.BUILD.value, **self._step, **selection},
            settings=self._settings,
            project=self._project,
            plan_hash=self._plan.hash,
            # Beside start and not after it, and before all others where the triggerer has to choose: it takes a second
            # to make the triggers of a hundred models, and the pod is to start meanwhile.
            priority_weight=1000,
            weight_rule="absolute",
            doc_md="The one pod that builds the group. It fails only where dbt does not get to its end.",
        )
        if self._folders:
            self._make_folders(graph.members.values())
        self._places = {unique_id: index for index, unique_id in enumerate(self._plan.unique_ids)}
        tasks: dict[str, ModelTask] = {}
        for member in graph.members.values():
            tasks[member.unique_id] = self._member(member, pod.task_id)
            put_before([start], tasks[member.unique_id])
        for unique_id, member in graph.members.items():
            put_before([tasks[parent] for parent in member.parents], tasks[unique_id])
            waited = {"parents": member.parents, "beside": member.beside}
            tasks[unique_id].wait_for(**{name: [tasks[one].task_id for one in ids] for name, ids in waited.items()})
        last = [task for task in tasks.values() if not task.downstream_task_ids]
        if graph.loose:
            checks = self._task("tests", None, graph.loose, pod.task_id, kind=ResourceType.TEST,
                                doc_md="Tests that read no model of this group.")  # fmt: skip
            put_before([start], checks)
            checks.wait_for(parents=[], beside=[])
            last.append(checks)
        if assets:
            # Beside the pod's end, which takes some seconds after the last model's.
            doc = "Emits one asset event for each node that was built."
            again: dict[str, Any] = {"retries": 2, "retry_delay": timedelta(seconds=30)}
            assets_task = AssetsTask(task_id="assets", pod=pod.task_id, trigger_rule="all_done", doc_md=doc, **again)
            put_before(last, assets_task)
        finish = FinishTask(
            task_id="finish",
            retries=0,
            trigger_rule="one_success",  # of start: it waits in its trigger, which is there by then
            trigger_kwargs={"pod": pod.task_id},
            doc_md="Fails where the pod or a model of the group did not succeed.",
        )
        put_before([start, pod, *last], finish)

    def _member(self, member: Member, pod: str) -> ModelTask:
        node = member.node
        group = self._folder_groups.get(member.folder, self)
        owner = self._plan.owner_of(member.unique_id)
        with group:
            return self._task(
                member.label,
                member.unique_id,
                member.checks,
                pod,
                kind=node.resource_type,
                doc_md=_doc(member),
                **({"owner": owner} if owner else {}),
            )

    def _task(
        self, label: str, node: str | None, checks: Iterable[str], pod: str, *, kind: str, **kwargs: Any
    ) -> ModelTask:  # fmt: skip
        keys = [*([node] if node else []), *checks]
        overrides = {**self._settings, **of_project(self._project)}
        arguments = {
            "pod": pod,
            "node": node,
            "at": packed({key_of(unique_id): self._places[unique_id] for unique_id in keys}),
            "plan": self._plan.hash,
            "step": self._step,
            "overrides": overrides,
        }
        optional = {"step", "overrides"}
        return ModelTask(
            task_id=label,
            kind=kind,
            step=self._step,
            overrides=overrides,
            weight_rule="absolute",
            trigger_rule="one_success",  # of start: waiting for the parents' states would lag behind the pod
            trigger_kwargs={key: value for key, value in arguments.items() if value or key not in optional},
            **kwargs,
        )

    def _make_folders(self, members: Collection[Member]) -> None:
        """Makes the nested groups. Folders may have names that Airflow does not take, or that models have, too."""
        prefixed = self.prefix_group_id
        names = folder_names(
            [(member.folder, member.label) for member in members],
            prefixed=prefixed,
            taken=() if prefixed else {str(one) for one in self.used_group_ids},
        )
        for path, name in names.items():
            above = self._folder_groups.get(path[:-1], self)
            self._folder_groups[path] = TaskGroup(
                name,
                group_display_name=path[-1],
                prefix_group_id=prefixed,
                parent_group=above,
                dag=self.dag,
            )


def _refuse_large(group_id: str, tasks: int, max_tasks: int | None, values: list[Any]) -> None:
    heavy = "" if STARTS_IN_TRIGGER else "on Airflow 3.2 each starts on a worker"
    if not heavy and holds_templates(values):
        heavy = "with templates in its arguments each task's trigger travels with the whole DAG"
    limit = max_tasks or (MAX_HEAVY_TASKS if heavy else MAX_TASKS)
    if tasks > limit:
        why = f" ({heavy})" if heavy and not max_tasks else ""
        raise ConfigError(
            f"DbtModelGroup '{group_id}' would have {tasks} model tasks, more than {limit}{why}. "
            "Split it by selectors, tags or dbt groups, or run DbtOperator steps; or raise max_tasks."
        )


def _refuse_awaited(values: list[Any]) -> None:
    """Refuses what other tasks return."""
    if awaits(values):
        tasks = sorted({operator.task_id for operator, _ in XComArg.iter_xcom_references(values)})
        raise ConfigError(
            "DbtModelGroup takes no value that another task returns: its tasks start without a worker. For target, "
            f"vars, flags and full_refresh write {{{{ ti.xcom_pull(task_ids='{''.join(tasks[:1])}') }}}}."
        )


def _settings_plan(project: str | None) -> Plan:
    settings = load_settings(project=project)
    if settings.plan is None:
        raise ConfigError("DbtModelGroup needs the project's plan: set plan in the settings, or give plan=.")
    if (found := known_plan(settings)) is None:
        raise ConfigError(
            f"DbtModelGroup needs the project's plan, and none has come to '{settings.plan}' yet. The chart's Job "
            "<release>-plan brings it; its pod says why where it cannot."
        )
    return found


def _models_only(graph: Graph) -> Graph:
    """What `dbt run` builds; seeds and snapshots are no parents then."""
    models = {key: member for key, member in graph.members.items() if member.node.resource_type == ResourceType.MODEL}
    return Graph(
        members={
            key: Member(**{**vars(member), "parents": tuple(one for one in member.parents if one in models)})
            for key, member in models.items()
        },
        loose=(),
    )


def _doc(member: Member) -> str:
    text = " ".join(member.node.description.split())
    short = text if len(text) <= _DOC_CHARS else f"{text[: _DOC_CHARS - 1]}…"
    return f"{short}\n\n`{member.node.path}`, {len(member.checks)} tests".strip()
