"""The values file that tells the cluster which images its stage approved: the newest, and the one before.

The one before stays approved, so that helm can bring it back by itself.
"""

import json
from pathlib import Path
from typing import Final

import yaml

from podbt.errors import ConfigError
from podbt.promote import values
from podbt.promote.tools import Shell

_HEAD: Final = "# Written by podbt promote: images that may run here, signed by the stage (chart value dbt.signed).\n"
_KEPT: Final = 2


def write(file: Path, bundle: Path, shell: Shell) -> None:
    """Puts a bundle first; a dry run says so alone.

    Raises:
        ConfigError: The file is there and no such one.
    """
    if shell.dry:
        shell.tell(f"  # {file}: dbt.signed.bundles")
        return
    new = json.dumps(json.loads(bundle.read_text(encoding="utf-8")), sort_keys=True)
    bundles = [new, *(old for old in _read(file) if old != new)][:_KEPT]
    values.write(file, _HEAD + yaml.safe_dump({"dbt": {"signed": {"bundles": bundles}}}, width=1 << 20))


def _read(file: Path) -> list[str]:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
        return [str(one) for one in found["dbt"]["signed"]["bundles"]]
    except FileNotFoundError:
        return []
    except (yaml.YAMLError, KeyError, TypeError):
        raise ConfigError(f"{file} is no file of approvals: remove it, podbt promote writes it anew.") from None
