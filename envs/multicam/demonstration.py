"""People's multicam cuts as episodes: a list of shots becomes the actions that replay it.

A demonstration is a sequence of shots, each a camera set-up and a length. Where the footage is
missing, its own set-ups are the cameras of a scene of which nothing else is known: every camera
sees alike, no moment matters more than another, and what can be learnt is the cutting itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Edit
from segue.envs.multicam.types import (
    LEVELS,
    MOST_CAMERAS,
    MOST_STEPS,
    NO_THUMBNAILS,
    SIZES,
    Camera,
    Scene,
)


@dataclass(frozen=True)
class Shot:
    """One shot of a demonstration.

    Attributes
    ----------
    camera : str
        Name of the camera set-up.
    seconds : float
        Length, > 0.
    scene : str
        Scene of the film that it belongs to; empty where nothing tells.
    """

    camera: str
    seconds: float
    scene: str = ""


def shots_of_edit(edit: Edit) -> tuple[Shot, ...]:
    """Shots of an edit: set-ups are told apart by reel, scene and take, else by file.

    Neighbours of one set-up are one shot, since the environment knows no cut from a camera to
    itself.
    """
    shots: list[Shot] = []
    for cut in edit.cuts:
        camera = " ".join(part for part in (cut.reel, cut.scene, cut.take) if part)
        camera, seconds = camera or cut.source.stem, float(cut.frames / edit.rate)
        if shots and shots[-1].camera == camera:
            seconds += shots.pop().seconds
        shots.append(Shot(camera, seconds))
    return tuple(shots)


def scene_of_shots(
    shots: Sequence[Shot], *, seconds: float = 0.5, title: str = "", hold: int = 1
) -> Scene:
    """Make the scene that a demonstration plays in where nothing but its shots is known.

    The cameras are the set-ups in the order of their names, numbers by their value: the order in
    which they are first shown would tell the agent what comes. All sizes are medium.

    Parameters
    ----------
    shots : sequence of Shot
        The demonstration.
    seconds : float
        Length of a step.
    title : str
        Name for people.
    hold : int
        Steps that a shot lasts at least.

    Raises
    ------
    SegueError
        If there is no shot, too many set-ups or steps, or a length is not positive.
    """
    step = Fraction(seconds).limit_denominator(1000)
    names = sorted({shot.camera for shot in shots}, key=_by_value)
    length = int(_borders(shots, step, hold)[-1]) if shots else 0
    if not 1 <= len(names) <= MOST_CAMERAS or not 1 <= length <= MOST_STEPS:
        raise SegueError(
            f"{title or 'The demonstration'} has {len(names)} set-ups and {length} steps; give 1 "
            f"to {MOST_CAMERAS} and 1 to {MOST_STEPS}, such as one scene of it."
        )
    return Scene(
        title=title or f"{len(shots)} shots",
        seconds=step,
        cameras=tuple(Camera(name, SIZES // 2) for name in names),
        levels=np.full((length, len(names)), LEVELS // 2, dtype=np.int8),
        emphasis=np.full(length, SIZES // 2, dtype=np.int8),
        orients=np.zeros(length, dtype=np.bool_),
        similarity=np.eye(len(names)),
        thumbnails=NO_THUMBNAILS,
    )


def actions_of_shots(
    shots: Sequence[Shot], scene: Scene, *, hold: int = 1
) -> npt.NDArray[np.int64]:
    """Actions that replay a demonstration in `scene`, whose cameras bear the set-ups' names.

    Cuts go to the nearest step, so that errors do not add up; each shot lasts `hold` steps at
    least. With the environment's own `hold` all actions are legal in a scene of this length.

    Returns
    -------
    ndarray (steps,) int64
        One for each step of the scene; the last shot fills or leaves out what differs.

    Raises
    ------
    SegueError
        If a set-up is no camera of the scene, or there is no shot of a positive length.
    """
    names = {camera.name: index for index, camera in enumerate(scene.cameras)}
    unknown = [shot.camera for shot in shots if shot.camera not in names]
    if unknown:
        raise SegueError(
            f"The scene {scene.title!r} has no camera {unknown[0]!r}; its cameras are "
            f"{', '.join(names)}."
        )
    borders = _borders(shots, scene.seconds, hold)
    if not len(borders):
        raise SegueError("A demonstration without a shot cannot be replayed; give at least one.")
    which = np.repeat([names[shot.camera] for shot in shots], np.diff(borders, prepend=0))
    filled = np.full(max(scene.steps, len(which)), which[-1], dtype=np.int64)
    filled[: len(which)] = which
    return filled[: scene.steps]


def passages_of_shots(
    shots: Sequence[Shot],
    *,
    seconds: float = 0.5,
    hold: int = 1,
    cameras: int = MOST_CAMERAS,
    steps: int = MOST_STEPS,
) -> list[tuple[Shot, ...]]:
    """Split a long demonstration into passages that each fit a scene.

    A passage is as long as can be. Where more shots follow, it ends with the last change of scene
    in it, if there is one. A shot that alone is too long is split.

    Parameters
    ----------
    shots : sequence of Shot
        The demonstration.
    seconds : float
        Length of a step.
    hold : int
        Steps that a shot lasts at least.
    cameras, steps : int
        Most of a scene.

    Raises
    ------
    SegueError
        If a length is not positive, or no shot fits.
    """
    step, left = Fraction(seconds).limit_denominator(1000), list(shots)
    if not 1 <= hold <= steps or cameras < 1:
        raise SegueError(
            f"No shot of {hold} steps fits a scene of {cameras} cameras and {steps} steps; "
            "allow longer scenes."
        )
    found = []
    while left:
        ahead = left[: steps + 1]  # More cannot fit: each lasts a step at least.
        first = {shot.camera: index for index, shot in reversed([*enumerate(ahead)])}
        too_many = sorted(first.values())[cameras : cameras + 1]
        count = min([int((_borders(ahead, step, hold) <= steps).sum()), *too_many])
        if not count:
            longest = float(steps * step)
            rest = left[0].seconds - longest
            left[:1] = [replace(left[0], seconds=longest), replace(left[0], seconds=rest)]
            count = 1
        if count < len(left):
            changes = (k for k in range(count, 0, -1) if left[k].scene != left[k - 1].scene)
            count = next(changes, count)
        found.append(tuple(left[:count]))
        del left[:count]
    return found


def _by_value(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key by which "shot 9" comes before "shot 10"."""
    parts = re.split(r"(\d+)", name.casefold())
    # Of two numbers the longer one is the greater, leading zeros aside.
    digits = [part.lstrip("0") if index % 2 else "" for index, part in enumerate(parts)]
    order = [(len(number), number or part) for number, part in zip(digits, parts, strict=True)]
    return order, name


def _borders(shots: Sequence[Shot], step: Fraction, hold: int) -> npt.NDArray[np.int64]:
    """Step at which each shot ends, (shots,), at least `hold` one after the other."""
    if any(not 0 < shot.seconds < np.inf for shot in shots) or not step > 0:
        raise SegueError(
            "A shot or a step of 0 s or less cannot be replayed; give lengths above 0."
        )
    ends = np.rint(np.cumsum([shot.seconds for shot in shots]) / float(step)).astype(np.int64)
    least = np.arange(len(ends)) * hold
    return np.asarray(np.maximum.accumulate(np.maximum(ends, hold) - least) + least)
