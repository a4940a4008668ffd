"""How well cuts keep the beat, and how well the pieces between them keep the pace."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.rewards.film import Pacing
from segue.rewards.shaping import bell

Floats = npt.NDArray[np.float64]

WINDOW = 0.07
"""Seconds by which a cut may miss its beat; as of the F-measure of beat tracking."""


def beat_f(cuts: Floats, beats: Floats, window: float = WINDOW) -> float:
    """F-measure of cuts against the beats that they claim, in [0, 1].

    A piece lasts several beats, so cuts need not find them all: the reference is the nearest beat
    of every cut, each once. Cuts and beats are matched one to one; precision is the matched share
    of the cuts, recall that of the reference. Source: Davies, Degara & Plumbley (2009), with the
    reference as said.

    Parameters
    ----------
    cuts, beats : ndarray (k,) and (b,)
        Seconds, increasing.
    window : float
        Seconds of tolerance on either side.

    Returns
    -------
    float
        1 where there is no cut.

    Raises
    ------
    ValueError
        If there are no beats.
    """
    if not len(beats):
        raise ValueError("there are no beats to compare cuts with")
    if not len(cuts):
        return 1.0
    distance = np.abs(cuts[:, None] - beats)
    nearest = distance.argmin(axis=1)
    claimed = np.unique(nearest)
    # Of the cuts that claim one beat only the closest can be its match.
    closest = np.full(len(beats), np.inf)
    np.minimum.at(closest, nearest, distance.min(axis=1))
    matched = int((closest[claimed] <= window + 1e-9).sum())
    return 2.0 * matched / (len(cuts) + len(claimed))


def pace(starts: Floats, total: float, energy: Floats, term: Pacing | None = None) -> float:
    """Mean over the film's time of how well its pieces keep the pace, in [0, 1].

    Parameters
    ----------
    starts : ndarray (k,)
        Seconds at which the pieces begin, the first at 0.
    total : float
        Length of the film in seconds.
    energy : ndarray (k,)
        Of the music where each piece begins.
    term : Pacing or None
        What the pace should be; None for the reward's.
    """
    lengths = np.diff(starts, append=total)
    return float((lengths * _worth(lengths, energy, term or Pacing())).sum() / total)


def free_pace(beats: Floats, energy: Floats, rate: float, term: Pacing | None = None) -> float:
    """Best `pace` of cuts that may fall on any frame, whatever the beats.

    Exact, by dynamic programming over the frames.

    Parameters
    ----------
    beats : ndarray (b + 1,)
        Seconds of the beats from the film's first frame on, and of its end.
    energy : ndarray (b,)
        Of each beat.
    rate : float
        Frames per second.
    term : Pacing or None
        As of `pace`.
    """
    term = term or Pacing()
    frames = round(float(beats[-1]) * rate)
    at = np.searchsorted(beats, np.arange(frames) / rate + 1e-9, side="right") - 1
    here = energy[np.minimum(at, len(energy) - 1)]
    best = np.zeros(frames + 1)
    for start in reversed(range(frames)):
        lengths = np.arange(1, frames - start + 1)
        worth = lengths * _worth(lengths / rate, here[start], term)
        best[start] = (worth + best[start + 1 :]).max()
    return float(best[0] / frames)


def _worth(lengths: Floats, energy: npt.ArrayLike, term: Pacing) -> Floats:
    target = np.log(term.calm) + np.asarray(energy) * np.log(term.lively / term.calm)
    return bell(np.log(lengths) - target, term.width)
