"""Settings changed field by field: ``--set hyperparameters.gamma=0.95``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, TypeVar

import yaml

from segue.envs.base.errors import SegueError
from segue.experiments.typed_yaml import from_plain

Settings = TypeVar("Settings")

OPTION = "--set"


def with_settings(base: Settings, settings: Mapping[str, Any], name: str) -> Settings:
    """Put settings, by path, into a record of settings.

    Parameters
    ----------
    base : dataclass instance
        Everything else.
    settings : mapping of str to Any
        By path, such as ``"hyperparameters.gamma"``, or ``"num_envs"``.
    name : str
        What error messages call their source.

    Returns
    -------
    dataclass instance
        A new record of the same type.

    Raises
    ------
    SegueError
        If a field is unknown or a value of a wrong type.
    """
    plain: dict[str, Any] = asdict(base)  # type: ignore[call-overload]
    for path, value in settings.items():
        *parents, last = path.split(".")
        place = plain
        for depth, part in enumerate(parents):
            below = place.get(part)
            if below is not None and not isinstance(below, Mapping):
                above = ".".join(parents[: depth + 1])
                raise SegueError(
                    f"{name}: {path} cannot be set, since {above} is {below!r}, which has no parts."
                )
            place[part] = dict(below or {})
            place = place[part]
        place[last] = value
    return from_plain(plain, type(base), name)


def read_assignments(texts: Sequence[str], cls: type[Any]) -> dict[str, Any]:
    """Read ``field=value`` texts, whose values are YAML.

    Parameters
    ----------
    texts : sequence of str
        As given on the command line.
    cls : type
        The dataclass that they are for, to name its fields.

    Returns
    -------
    dict of str to Any
        By path of the field, in their order.

    Raises
    ------
    SegueError
        If one has no ``=`` or no path before it, or a value is no YAML.
    """
    found: dict[str, Any] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals or not all(path.split(".")):
            allowed = ", ".join(field.name for field in fields(cls) if field.init)
            raise SegueError(
                f"{OPTION} {text} sets nothing; write {OPTION} field=value, the fields are "
                f"{allowed}."
            )
        try:
            found[path] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise SegueError(
                f"{OPTION} {text} has no value in YAML; write it as in {OPTION} seed=3."
            ) from error
    return found


__all__ = ["OPTION", "read_assignments", "with_settings"]
