"""Drawn conversations, where scenes come from without footage; and the layout of a bank.

Two to four people talk in front of a wide camera, close-ups and shots of two. Who speaks is a
Markov chain over turns; what each camera sees follows from who is in its picture and how close.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.multicam.observation import likeness_table, seen_table
from segue.envs.multicam.types import (
    LEVELS,
    MOST_CAMERAS,
    MOST_STEPS,
    NO_THUMBNAILS,
    SIZE_WORTH,
    SIZES,
    Bank,
    Camera,
    Rules,
    Scene,
)

SPEAKERS = (2, 3, 4)
NOBODY = -1
"""Speaker of a pause."""

TURN_SECONDS = 4.0
"""Mean length of a turn; turns are exponential, as floors in conversation nearly are."""
PAUSE_SECONDS, PAUSE_CHANCE = 1.0, 0.2
REPLY_CHANCE = 0.6
"""Chance that the one who spoke before answers: talk goes to and fro between two."""

ORIENT_SECONDS = 2.0
"""How long the audience needs the wide shot."""
TOPIC_SECONDS = 20.0
"""Mean time between changes of topic, after which it needs to be oriented anew."""

REACTION = 0.25
"""What a listener's picture is worth against the speaker's."""
PAUSE_WORTH = 0.5
BLOCKED_WORTH = 0.35
"""What a picture is worth while somebody turns away or walks through it."""
BLOCK_CHANCE, CLEAR_CHANCE = 0.02, 0.15
NOISE = 0.05
CALM = 0.95
"""How far the emphasis of a step is that of the step before."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SetUp:
    """A camera of a drawn scene: its name, its size, and who is in its picture."""

    name: str
    size: int
    people: frozenset[int]


def draw_scene(
    cameras: int, steps: int, seconds: Fraction, generator: np.random.Generator
) -> Scene:
    """Draw a conversation.

    Parameters
    ----------
    cameras : int
        The wide one, then close-ups, shots of two, and medium shots while there are people: 2 to
        15.
    steps : int
        Length, >= 1.
    seconds : Fraction
        Of a step.
    generator : numpy Generator

    Raises
    ------
    SegueError
        For a number of cameras or steps out of range.
    """
    most = len(set_ups(SPEAKERS[-1]))
    if not 2 <= cameras <= most or not 1 <= steps <= MOST_STEPS:
        raise SegueError(
            f"A drawn scene has 2 to {most} cameras and 1 to {MOST_STEPS} steps, not {cameras} and "
            f"{steps}; choose others."
        )
    possible = [
        count
        for count in SPEAKERS
        if count == SPEAKERS[0] or count < cameras
        if len(set_ups(count)) >= cameras
    ]
    people = int(generator.choice(possible))
    chosen = set_ups(people)[:cameras]
    speaker = _speakers(people, steps, float(seconds), generator)
    return Scene(
        title=f"Conversation of {people}",
        seconds=seconds,
        cameras=tuple(Camera(setup.name, setup.size) for setup in chosen),
        levels=_levels(chosen, speaker, generator),
        emphasis=_emphasis(steps, generator),
        orients=_orients(steps, float(seconds), generator),
        similarity=np.array([[_alike(one, other) for other in chosen] for one in chosen]),
        thumbnails=NO_THUMBNAILS,
    )


def set_ups(people: int) -> tuple[SetUp, ...]:
    """Camera set-ups of a conversation of so many people, the most useful first."""
    everyone = frozenset(range(people))
    wide = [SetUp("wide", 0, everyone)]
    close = [SetUp(f"close {p + 1}", 3, frozenset({p})) for p in range(people)]
    two = [
        SetUp(f"two {a + 1}-{b + 1}", 1, frozenset({a, b})) for a, b in combinations(everyone, 2)
    ]
    medium = [SetUp(f"medium {p + 1}", 2, frozenset({p})) for p in range(people)]
    return (*wide, *close, *two, *medium)


