"""One line of a values file: read, and replaced with everything around it kept as it is."""

import os
import tempfile
from pathlib import Path
from typing import Any

import yaml

from podbt.errors import ConfigError


def read(file: Path, key: str) -> str:
    """The text at a dotted key; empty where nothing is set.

    Raises:
        ConfigError: The file cannot be read, or holds something else there.
    """
    return _value(_data(_text(file), file), key, file)


def sibling(file: Path, key: str, name: str) -> str:
    """The text at a key's neighbour."""
    return read(file, ".".join([*key.split(".")[:-1], name]))


def replaced(file: Path, key: str, value: str) -> str:
    """The file's text with another value at a key; a line that is missing is added.

    Raises:
        ConfigError: There is no such place, or it cannot be changed without touching others.
    """
    text = _text(file)
    data = _data(text, file)
    if _value(data, key, file) == value:
        return text
    new = _edited(text, key, value, file)
    # Whatever the file's YAML does (aliases, merges, tags): nothing but this value may differ.
    data = _unshared(data)
    expected = data
    *above, last = key.split(".")
    for name in above:
        expected = expected[name]
    expected[last] = value
    try:
        result = yaml.safe_load(new)
    except yaml.YAMLError:
        result = None
    if result != data:
        raise ConfigError(f"{file}: {key} shares its text with other keys (an alias or a merge): write it out.")
    return new


def write(file: Path, text: str) -> None:
    """Replaces a file whole, so that nobody ever sees half of it."""
    place = file.resolve()
    with tempfile.NamedTemporaryFile("w", dir=place.parent, prefix=f".{place.name}.", delete=False, newline="") as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    temporary = Path(new.name)
    temporary.chmod(place.stat().st_mode & 0o777 if place.exists() else 0o644)
    temporary.replace(place)


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is no UTF-8 text.") from None


def _data(text: str, file: Path) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{file} is no YAML: {' '.join(str(error).split())}") from None


def _value(data: Any, key: str, file: Path) -> str:
    for name in key.split("."):
        if data is None:
            return ""
        if not isinstance(data, dict):
            raise ConfigError(f"{file}: {key} leads through something that is no mapping.")
        data = data.get(name)
    if data is not None and not isinstance(data, str):
        raise ConfigError(f"{file}: {key} is no text.")
    return data or ""


def _unshared(data: Any) -> Any:
    """A copy in which what an alias refers to is there as often as it is named."""
    if isinstance(data, dict):
        return {key: _unshared(value) for key, value in data.items()}
    return [_unshared(one) for one in data] if isinstance(data, list) else data


def _edited(text: str, key: str, value: str, file: Path) -> str:
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    *above, last = key.split(".")
    for name in above:
        node = _child(node, name)
        if node is None:
            raise ConfigError(f"{file} has no {'.'.join(above)}: write it there once, with the image's repository.")
    if not isinstance(node, yaml.MappingNode) or not node.value:
        raise ConfigError(f"{file}: {'.'.join(above)} is empty: write the image's repository there once.")
    quoted = f'"{value}"'
    if (old := _child(node, last)) is not None:
        start, end = old.start_mark.index, old.end_mark.index
        if start == end:  # nothing behind the colon
            return f"{text[:start]} {quoted}{text[start:]}"
        return f"{text[:start]}{quoted}{text[end:]}"
    first, _ = node.value[0]
    if node.flow_style:
        return f"{text[: first.start_mark.index]}{last}: {quoted}, {text[first.start_mark.index :]}"
    end = "\r\n" if "\r\n" in text else "\n"
    line = f"{last}: {quoted}{end}{' ' * first.start_mark.column}"
    return f"{text[: first.start_mark.index]}{line}{text[first.start_mark.index :]}"


def _child(node: Any, name: str) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in reversed(node.value) if key.value == name), None)  # of two YAML takes the last
