"""`podbt plan`: what an image build bakes, so that a pod neither parses nor installs."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import yaml

from podbt import constants
from podbt.contract.plan import Plan
from podbt.contract.plan_nodes import PlanContent
from podbt.errors import ConfigError
from podbt.runner.dbt import engine, releases, reproducible, template
from podbt.runner.dbt.build_parse import GIVE, Parse, parse
from podbt.runner.dbt.build_profile import BuildProfile, read_yaml, write_profile
from podbt.runner.dbt.install import check_for_secrets, install, lay_out
from podbt.runner.dbt.placeholders import PLACEHOLDER
from podbt.runner.process.secrets import is_secret

_SHOWN: Final = 5


def bake(
    project: Path,
    output: Path,
    *,
    targets: Sequence[str] = (),
    variables: str = "{}",
    env: Mapping[str, str] | None = None,
    deps: bool = True,
    secrets: Mapping[str, str] | None = None,
    copy_to: Path | None = None,
) -> Plan:
    """Parses a project without a database and writes plan.json, manifest.json and the saved parse.

    Args:
        project: The dbt project's folder.
        output: Where the files go.
        targets: The targets that the image is for; by default those of the project's own profiles.yml.
        variables: dbt's --vars, as YAML.
        env: Environment variables that the project reads. They end up in the saved parse: never a secret.
        deps: Whether to install packages; else those that lie in the project are taken as they are.
        secrets: Environment variables that the installation of packages alone may know.
        copy_to: Where the project is to lie in the image, whole; by default it stays where it is.

    Returns:
        The plan.

    Raises:
        ConfigError: The project cannot be parsed; the message is dbt's.
    """
    if not (project / "dbt_project.yml").is_file():
        raise ConfigError(f"No dbt_project.yml in '{project}'. Give the folder of a dbt project.")
    if secret := sorted(name for name in env or {} if is_secret(name)):
        raise ConfigError(f"{', '.join(secret)}: what is secret is no variable of the build, it would be in the image.")
    os.environ |= env or {}
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        profile = write_profile(project, scratch, targets)
        _point_dbt_at(scratch)
        shared = ["--vars", _vars(variables), "--profile", profile.name]
        try:
            if deps:
                install(project, shared, secrets or {})
            if copy_to is not None:
                lay_out(project, copy_to)
                project = copy_to
            plan = _parsed(project, output, profile, shared, scratch)
        except ConfigError as error:
            if line := releases.advice(project, error):
                raise ConfigError(f"{error}\n{line}") from None
            raise
    check_for_secrets([output, *([copy_to] if copy_to else [])], secrets or {})
    return plan


def _parsed(project: Path, output: Path, profile: BuildProfile, shared: Sequence[str], scratch: Path) -> Plan:
    engine.point(PROJECT_DIR=str(project))
    date = reproducible.wanted()
    first = parse([*shared, "--target", profile.targets[0]])
    manifest = Path(shutil.copyfile(scratch / "target" / constants.MANIFEST_FILE, output / constants.MANIFEST_FILE))
    if date is not None:
        reproducible.settle_file(manifest, date)
    _keep(first, output, profile, profile.targets[0])
    contents = {profile.targets[0]: first.content}
    if first.conditions.of_one_target:
        for target in profile.targets[1:]:
            other = parse([*shared, "--target", target])
            _keep(other, output, profile, target)
            contents[target] = other.content
    for line in _notes(project, first, profile):
        print(f"podbt: {line}", flush=True)
    plan = _plan(first.project, contents)
    (output / constants.PLAN_FILE).write_text(plan.to_json(), encoding="utf-8")
    return plan


def _point_dbt_at(scratch: Path) -> None:
    """By variables, which count more than the flags of dbt_project.yml."""
    engine.point(
        PROFILES_DIR=str(scratch),
        TARGET_PATH=str(scratch / "target"),
        LOG_PATH=str(scratch / "logs"),
        SEND_ANONYMOUS_USAGE_STATS="false",
        USE_COLORS="false",
        WRITE_JSON="true",
    )


def _vars(text: str) -> str:
    try:
        data = yaml.safe_load(text or "{}")
    except yaml.YAMLError as error:
        raise ConfigError(f"The variables are no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ConfigError("The variables are no mapping of names to values. Give them as '{name: value}'.")
    return str(yaml.safe_dump(data))


def _keep(parsed: Parse, output: Path, profile: BuildProfile, target: str) -> None:
    """Writes the saved parse, where a run can take it."""
    if parsed.unfit or (parsed.conditions.of_one_target and not profile.known):
        return
    name = template.file_name(target if parsed.conditions.of_one_target else None)
    if (date := reproducible.wanted()) is not None:
        reproducible.settle(parsed.data, date)
    template.save(parsed.data, output / name, parsed.conditions)


def _plan(project: str, contents: dict[str, PlanContent]) -> Plan:
    """One plan for all targets, with what differs on some of them."""
    distinct: list[PlanContent] = []
    for target, content in contents.items():
        same = next((one for one in distinct if replace(one, targets=()) == content), None)
        if same is None:
            distinct.append(replace(content, targets=(target,)))
        else:
            distinct[distinct.index(same)] = replace(same, targets=(*same.targets, target))
    first, *others = distinct
    if not others:
        first = replace(first, targets=())
    return Plan.seal(project=project, dbt_version=version("dbt-core"), **vars(first), others=tuple(others))


def _notes(project: Path, first: Parse, profile: BuildProfile) -> Iterator[str]:
    """What a person should know of an image that is not what they may think, a line each."""
    missing = sorted(first.placeholders.env)
    named = ", ".join(f"env_var('{name}')" for name in missing)
    if missing:
        yield f"The build has no value for {named}: what reads it is parsed again in a run that has one. {GIVE}"
    selectors = project / "selectors.yml"
    if read := [name for name in missing if selectors.is_file() and name in selectors.read_text(encoding="utf-8")]:
        yield f"{selectors.name} reads {', '.join(read)}: the plan has its selectors as with '{PLACEHOLDER}'."
    if first.unfit:
        yield f"Each run parses the whole project: {first.unfit}"
        return
    looked_at = ", ".join(f"target.{fact}" for fact in sorted(first.conditions.target))
    if first.conditions.of_one_target and not profile.known:
        yield (
            f"The project looks at {looked_at} while it is parsed, and the build knows no target, so each run parses "
            "the whole project. Name the targets that it runs on: make image TARGETS=prod, podbt plan --target prod."
        )
    elif first.conditions.of_one_target:
        names = ", ".join(profile.targets)
        yield f"The saved parse is for the targets {names}, as the project looks at {looked_at}: others parse in full."
    if first.each_run:
        shown = ", ".join(first.each_run[:_SHOWN])
        more = f" and {len(first.each_run) - _SHOWN} more" if len(first.each_run) > _SHOWN else ""
        yield (
            f"Parsed again in each run, since they read its time, id or flags: {shown}{more}. "
            "The plan has them as of this build."
        )
    if read_yaml(project / "dbt_project.yml").get("flags", {}).get("partial_parse") is False:
        yield "dbt_project.yml switches partial_parse off: each run parses the whole project."
