"""profiles.yml with another schema: what makes a pull request's tables its own."""

from pathlib import Path
from typing import Final

import yaml

from podbt import constants
from podbt.errors import ConfigError
from podbt.runner.dbt.build_profile import read_yaml

_SCHEMA_KEYS: Final = ("schema", "dataset")  # BigQuery's word


def derive(project: Path, profiles: Path, target: str | None, schema: str, folder: Path) -> str:
    """Writes a profile whose target has another schema, and everything else as it is.

    Args:
        project: The folder of dbt_project.yml.
        profiles: The folder of profiles.yml.
        target: Which target; None for the profile's default.
        schema: The schema that it gets.
        folder: Where the file goes; its reader needs the variables that the original reads.

    Returns:
        The target's name.

    Raises:
        ConfigError: There is no such target, or its name is a template.
    """
    name = read_yaml(project / "dbt_project.yml").get("profile")
    given = read_yaml(profiles / constants.PROFILES_FILE)
    only = [one for one in given if one != "config"]
    if isinstance(name, str) and "{{" in name and len(only) == 1:
        name = only[0]  # whatever the template says, there is no other
    if not isinstance(name, str) or name not in given:
        raise ConfigError(f"dbt_project.yml names profile {name!r}, which {profiles}/profiles.yml does not have.")
    profile = given[name]
    outputs = profile.get("outputs") if isinstance(profile, dict) else None
    chosen = target or (profile.get("target") if isinstance(profile, dict) else None) or "default"
    if not isinstance(outputs, dict) or chosen not in outputs or not isinstance(outputs[chosen], dict):
        known = ", ".join(map(str, outputs)) if isinstance(outputs, dict) else "none"
        raise ConfigError(f"Profile '{name}' has no target '{chosen}'. Give one of {known} as --target.")
    output = dict(outputs[chosen])
    key = next((one for one in _SCHEMA_KEYS if one in output), _SCHEMA_KEYS[0])
    output[key] = schema
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / constants.PROFILES_FILE
    file.touch(mode=0o600)
    changed = given | {name: {**profile, "target": chosen, "outputs": {chosen: output}}}
    file.write_text(yaml.safe_dump(changed), encoding="utf-8")
    return str(chosen)
