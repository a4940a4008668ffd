"""An audit of the highlight reward, on drawn videos, finished films and people's summaries.

Whoever summarises fills the budget: by the shots wished for most, or by the protocol of the data
set (annotators). Annotators are judged by what the others thought important, never by their own
scores. The importance of films is guessed from what is seen and heard. So that black and frozen
shots can be kept, some of a film's shots are blackened and some frozen beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from segue.envs.film.shots import ShotTable
from segue.envs.highlight.annotations import Annotated
from segue.envs.highlight.env import Highlight
from segue.envs.highlight.evaluation import shot_means
from segue.envs.highlight.generator import cosines, videos_from_footage
from segue.envs.highlight.knapsack import knapsack
from segue.envs.highlight.optimum import densest
from segue.envs.highlight.types import COST, Video
from segue.experiments.audit import Scores, score
from segue.experiments.film_audit import HUMAN, RANDOM, VALID, FilmAudit, compare
from segue.experiments.film_audit_montage import with_stills_and_black

UNIT = 0.1
"""Seconds that the budget is counted in: few, lest rounding up alone should punish short shots."""
VIDEOS, SHOTS = 100, 40
"""Drawn videos, and their shots; a film's passages have as many, or all that there are."""
STRIDE = 2
"""Shots of a film between the beginnings of two passages."""
LIVE, STILL, DARK = range(3)
DAMAGED = 0.25
"""Part of a film's shots that is frozen, and that is blackened; both fill a budget."""

SHORT, PART, LOOK = "shortest shots", "one part only", "shots that look alike"
FROZEN, BLACK = "frozen frames", "black frames"

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NEVER_TWICE = "One shot repeated is not compared: none can be kept twice."


def audit_drawn(copies: int = 8, seed: int = 0) -> FilmAudit:
    """Set random-valid against exploits on drawn videos.

    Parameters
    ----------
    copies : int
        Rivals of each kind for each video, >= 1.
    seed : int
        Of videos and rivals.
    """
    task = Highlight(VIDEOS, SHOTS, seed, unit=UNIT)
    rows = np.repeat(np.arange(VIDEOS), copies)
    kinds = (VALID, RANDOM, SHORT, PART, LOOK)
    scores = _scores(task, rows, kinds, _intact(task), seed)
    left_out = f"{_NEVER_TWICE} Drawn videos have no pictures that could be black or frozen."
    return compare("highlight-drawn", "drawn videos", scores, task.term_names, rows, left_out)


def audit_films(table: ShotTable, copies: int = 8, seed: int = 0) -> FilmAudit:
    """Set random-valid against exploits on finished films.

    Parameters
    ----------
    table : ShotTable
        The analysed films, of one frame rate.
    copies : int
        Rivals of each kind for each passage, >= 1.
    seed : int
        Of the rivals.
    """
    states = [np.zeros(len(shots), dtype=np.int64) for shots in _windows(table)]
    kinds = (VALID, RANDOM, SHORT, PART, LOOK)
    return _films("highlight-films", "", table, states, kinds, copies, seed)


def audit_damaged(table: ShotTable, copies: int = 8, seed: int = 0) -> FilmAudit:
    """Set random-valid against black and frozen shots, in films that have some of both.

    Parameters are those of `audit_films`; the seed also says which shots are blackened and frozen.
    """
    generator = np.random.default_rng(seed)
    states = []
    for shots in _windows(table):
        count = round(DAMAGED * len(shots))
        intact = np.zeros(len(shots) - 2 * count, dtype=np.int64)
        state = np.concatenate([np.repeat([STILL, DARK], count), intact])
        states.append(generator.permutation(state))
    damage = f", {DAMAGED:.0%} of the shots blackened and {DAMAGED:.0%} frozen"
    kinds = (VALID, FROZEN, BLACK)
    return _films("highlight-damaged", damage, table, states, kinds, copies, seed)


def _films(
    name: str,
    damage: str,
    table: ShotTable,
    states: Sequence[Ints],
    kinds: Sequence[str],
    copies: int,
    seed: int,
) -> FilmAudit:
    """Audit passages of films whose shots are what `states` say."""
    changed = with_stills_and_black(table)
    videos: list[Video] = []
    for shots, state in zip(_windows(table), states, strict=True):
        videos += videos_from_footage(_damaged(changed, table, shots, state))
    task = Highlight(videos, unit=UNIT)
    rows = np.repeat(np.arange(len(videos)), copies)
    scores = _scores(task, rows, kinds, states, seed)
    material = f"passages of {len(np.unique(table.file)):,} films{damage}"
    return compare(name, material, scores, task.term_names, rows, _NEVER_TWICE)


