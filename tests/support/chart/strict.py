"""Compares objects with the Kubernetes API's own types: what no type knows, the API server would drop or refuse."""

import re
from collections.abc import Iterator
from typing import Any

from kubernetes.client import models

_SCALARS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "bool": (bool,), "float": (float, int)}
_LIST = re.compile(r"^list\[(.+)\]$")
_DICT = re.compile(r"^dict[\[(]str, (.+)[\])]$")
# The client has no type for "number or text"; both say `object`, and so do free-form fields.
_FREE = {"object", "datetime"}


def problems(manifest: dict[str, Any]) -> list[str]:
    """Names each field of a manifest that its type does not have, and each value of a wrong type."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    # rbac.authorization.k8s.io/v1 Role is V1Role: the client leaves the group out of names.
    name = f"{version.capitalize()}{manifest['kind']}"
    if not hasattr(models, name):
        return [f"{group}/{version} {manifest['kind']} is no kind of the Kubernetes API"]
    return list(_check(manifest, name, path=f"{manifest['kind']}/{manifest['metadata']['name']}"))


def _check(value: Any, type_name: str, *, path: str) -> Iterator[str]:
    if type_name in _FREE and value is not None:
        return
    if value is None:
        yield f"{path} is null"
    elif type_name in _SCALARS:
        # In Python a bool is an int; in YAML it is not.
        if not isinstance(value, _SCALARS[type_name]) or (isinstance(value, bool) and type_name != "bool"):
            yield f"{path} is {value!r}, not {type_name}"
    elif match := _LIST.match(type_name) or _DICT.match(type_name):
        yield from _check_items(value, match[1], list if type_name.startswith("list") else dict, path=path)
    else:
        yield from _check_model(value, type_name, path=path)


def _check_items(value: Any, item_type: str, kind: type, *, path: str) -> Iterator[str]:
    if not isinstance(value, kind):
        yield f"{path} is no {kind.__name__}"
        return
    named = {f".{key}": item for key, item in value.items()} if isinstance(value, dict) else {}
    counted = {f"[{index}]": item for index, item in enumerate(value)} if isinstance(value, list) else {}
    for suffix, item in (named | counted).items():
        yield from _check(item, item_type, path=path + suffix)


def _check_model(value: Any, type_name: str, *, path: str) -> Iterator[str]:
    model = getattr(models, type_name)
    if not isinstance(value, dict):
        yield f"{path} is no {type_name}"
        return
    fields = {json_name: attribute for attribute, json_name in model.attribute_map.items()}
    for key, item in value.items():
        if key not in fields:
            yield f"{path}.{key} is no field of {type_name}"
        else:
            yield from _check(item, model.openapi_types[fields[key]], path=f"{path}.{key}")
    try:
        model(**{attribute: value[name] for name, attribute in fields.items() if name in value})
    except ValueError as error:
        yield f"{path}: {error}"
