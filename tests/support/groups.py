"""The graph of a model group, also beside a dbt that has no Airflow (`make test-dbt`): a graph needs none."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import podbt

if find_spec("airflow") is None:  # the package itself refuses to be imported there
    package = ModuleType("podbt.airflow")
    package.__path__ = [str(Path(podbt.__file__).parent / "airflow")]
    sys.modules["podbt.airflow"] = package

from podbt.airflow.group.graph import graph_of

__all__ = ["graph_of"]
