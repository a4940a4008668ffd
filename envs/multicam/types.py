"""Records of `segue/Multicam-v0`: cameras, scenes, the bank, and the columns of the state."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

LEVELS = 8
"""Grades of how well a camera sees the speaker or the action, 0 (not at all) to 7."""
SIZES = 4
"""Shot sizes: 0 wide, 1 full, 2 medium, 3 close. The grades of emphasis are as many."""
SIZE_WORTH = (0.55, 0.7, 0.85, 1.0)
"""How well a face or an action is read at each size, where all of it is in the picture."""
LIKENESSES = 4
"""Grades of how alike two cameras are, as the agent sees them."""

MOST_CAMERAS = 60
MOST_STEPS = 4096

AHEAD = (0, 1, 2, 4)
"""Steps from the present one at which the agent sees what each camera sees."""
LONG_AGO = 24
"""Steps since a camera was on the air: this many stand for all above."""
MOST_SHOTS = 15
"""Shots of a camera so far: this many stand for all above."""

SCENE, ROW, STEP, LEFT, COUNT, CAMERA, PREVIOUS, AGE, HISTORY = range(9)
"""Columns of a state row: scene, row of the bank, steps played, steps left, cameras of the scene,
camera on the air, camera of the shot before, steps that the shot has lasted (capped). From HISTORY
on: for each camera one more than the step it was last shown in (0 = never), then for each its
shots so far."""


@dataclass(frozen=True)
class Source:
    """The media file behind a camera.

    Attributes
    ----------
    path : Path
        The file.
    rate : Fraction
        Its frames per second.
    frames : int
        Its length.
    width, height : int
        Displayed picture size in pixels.
    start : float
        Second of the file at which the scene begins.
    has_sound : bool
        True when it holds an audio stream.
    """

    path: Path
    rate: Fraction
    frames: int
    width: int
    height: int
    start: float
    has_sound: bool


@dataclass(frozen=True)
class Camera:
    """One camera of a scene.

    Attributes
    ----------
    name : str
        What people call it.
    size : int
        Shot size, 0 to ``SIZES - 1``.
    source : Source or None
        The file that holds its picture; None where there is none.
    framing : str
        What a virtual camera cuts out of that picture, a key of
        `segue.envs.multicam.framings.FRAMINGS`; ``"wide"`` is all of it.
    """

    name: str
    size: int
    source: Source | None = None
    framing: str = "wide"


@dataclass(frozen=True)
class Scene:
    """What several cameras see of one event, step by step.

    Attributes
    ----------
    title : str
        Name for people.
    seconds : Fraction
        Length of a step.
    cameras : tuple of Camera
        At least one.
    levels : ndarray (steps, cameras) int8
        How well each sees the speaker or the action, 0 to ``LEVELS - 1``.
    emphasis : ndarray (steps,) int8
        How much the moment matters, 0 to ``SIZES - 1``.
    orients : ndarray (steps,) bool
        The audience needs to be shown where it is.
    similarity : ndarray (cameras, cameras) float64
        How alike two cameras are, in [0, 1], symmetric.
    thumbnails : ndarray (moments, cameras, h, w, 3) uint8
        RGB pictures at moments spread evenly over the scene; none where there is no footage.
    note : str
        What people must be told about the scene, such as that its cameras are virtual.
    """

    title: str
    seconds: Fraction
    cameras: tuple[Camera, ...]
    levels: npt.NDArray[np.int8]
    emphasis: npt.NDArray[np.int8]
    orients: npt.NDArray[np.bool_]
    similarity: npt.NDArray[np.float64]
    thumbnails: npt.NDArray[np.uint8]
    note: str = ""

    @property
    def steps(self) -> int:
        """Length in steps, the horizon of an episode."""
        return len(self.levels)


NO_THUMBNAILS = np.zeros((0, 0, 1, 1, 3), dtype=np.uint8)
"""`Scene.thumbnails` of a scene without footage."""


@dataclass(frozen=True)
class Rules:
    """When may be cut.

    Attributes
    ----------
    hold : int
        Steps that every shot lasts at least.
    longest : int
        Steps that a shot has lasted: this many stand for all above.
    """

    hold: int = 2
    longest: int = 24


@dataclass(frozen=True)
class Bank:
    """The scenes of an environment, laid out flat: one row a step, one scene after the other.

    Attributes
    ----------
    scenes : tuple of Scene
        All of one length of step.
    rules : Rules
        When may be cut.
    starts : ndarray (scenes,) int64
        First row of each.
    cameras, steps : int
        The greatest number of cameras and of steps of a scene.
    seen : ndarray (rows, k) int16
        What the agent sees of each step, see `observation`.
    likeness : ndarray (scenes * (cameras + 1), cameras) int16
        Row ``scene * (cameras + 1) + camera``: how alike each camera is to that one, 0 to
        ``LIKENESSES - 1``; the last row of a scene, of no camera, is 0.
    """

    scenes: tuple[Scene, ...]
    rules: Rules
    starts: npt.NDArray[np.int64]
    cameras: int
    steps: int
    seen: npt.NDArray[np.int16]
    likeness: npt.NDArray[np.int16]

    @property
    def contexts(self) -> int:
        """Markov states within a step: camera x previous x age, and the one before the first."""
        return self.cameras * (self.cameras + 1) * self.rules.longest + 1
