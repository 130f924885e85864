"""What DAG authors import: `from podbt.airflow import DbtOperator`."""

import importlib
from typing import TYPE_CHECKING, Any, Final

import podbt.airflow.supported  # noqa: F401 - first of all: it refuses an Airflow that podbt does not run on

if TYPE_CHECKING:
    from podbt.airflow.approval import ApproveFullRefresh
    from podbt.airflow.assets import dbt_asset
    from podbt.airflow.catalog import lineage, selector_names
    from podbt.airflow.group.model_group import DbtModelGroup
    from podbt.airflow.notify.callbacks import notifications
    from podbt.airflow.operator import DbtOperator
    from podbt.airflow.pod_operator import DbtPodOperator

__all__ = [
    "ApproveFullRefresh",
    "DbtModelGroup",
    "DbtOperator",
    "DbtPodOperator",
    "dbt_asset",
    "lineage",
    "notifications",
    "selector_names",
]

# Imported when asked for: KubernetesPodOperator alone costs each parse of a DAG file about a second.
_MODULES: Final = {
    "ApproveFullRefresh": "podbt.airflow.approval",
    "DbtModelGroup": "podbt.airflow.group.model_group",
    "DbtOperator": "podbt.airflow.operator",
    "DbtPodOperator": "podbt.airflow.pod_operator",
    "dbt_asset": "podbt.airflow.assets",
    "lineage": "podbt.airflow.catalog",
    "notifications": "podbt.airflow.notify.callbacks",
    "selector_names": "podbt.airflow.catalog",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