def audit_annotators(videos: Sequence[Annotated], copies: int = 8, seed: int = 0) -> FilmAudit:
    """Set annotators' summaries against random ones, by the importance that the others gave.

    Parameters
    ----------
    videos : sequence of Annotated
        At least one.
    copies : int
        Rivals of each kind for each annotator, >= 1.
    seed : int
        Of the rivals.
    """
    judged = [
        replace(video, scores=np.delete(video.scores, one, axis=0)).video()
        for video in videos
        for one in range(len(video.scores))
    ]
    task = Highlight(judged, unit=UNIT)
    own = [shot_means(one, video.clips()) for video in videos for one in video.scores]
    rows = np.repeat(np.arange(len(judged)), copies)
    filled = []
    for number, means in enumerate(own):
        costs, budget = _budget(task, number)
        filled.append(knapsack(means, costs.astype(np.int64), budget))
    human = _lines(task, filled)[rows]
    scores = {HUMAN: score(task, human, rows.astype(np.uint64))}
    scores |= _scores(task, rows, (VALID, RANDOM), _intact(task), seed)
    video = np.repeat(np.arange(len(videos)), [len(video.scores) for video in videos])
    left_out = (
        f"{_NEVER_TWICE} All clips are equally long and nothing is known of their looks, so that "
        "no other exploit differs from random-valid."
    )
    material = f"videos, {len(judged):,} summaries by annotators"
    return compare("highlight-annotators", material, scores, task.term_names, video[rows], left_out)


def _windows(table: ShotTable) -> list[Ints]:
    """Shots that are summarised together: runs of a film of `SHOTS`, or all that it has."""
    found = []
    for film in np.unique(table.file):
        shots = np.flatnonzero(table.file == film)
        beginnings = range(0, max(len(shots) - SHOTS, 0) + 1, STRIDE)
        found += [shots[begin : begin + SHOTS] for begin in beginnings]
    return found


def _intact(task: Highlight) -> list[Ints]:
    """`LIVE` for every shot of every video."""
    return [np.zeros(len(video), dtype=np.int64) for video in task.bank.videos]


def _damaged(changed: ShotTable, table: ShotTable, shots: Ints, state: Ints) -> ShotTable:
    """The shots of one film as a film of their own, still or black where `state` says."""
    rows = np.choose(state, [shots, shots + len(table), np.full(len(shots), 2 * len(table))])
    return ShotTable(
        footage=(table.footage[int(table.file[shots[0]])],),
        file=np.zeros(len(shots), dtype=np.int32),
        start=table.start[shots],
        frames=table.frames[shots],
        features=changed.features[rows],
        colours=changed.colours[rows],
        thumbnails=changed.thumbnails[rows],
        quality=changed.quality[rows],
        sound=changed.sound[rows],
    )


def _scores(
    task: Highlight,
    rows: Ints,
    kinds: Sequence[str],
    states: Sequence[Ints],
    seed: int,
) -> Mapping[str, Scores]:
    """Scores of each kind of summary; `states` tell what is black or frozen."""
    generator = np.random.default_rng(seed)
    found = {}
    for kind in kinds:
        kept = []
        for row in rows.tolist():
            video = task.bank.videos[row]
            if kind == RANDOM:
                # All actions alike, whether or not the shot still fits.
                kept.append(generator.integers(2, size=len(video)))
                continue
            wish = _wish(kind, video, generator)
            wanted = {FROZEN: STILL, BLACK: DARK}.get(kind, LIVE)
            costs, budget = _budget(task, row)
            # Only where the wanted shots leave room are others kept.
            wish += 2.0 * (states[row] == wanted)
            kept.append(densest(wish * costs, costs, budget).astype(np.int64))
        found[kind] = score(task, _lines(task, kept), rows.astype(np.uint64))
    return found


def _wish(kind: str, video: Video, generator: np.random.Generator) -> Floats:
    """How much a kind of summary wants each shot, (shots,) in [0, 1]."""
    count = len(video)
    if kind == SHORT:
        return np.asarray(1.0 - video.seconds / video.seconds.max())
    if kind == PART:
        return np.asarray(1.0 - (np.arange(count) - generator.integers(count)) % count / count)
    if kind == LOOK:
        return np.asarray(cosines(video.features)[generator.integers(count)].clip(0.0))
    return generator.random(count)


def _budget(task: Highlight, row: int) -> tuple[npt.NDArray[np.int32], int]:
    """Lengths of a video's shots, (shots,), and what may be kept of them, in units."""
    bank = task.bank
    start = int(bank.starts[row])
    costs = bank.shot_table[start : start + len(bank.videos[row]), COST]
    return costs, int(bank.budgets[row])


def _lines(task: Highlight, kept: Sequence[npt.NDArray[np.generic]]) -> Ints:
    """Actions of summaries, (n, most shots); what comes after a video's end counts for nothing."""
    lines = np.zeros((len(kept), task.bank.most_shots), dtype=np.int64)
    for line, one in zip(lines, kept, strict=True):
        line[: len(one)] = one
    return lines
