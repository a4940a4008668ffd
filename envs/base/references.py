"""Names that lead into modules of others: ``module:id`` of environments, ``module:attribute``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import gymnasium as gym

from segue.envs.base.errors import SegueError
from segue.rewards import WeightedSum

PLUGINS = "segue.plugins"
"""Group of the entry points that name modules which are imported when segue starts."""


def load_reference(text: str, what: str) -> Any:
    """Import the object that ``module:attribute`` names.

    Parameters
    ----------
    text : str
        Such as ``"their.module:their_reward"``; the attribute may be dotted.
    what : str
        What it should be, for messages, such as ``"reward"``.

    Returns
    -------
    Any
        The object.

    Raises
    ------
    SegueError
        If the module cannot be found or imported, or has no such attribute.
    """
    name, _, path = text.partition(":")
    if not name or not path:
        raise SegueError(f"{text!r} names no {what}; write it as module:attribute.")
    found = load_module(name, what)
    for part in path.split("."):
        if not hasattr(found, part):
            raise SegueError(f"The module {name} has no {what} {path!r}; check the name.")
        found = getattr(found, part)
    return found


def load_module(name: str, what: str) -> Any:
    """Import a module of others.

    Raises
    ------
    SegueError
        If there is none of that name, or importing it fails.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        # Its own imports may be what is missing.
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            raise SegueError(
                f"There is no module {name!r} to take the {what} from; install it, or name its "
                "folder in PYTHONPATH."
            ) from error
        raise SegueError(
            f"The module {name} of the {what} needs {missing!r}, which is not installed; install "
            "it."
        ) from error
    # A module can raise anything.
    except Exception as error:
        raise SegueError(
            f"The module {name} of the {what} cannot be imported "
            f"({type(error).__name__}: {error}); mend it."
        ) from error


@dataclass(frozen=True)
class Plugins:
    """What installed packages add.

    Attributes
    ----------
    names : tuple of str
        Of the entry points.
    environments : tuple of str
        Ids that they registered.
    """

    names: tuple[str, ...]
    environments: tuple[str, ...]


@cache
def load_plugins() -> Plugins:
    """Import every module that an installed package offers as a plug-in of segue.

    A package offers one by an entry point of the group `PLUGINS`; importing it registers its
    environments, agents, effects and transitions. Imported once a process.

    Returns
    -------
    Plugins

    Raises
    ------
    SegueError
        If one cannot be imported.
    """
    found = sorted(entry_points(group=PLUGINS), key=lambda point: (point.name, point.value))
    before = set(gym.registry)
    for point in found:
        load_module(point.module, f"plug-in {point.name!r}")
    added = tuple(name for name in gym.registry if name not in before)
    return Plugins(tuple(point.name for point in found), added)


def resolve_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give keyword arguments of an environment, with a reward that a text names as the object.

    Plug-ins are loaded first, since their effects and transitions count among the actions.

    Parameters
    ----------
    options : mapping
        ``reward: "module:attribute"`` is taken for a `WeightedSum` in a module; everything else
        stays as it is.

    Returns
    -------
    dict
        Keyword arguments.

    Raises
    ------
    SegueError
        If the module or the attribute is missing, or is no `WeightedSum`.
    """
    load_plugins()
    found = dict(options)
    reward = found.get("reward")
    if isinstance(reward, str) and ":" in reward:
        loaded = load_reference(reward, "reward")
        if not isinstance(loaded, WeightedSum):
            raise SegueError(
                f"{reward} is of the type {type(loaded).__name__}, no reward; name a "
                "segue.rewards.WeightedSum."
            )
        found["reward"] = loaded
    return found


__all__ = ["PLUGINS", "Plugins", "load_module", "load_plugins", "load_reference", "resolve_options"]
