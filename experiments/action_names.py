"""What actions are called, for a person who is to choose one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from segue.agents.demonstrations.recording import choice_sizes
from segue.envs.counterpoint.env import CounterpointEnv
from segue.envs.film.effects import EFFECTS
from segue.envs.film.transitions import TRANSITIONS
from segue.envs.highlight.env import HighlightEnv
from segue.envs.lead_sheet import types as lead_sheet
from segue.envs.lead_sheet.env import LeadSheetEnv
from segue.envs.melody import types as melody
from segue.envs.melody.env import MelodyEnv
from segue.envs.montage.env import MontageEnv
from segue.envs.montage.types import LENGTHS
from segue.envs.multicam.env import MulticamEnv
from segue.envs.music.scales import pitch_name


@dataclass(frozen=True)
class Choice:
    """One part of an action.

    Attributes
    ----------
    name : str
        What is chosen.
    names : tuple of str
        What each choice is called, its number where nothing is known.
    """

    name: str
    names: tuple[str, ...]


def choices_of(env: gym.Env[Any, Any]) -> tuple[Choice, ...]:
    """Name the choices of an environment in the present episode.

    Parameters
    ----------
    env : gymnasium.Env
        Reset. What a stranger calls its actions is asked of ``get_action_meanings``, as Gymnasium's
        arcade games have it.

    Returns
    -------
    tuple of Choice
        One for each part of an action.

    Raises
    ------
    SegueError
        If actions are not discrete.
    """
    sizes = choice_sizes(env.action_space)
    known = _known(env)
    found = []
    for part, size in enumerate(sizes):
        name, names = known[part] if part < len(known) else (f"part {part + 1}", ())
        # A scene may have fewer cameras than the largest one has.
        rest = tuple(str(number) for number in range(len(names), size))
        found.append(Choice(name, (*names, *rest)[:size]))
    return tuple(found)


def _known(env: gym.Env[Any, Any]) -> list[tuple[str, tuple[str, ...]]]:
    inner = env.unwrapped
    if isinstance(inner, MontageEnv):
        return [
            ("shot", ()),
            ("in-point", ("start", "middle", "end")),
            ("length", tuple(f"{beats} beat{'s' * (beats > 1)}" for beats in LENGTHS)),
            ("transition", tuple(TRANSITIONS)),
            ("effect", tuple(EFFECTS)),
        ]
    if isinstance(inner, MulticamEnv):
        return [("camera", tuple(camera.name for camera in inner.scene.cameras))]
    if isinstance(inner, HighlightEnv):
        return [("shot", ("skip", "keep"))]
    if isinstance(inner, MelodyEnv):
        return [("token", ("note off", "hold", *_pitches(melody.LOW, melody.PITCHES)))]
    if isinstance(inner, LeadSheetEnv):
        return [("token", ("rest", "hold", *_pitches(lead_sheet.LOW, lead_sheet.PITCHES)))]
    if isinstance(inner, CounterpointEnv):
        return [("pitch", _pitches(inner.cantus_firmus.final, choice_sizes(env.action_space)[0]))]
    if env.has_wrapper_attr("get_action_meanings"):
        return [("action", tuple(map(str, env.get_wrapper_attr("get_action_meanings")())))]
    return [("action", ())]


def _pitches(low: int, count: int) -> tuple[str, ...]:
    return tuple(pitch_name(pitch, 0, "major") for pitch in range(low, low + count))
