"""Settings as frozen dataclasses in YAML: plain on disk, checked field by field when read."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import yaml

from segue.envs.base.errors import SegueError

Settings = TypeVar("Settings")

MOST_BYTES = 2**20
"""Largest YAML file that is read."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def to_yaml(settings: Any) -> str:
    """Write a dataclass as YAML, its fields in their order.

    Parameters
    ----------
    settings : dataclass instance
        Fields may hold numbers, strings, bools, None, paths, dataclasses, and sequences and
        mappings of these. A path below the home folder is written with ``~``.

    Raises
    ------
    TypeError
        If a field holds something else.
    """
    return yaml.safe_dump(_to_plain(settings), sort_keys=False, allow_unicode=True)


def load_yaml(path: Path, cls: type[Settings]) -> Settings:
    """Read what `to_yaml` wrote, or what a person did.

    Parameters
    ----------
    path : Path
        The YAML file.
    cls : type
        The dataclass. Fields that the file leaves out have their defaults.

    Raises
    ------
    SegueError
        If the file cannot be read or is no YAML, or a field is unknown, missing or of a wrong type.
    """
    return from_plain(read_yaml(path), cls, str(path))


def read_yaml(path: Path) -> Any:
    """Read plain values from a YAML file; an empty one is an empty mapping.

    Raises
    ------
    SegueError
        If the file cannot be read, is too large or is no YAML.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SegueError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    if len(data) > MOST_BYTES:
        raise SegueError(f"{path} is larger than {MOST_BYTES} bytes; give a file of settings.")
    try:
        plain = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        raise SegueError(f"{path} is not YAML{line}; mend it or write it anew.") from error
    return {} if plain is None else plain


def from_plain(plain: Any, cls: type[Settings], name: str) -> Settings:
    """Make a dataclass out of a mapping, checking every field.

    Parameters
    ----------
    plain : Any
        What YAML or JSON gave.
    cls : type
        The dataclass.
    name : str
        What error messages call it, such as the file.

    Raises
    ------
    SegueError
        If `plain` is not a mapping, or a field is unknown, missing or of a wrong type.
    """
    if not isinstance(plain, Mapping):
        raise SegueError(f"{name} holds {_shown(plain)}; give a mapping of fields.")
    known = {field.name: field for field in fields(cls) if field.init}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls)
    for key in plain:
        if key not in known:
            allowed = ", ".join(known)
            raise SegueError(f"{name} has an unknown field {key!r}; the fields are {allowed}.")
    for key, field in known.items():
        if key not in plain and field.default is MISSING and field.default_factory is MISSING:
            wanted = _described(hints[key])
            raise SegueError(f"{name} lacks the field {key!r}; give it {wanted}.")
    values = {key: _convert(value, hints[key], f"{name}: {key}") for key, value in plain.items()}
    return cls(**values)


def _to_plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _to_plain(getattr(value, f.name)) for f in fields(value) if f.init}
    if isinstance(value, Path):
        home = Path.home()
        return f"~/{value.relative_to(home).as_posix()}" if home in value.parents else str(value)
    if isinstance(value, Mapping):
        return {str(key): _to_plain(part) for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_to_plain(part) for part in value]
    if value is None or isinstance(value, bool):
        return value
    for plain in (int, float, str):
        if isinstance(value, plain):
            return plain(value)  # YAML does not know subclasses, such as NumPy's float.
    raise TypeError(f"settings cannot hold {type(value).__name__}")


def _convert(value: Any, hint: Any, name: str) -> Any:
    """Give `value` as the type `hint`, or raise a SegueError that says what is allowed."""
    kind = get_origin(hint) or hint
    if hint is Any:
        return value
    if kind in (Union, types.UnionType):
        return _convert_union(value, hint, name)
    if is_dataclass(kind) and isinstance(kind, type):
        return from_plain(value, kind, name)
    if kind is Literal:
        # By type too: 1 == True == 1.0.
        if any(value == part and type(value) is type(part) for part in get_args(hint)):
            return value
    elif isinstance(kind, type) and issubclass(kind, Mapping):
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            part = (get_args(hint) or (str, Any))[1]
            return {key: _convert(each, part, f"{name}.{key}") for key, each in value.items()}
    elif _is_list(kind):
        if isinstance(value, list | tuple):
            converted = _convert_list(value, kind, get_args(hint), name)
            if converted is not None:
                return converted
    elif (scalar := _convert_scalar(value, kind)) is not None:
        return scalar
    elif kind is type(None) and value is None:
        return None
    raise SegueError(f"{name} is {_shown(value)}; give {_described(hint)}.")


def _convert_union(value: Any, hint: Any, name: str) -> Any:
    """Give `value` as the first type of the union that takes it."""
    for part in get_args(hint):
        try:
            return _convert(value, part, name)
        except SegueError as error:
            # Of a nested record, the field at fault says more than the whole union.
            if is_dataclass(part) and isinstance(value, Mapping):
                raise error
    raise SegueError(f"{name} is {_shown(value)}; give {_described(hint)}.")


def _convert_list(value: Sequence[Any], kind: Any, parts: tuple[Any, ...], name: str) -> Any:
    """Give a list as `kind`, or None where a tuple's length is wrong."""
    parts = parts or (Any, ...)
    if kind is tuple and parts[-1] is not Ellipsis:
        if len(value) != len(parts):
            return None
    else:
        parts = (parts[0],) * len(value)
    each = [
        _convert(item, part, f"{name}[{index}]")
        for index, (item, part) in enumerate(zip(value, parts, strict=True))
    ]
    return each if kind is list else tuple(each)


def _convert_scalar(value: Any, kind: Any) -> Any:
    """Give a number, string, bool or path as `kind`, or None."""
    if kind is Path:
        return _path(value) if isinstance(value, str) and value else None
    if kind is float:
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return float(value)  # YAML 1.1 takes 3e-4, without a point, for a string.
        return float(value) if type(value) in (int, float) else None
    return value if kind in (bool, int, str) and type(value) is kind else None


def _path(text: str) -> Path | None:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~ of a user whom nobody knows
        return None


def _is_list(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Sequence) and kind not in (str, bytes)


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _described(hint: Any) -> str:
    """Say in words what a type allows."""
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, types.UnionType):
        return " or ".join(_described(part) for part in parts)
    if kind is Literal:
        return "one of " + ", ".join(repr(part) for part in parts)
    if kind is type(None):
        return "null"
    if kind is Path:
        return "a path"
    if kind in _WORDS:
        return _WORDS[kind]
    if isinstance(kind, type) and (issubclass(kind, Mapping) or is_dataclass(kind)):
        return "a mapping"
    if kind is tuple and parts and parts[-1] is not Ellipsis:
        return f"a list of {len(parts)} ({', '.join(_described(part) for part in parts)})"
    return f"a list (each {_described(parts[0])})" if parts else "a list"
