"""An audit of the multicam reward, on drawn conversations and on what people cut.

No set of cameras is at hand together with the choices that a person made among them. What is known
of finished edits is when they change from one set-up to another, so that people are judged by the
cutting alone: every set-up sees alike, and how much is seen, how close and when to show the whole
is not compared. On drawn conversations the cameras differ, but nobody cut them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from segue.envs.film.human_edits import HumanEdit
from segue.envs.film.shots import ShotTable
from segue.envs.multicam.demonstration import Shot, actions_of_shots, scene_of_shots
from segue.envs.multicam.generator import draw_scene
from segue.envs.multicam.task import Multicam
from segue.envs.multicam.types import Rules, Scene
from segue.experiments.audit import random_lines, score
from segue.experiments.audit_rivals import Lines
from segue.experiments.film_audit import HUMAN, RANDOM, VALID, FilmAudit, compare

STEP = 0.5
"""Seconds."""
HOLD = Rules.hold
SHORTEST = HOLD * STEP
"""Seconds; a shorter shot cannot be played."""
LENGTH, LEAST = 60.0, 15.0
"""Seconds of a passage of an edit: it ends with the shot that reaches LENGTH; what is left at the
edit's end is one, too, from LEAST on."""

SCENES, CAMERAS, STEPS = 64, 4, 120
"""Drawn conversations: as many, and as large, as the environment's own."""

STROBE, TWO, ONE = "strobe cuts", "two cameras to and fro", "one camera"
BLACK = "black frames"

Passage = tuple[Shot, ...]


def audit_drawn(copies: int = 8, seed: int = 0) -> FilmAudit:
    """Set random-valid against exploits on drawn conversations.

    Parameters
    ----------
    copies : int
        Rivals of each kind for each scene, >= 1.
    seed : int
        Of scenes and rivals.
    """
    step = Fraction(STEP)
    scenes = [
        draw_scene(CAMERAS, STEPS, step, np.random.default_rng([seed, index]))
        for index in range(SCENES)
    ]
    return _audit("multicam-drawn", "drawn conversations", scenes, None, copies, seed)


def audit_edits(found: Sequence[Passage], edits: int, copies: int = 8, seed: int = 0) -> FilmAudit:
    """Set people's cutting against random play on the same set-ups, and that against exploits.

    Parameters
    ----------
    found : sequence of Passage
        As `passages` gives them, at least one.
    edits : int
        Edits that they come from.
    copies, seed
        As for `audit_drawn`.
    """
    scenes = [scene_of_shots(shots, seconds=STEP) for shots in found]
    people = [actions_of_shots(shots, scene) for shots, scene in zip(found, scenes, strict=True)]
    human = np.zeros((len(scenes), max(map(len, people))), dtype=np.int64)
    for row, line in zip(human, people, strict=True):
        row[: len(line)] = line
    material = f"passages of {edits:,} edits by people"
    return _audit("multicam-edits", material, scenes, human, copies, seed)


def shots_of_films(table: ShotTable) -> list[list[Shot]]:
    """Shots of each finished film, each from a set-up of its own, since nothing tells them."""
    films = []
    for film in np.unique(table.file):
        rows = np.flatnonzero(table.file == film)
        seconds = (table.frames[rows] / float(table.footage[film].rate)).tolist()
        films.append(
            [Shot(f"shot {row}", length) for row, length in zip(rows, seconds, strict=True)]
        )
    return films


def runs_of_edit(edit: HumanEdit) -> list[list[Shot]]:
    """Shots of an edit, taken apart where the task has no cut like the edit's.

    That is where black or a title stands between two shots, and where a shot is followed by
    another part of the same set-up: to show both as one would make a long take of a cut.
    """
    runs: list[list[Shot]] = [[]]
    for shot in edit.shots:
        setup = shot.setup or f"source {shot.source}"
        if shot.kind != "picture" or (runs[-1] and runs[-1][-1].camera == setup):
            runs.append([])
        if shot.kind == "picture":
            runs[-1].append(Shot(setup, float(shot.frames / edit.rate)))
    return runs


def passages(shots: Sequence[Shot]) -> list[Passage]:
    """Runs of shots of about `LENGTH`, by two set-ups or more.

    Shots that are shorter than `SHORTEST` are passed over.
    """
    found, passage = [], list[Shot]()
    for shot in (*(shot for shot in shots if shot.seconds >= SHORTEST), None):
        passage += [shot] if shot else []
        seconds = sum(one.seconds for one in passage)
        if seconds >= (LENGTH if shot else LEAST):
            if len({one.camera for one in passage}) > 1:
                found.append(tuple(passage))
            passage = []
    return found


def _audit(
    name: str,
    material: str,
    scenes: Sequence[Scene],
    human: Lines | None,
    copies: int,
    seed: int,
) -> FilmAudit:
    """Play the scenes, and behind them the same scenes with every camera blind."""
    blind = [replace(scene, levels=np.zeros_like(scene.levels)) for scene in scenes]
    task = Multicam([*scenes, *blind])
    generator = np.random.default_rng(seed)
    rows = np.repeat(np.arange(len(scenes)), copies)
    draws = rows.astype(np.uint64)
    valid = random_lines(task, task.bank.steps, draws, generator)
    scores = {} if human is None else {HUMAN: score(task, human[rows], draws)}
    scores[VALID] = score(task, valid, draws)
    for kind, lines in _exploits(scenes, rows, task.bank.steps, generator).items():
        scores[kind] = score(task, lines, draws)
    scores[BLACK] = score(task, valid, draws + np.uint64(len(scenes)))
    left_out = (
        "Frozen frames are not compared: how well a camera sees is told to this reward, which looks"
        " at no picture. Nor are shots used twice, since time goes on in all cameras."
    )
    return compare(name, material, scores, task.term_names, rows, left_out)


def _exploits(
    scenes: Sequence[Scene],
    rows: npt.NDArray[np.int64],
    steps: int,
    generator: np.random.Generator,
) -> dict[str, Lines]:
    """Programmes of each exploit, (n, steps); `rows` (n,) says of which scene each is."""
    count = np.array([len(scene.cameras) for scene in scenes])[rows, None]
    length = np.array([scene.steps for scene in scenes])[rows, None]
    # The last shot takes what is left, since none may be shorter than the hold.
    shot = np.minimum(np.arange(steps) // HOLD, np.maximum(length // HOLD - 1, 0))
    first = generator.integers(count)
    # A step of 1 to count - 1 cameras leads to another one.
    turns = generator.integers(1, count, size=(len(rows), 1 + steps // HOLD))
    turns = np.cumsum(turns, axis=1)
    other = generator.integers(1, count)
    most = np.array([scene.levels.sum(axis=0).argmax() for scene in scenes])[rows, None]
    return {
        RANDOM: generator.integers(count, size=(len(rows), steps)),
        STROBE: (first + np.take_along_axis(turns, shot, axis=1)) % count,
        TWO: (first + shot % 2 * other) % count,
        ONE: np.repeat(most, steps, axis=1),
    }
