"""What an image is made of: the Python packages in its environment, as CycloneDX."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

from podbt.errors import PromotionError
from podbt.promote.image import Layout
from podbt.promote.tools import FailedError, Shell

_ENVIRONMENT: Final = "opt/venv/lib"
_PROGRAM: Final = "cyclonedx-py"


def find() -> str:
    """The program that writes it.

    Raises:
        PromotionError: It is not there.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which(_PROGRAM, path=beside) or shutil.which(_PROGRAM)
    if not found:
        raise PromotionError(f"{_PROGRAM} is not on PATH: install cyclonedx-bom; make release brings it along.")
    return found


def write(shell: Shell, layout: Layout, scratch: Path, output: Path) -> None:
    """Writes the SBOM of an image: the same file for the same packages.

    Args:
        shell: Runs cyclonedx-py.
        layout: The image.
        scratch: An empty folder.
        output: The file.

    Raises:
        PromotionError: The image has no Python environment where podbt's images have it.
    """
    layout.extract(scratch / "image", _ENVIRONMENT)
    found = list((scratch / "image" / _ENVIRONMENT).glob("python3*/site-packages"))
    if not found:
        raise PromotionError("The image has no packages below /opt/venv: it is none of podbt's Dockerfile.")
    # An environment of this Python with the image's packages: the image's own Python need not run here.
    venv = scratch / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, capture_output=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(venv), "platbase": str(venv)}))
    packages.rmdir()
    found[0].rename(packages)
    try:
        shell.ask(find(), "environment", "--output-reproducible", "--output-file", output, venv)
    except FailedError as error:
        raise PromotionError(f"The SBOM cannot be written: {error.said}") from None
    if not output.stat().st_size:
        raise PromotionError("The SBOM is empty.")
