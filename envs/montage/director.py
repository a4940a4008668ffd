"""Made-up bins that hide a film: a director's pieces among other shots, whose return is known.

The director lays the cuts by the music and gives every piece a shot that goes with the music and
with the piece before, each a little later in the story. An agent that finds the film, or a better
one, has understood the reward; the return of the hidden film is there to be compared with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from segue.envs.film.shots import FEATURES
from segue.envs.montage.choices import Cursors, choices
from segue.envs.montage.synthetic import SIGNED, likeness, setups, synthetic_bank
from segue.envs.montage.types import FIRST, LENGTHS, Bank
from segue.rewards.base import WeightedSum
from segue.rewards.film import MONTAGE
from segue.rewards.film_view import CutView
from segue.rewards.shaping import bell

Ints = npt.NDArray[np.int64]

CALM, LIVELY = 4.0, 1.2
"""Seconds of a piece under the calmest and the loudest music, as the director likes them."""


@dataclass(frozen=True)
class Directed:
    """Bins with the film that is hidden in each.

    Attributes
    ----------
    bank : Bank
        The bins.
    actions : tuple of ndarray (pieces, 5) int64
        The director's actions, bin by bin; all legal.
    returns : ndarray (bins,) float64
        Their returns.
    """

    bank: Bank
    actions: tuple[Ints, ...]
    returns: npt.NDArray[np.float64]


def directed_bank(
    bins: int, shots: int, beats: int, seed: int, reward: WeightedSum[CutView] = MONTAGE
) -> Directed:
    """Draw bins as `synthetic_bank` does, and hide a film in each.

    Parameters
    ----------
    bins, shots, beats, seed : int
        As there.
    reward : WeightedSum
        By which the director chooses transitions and effects.

    Raises
    ------
    SegueError
        When so few shots cannot fill the film.
    """
    plain = synthetic_bank(bins, shots, beats, seed)
    # A second stream, so that the other shots look as those of the plain bank.
    generator = np.random.default_rng((seed, 1))
    plans = [_plan(generator, plain) for _ in range(bins)]
    # The story goes forward without leaps: shots that follow each other, all of one film.
    films = [generator.integers(shots - len(plan) + 1) + np.arange(len(plan)) for plan in plans]
    film_of = np.zeros((bins, shots), dtype=np.int32)
    setup = setups(generator, (bins, shots))
    frames, features = plain.frames.copy(), plain.features.copy()
    for bin_, (plan, film) in enumerate(zip(plans, films, strict=True)):
        setup[bin_, film] = np.arange(len(film)) % (int(setup.max()) + 1)
        _stage(generator, plain, plan, frames[bin_], features[bin_], film)
    bank = replace(
        plain,
        frames=frames,
        features=features,
        similarity=likeness(generator, film_of, setup),
        film=film_of,
        position=np.sort(generator.random((bins, shots)), axis=1).astype(np.float32),
    )
    found = [
        _crafted(bank, reward, bin_, plan, film)
        for bin_, (plan, film) in enumerate(zip(plans, films, strict=True))
    ]
    actions, returns = zip(*found, strict=True)
    return Directed(bank, tuple(actions), np.array(returns))


def _plan(generator: np.random.Generator, bank: Bank) -> Ints:
    """Draw the lengths of the pieces (options of LENGTHS) by pace and strong beats."""
    strength = np.append(bank.strength, 1.0)
    seconds = bank.lengths / float(bank.rate)
    found: list[int] = []
    beat = 0
    while beat < bank.beats:
        end = beat + np.asarray(LENGTHS)
        # What is left must be within the reach of the shots that are left.
        reach = max(LENGTHS) * (bank.shots - len(found) - 1)
        fits = (end <= bank.beats) & (bank.beats - end <= reach)
        target = np.log(CALM) + bank.energy[beat] * np.log(LIVELY / CALM)
        pace = bell(np.log(seconds[beat]) - target, 0.5)
        lands = strength[np.minimum(end, bank.beats)]
        weight = np.where(fits, (pace + 1e-3) * (0.2 + lands), 0.0)
        found.append(int(generator.choice(len(LENGTHS), p=weight / weight.sum())))
        beat += LENGTHS[found[-1]]
    return np.array(found, dtype=np.int64)


def _stage(
    generator: np.random.Generator,
    bank: Bank,
    plan: Ints,
    frames: Ints,
    features: npt.NDArray[np.float32],
    film: Ints,
) -> None:
    """Shoot the pieces: as long, as lively and as sharp as asked for, the eye carried on."""
    eye = generator.normal(0.0, 0.2, 2)
    angle = generator.uniform(0.0, 2 * np.pi)
    beat = 0
    for option, shot in zip(plan.tolist(), film.tolist(), strict=True):
        frames[shot] = max(bank.spans[beat, option, 0] + generator.integers(0, 6), frames[shot])
        energy = float(bank.energy[beat])
        eye, angle = eye + generator.normal(0.0, 0.05, 2), angle + generator.normal(0.0, 0.3)
        values = {
            "brightness": 0.5,
            "sharpness": 0.85,
            "motion": energy,
            "motion_x": energy * np.cos(angle),
            "motion_y": energy * np.sin(angle),
            "centroid_x": eye[0],
            "centroid_y": eye[1],
        }
        for name, value in values.items():
            column = features[shot, :, FEATURES.index(name)]
            low = -1.0 if name in SIGNED else 0.0
            column[:] = np.clip(value + generator.normal(0.0, 0.02, len(column)), low, 1.0)
        beat += LENGTHS[option]


def _crafted(
    bank: Bank, reward: WeightedSum[CutView], bin_: int, plan: Ints, film: Ints
) -> tuple[Ints, float]:
    """Actions of the film, with the transitions and effects that pay most, and their return."""
    beat, total, actions = 0, 0.0, []
    last = (FIRST, 0, False)
    for option, shot in zip(plan.tolist(), film.tolist(), strict=True):
        shot_, third, mirrored = (np.array([part]) for part in last)
        at = Cursors(np.array([bin_]), np.array([beat]), shot_, third, mirrored)
        found = choices(bank, reward, at)
        worth = found.worth()
        hers = np.zeros(worth.shape, dtype=np.bool_)
        # In-point at the start, at normal speed and as it was shot.
        hers[:, shot, 0, option, 0] = True
        worth = np.where(hers & (found.piece.beats == LENGTHS[option]), worth, -np.inf)
        flat = worth.reshape(1, -1).argmax(axis=1)
        actions.append(found.actions(flat)[0])
        total += float(worth.max())
        last = (shot, int(found.piece.exit[0, shot, 0, option, 0]), False)
        beat += LENGTHS[option]
    return np.array(actions), total