def lay_out(scenes: Sequence[Scene], rules: Rules) -> Bank:
    """Lay scenes out as a bank.

    Raises
    ------
    SegueError
        If there is none, they differ in the length of a step, one has no or too many cameras or
        steps, or the rules contradict themselves.
    """
    if not scenes:
        raise SegueError("No scene was given; give at least one.")
    if not 1 <= rules.hold <= rules.longest <= MOST_STEPS:
        raise SegueError(
            f"hold is {rules.hold} and longest {rules.longest}; give 1 <= hold <= longest <= "
            f"{MOST_STEPS}, in steps."
        )
    if len({scene.seconds for scene in scenes}) > 1:
        raise SegueError("The scenes have steps of several lengths; give scenes of one length.")
    for scene in scenes:
        count = len(scene.cameras)
        if not 1 <= count <= MOST_CAMERAS or not 1 <= scene.steps <= MOST_STEPS:
            raise SegueError(
                f"The scene {scene.title!r} has {count} cameras and {scene.steps} steps; give 1 to "
                f"{MOST_CAMERAS} cameras and 1 to {MOST_STEPS} steps."
            )
    cameras = max(len(scene.cameras) for scene in scenes)
    ends = np.cumsum([scene.steps for scene in scenes])
    return Bank(
        scenes=tuple(scenes),
        rules=rules,
        starts=np.array([0, *ends[:-1]], dtype=np.int64),
        cameras=cameras,
        steps=max(scene.steps for scene in scenes),
        seen=seen_table(scenes, cameras),
        likeness=likeness_table(scenes, cameras),
    )


def _speakers(people: int, steps: int, seconds: float, generator: np.random.Generator) -> Ints:
    """Who speaks in each step, (steps,), NOBODY in a pause: a Markov chain over turns."""
    found: list[int] = []
    speaker, before = int(generator.integers(people)), NOBODY
    while len(found) < steps:
        found += [speaker] * max(1, round(generator.exponential(TURN_SECONDS) / seconds))
        if generator.random() < PAUSE_CHANCE:
            found += [NOBODY] * max(1, round(generator.exponential(PAUSE_SECONDS) / seconds))
        others = [person for person in range(people) if person != speaker]
        replies = before != NOBODY and generator.random() < REPLY_CHANCE
        following = before if replies else int(generator.choice(others))
        speaker, before = following, speaker
    return np.array(found[:steps])


def _levels(
    chosen: Sequence[SetUp], speaker: Ints, generator: np.random.Generator
) -> npt.NDArray[np.int8]:
    """Grade what each camera sees, (steps, cameras)."""
    sees = np.array(
        [[person in setup.people for setup in chosen] for person in range(max(SPEAKERS))]
    )
    shown = np.where(sees[speaker], 1.0, REACTION)
    shown[speaker == NOBODY] = PAUSE_WORTH
    worth = shown * np.array([SIZE_WORTH[setup.size] for setup in chosen])
    blocked = np.zeros(len(chosen), dtype=np.bool_)
    for step in range(len(speaker)):
        change = generator.random(len(chosen))
        blocked = np.where(blocked, change >= CLEAR_CHANCE, change < BLOCK_CHANCE)
        worth[step] *= np.where(blocked, BLOCKED_WORTH, 1.0)
    worth += generator.normal(0.0, NOISE, worth.shape)
    return np.asarray(np.rint(np.clip(worth, 0.0, 1.0) * (LEVELS - 1)), dtype=np.int8)


def _emphasis(steps: int, generator: np.random.Generator) -> npt.NDArray[np.int8]:
    """Grade how much each step matters, (steps,): a slow autoregressive wave, by its rank."""
    wave = np.zeros(steps)
    for step, push in enumerate(generator.normal(size=steps)):
        wave[step] = (wave[step - 1] if step else 0.0) * CALM + push
    return ranked(wave, SIZES)


def ranked(values: npt.NDArray[np.float64], grades: int) -> npt.NDArray[np.int8]:
    """Grade values (n,) by their rank, as many to each of the `grades`."""
    rank = values.argsort(kind="stable").argsort(kind="stable")
    return np.asarray(rank * grades // len(values), dtype=np.int8)


def _orients(steps: int, seconds: float, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Where the audience needs to be oriented, (steps,): at the start and after each topic."""
    marks = np.zeros(steps, dtype=np.bool_)
    length, at = max(1, round(ORIENT_SECONDS / seconds)), 0
    while at < steps:
        marks[at : at + length] = True
        at += length + round(generator.exponential(TOPIC_SECONDS) / seconds)
    return marks


def _alike(one: SetUp, other: SetUp) -> float:
    """Likeness of two set-ups: shared people over all, less where the sizes differ."""
    shared = len(one.people & other.people) / len(one.people | other.people)
    return shared * (1.0 - abs(one.size - other.size) / (SIZES - 1))
