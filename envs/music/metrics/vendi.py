"""How many effectively different melodies a set holds: the Vendi score.

Friedman & Dieng 2023, *The Vendi Score: A Diversity Evaluation Metric for Machine Learning*,
Transactions on Machine Learning Research. Of n pieces and their similarities K, where a piece has
similarity 1 to itself, it is the exponential of the entropy of the eigenvalues of K / n: n for
pieces that have nothing in common, 1 for n times the same one.

The similarity of melodies is stated by `melody_counts`: half of it is the cosine of how often two
intervals follow each other, half the cosine of how often a note of some length begins at some
place in the bar. So it is the same in all keys, and neither pitches alone nor rhythm alone make
two melodies alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.music.tune import Note

Floats = npt.NDArray[np.float64]

WIDEST = 12
"""Semitones of the widest interval that is told from wider ones."""

PLACES = 16
"""Places in the bar that onsets are moved to, and note lengths in the same unit, 1 to `PLACES`."""

_INTERVALS = 2 * WIDEST + 1
_PITCH_COUNTS = _INTERVALS**2
_TOLERANCE = 1e-8
"""What rounding may add to a similarity."""


def vendi_score(similarities: Floats) -> float:
    """Exponential of the entropy of the eigenvalues of a similarity matrix over its size.

    Parameters
    ----------
    similarities : float array, (n, n)
        Symmetric, without negative eigenvalues, 1 on the diagonal; n >= 1.

    Returns
    -------
    float
        1 (all alike) to n (nothing in common).

    Raises
    ------
    SegueError
        If the matrix is not such a one.
    """
    n = len(similarities)
    if similarities.ndim != 2 or similarities.shape != (n, n) or not n:
        raise SegueError(
            f"The similarities have the shape {similarities.shape}; give a square matrix."
        )
    if not np.allclose(np.diag(similarities), 1.0, atol=_TOLERANCE):
        raise SegueError("A piece's similarity to itself is not 1; divide by it first.")
    if not np.allclose(similarities, similarities.T, atol=_TOLERANCE):
        raise SegueError("The similarities are not symmetric; give each pair one number.")
    return _score(np.linalg.eigvalsh(similarities / n).astype(np.float64))


def vendi_score_of_rows(rows: Floats) -> float:
    """`vendi_score` of the cosine similarities of feature vectors, n of them with d numbers.

    Takes the eigenvalues of the smaller of the (n, n) and the (d, d) product, which has the same
    ones apart from zeros.

    Parameters
    ----------
    rows : float array, (n, d)
        Feature vectors, n >= 1, none of them zero.

    Raises
    ------
    SegueError
        If there are none, or one is zero: it has no direction.
    """
    if rows.ndim != 2 or not len(rows):
        raise SegueError(f"The feature vectors have the shape {rows.shape}; give (n, d), n >= 1.")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise SegueError("A feature vector is zero, so that it is like nothing; leave it out.")
    unit = rows[:, (rows != 0).any(axis=0)] / lengths
    product = unit @ unit.T if len(unit) <= unit.shape[1] else unit.T @ unit
    return _score(np.linalg.eigvalsh(product / len(unit)).astype(np.float64))


def _score(eigenvalues: Floats) -> float:
    if eigenvalues.min() < -1e-6:
        raise SegueError(
            "The similarities have a negative eigenvalue; use a positive semidefinite kernel."
        )
    present = eigenvalues[eigenvalues > 1e-15]  # 0 log 0 is 0.
    return float(np.exp(-(present * np.log(present)).sum()))


def melody_counts(melodies: Sequence[Sequence[Note]], bar: float = 4.0) -> Floats:
    """Vectors of melodies whose inner products are their similarities.

    Parameters
    ----------
    melodies : sequence of sequences of Note
        Monophonic melodies, each in order of onset; times in quarter notes, 0 a barline.
    bar : float
        Length of a bar in quarter notes, > 0.

    Returns
    -------
    float64 array, (n, 883)
        Unit vectors: counts of pairs of successive intervals (-12 to 12 semitones, wider ones
        counted as those; a melody of fewer than three notes counts as nothing but that), and
        counts of the place in the bar at which a note begins together with its length (nearest
        sixteenth of the bar; longer than a bar counts as a bar), each of the two made half of the
        squared length.
    """
    rows = np.zeros((len(melodies), _PITCH_COUNTS + PLACES**2))
    for row, notes in zip(rows, melodies, strict=True):
        pitch, rhythm = row[:_PITCH_COUNTS], row[_PITCH_COUNTS:]
        steps = np.diff([note.pitch for note in notes]).clip(-WIDEST, WIDEST) + WIDEST
        places = [round(note.onset / bar * PLACES) % PLACES for note in notes]
        lengths = [round(note.duration / bar * PLACES) for note in notes]
        np.add.at(pitch, (steps[:-1] * _INTERVALS + steps[1:]).astype(int), 1.0)
        lengths_in = np.clip(np.array(lengths, dtype=int), 1, PLACES) - 1
        np.add.at(rhythm, np.array(places, dtype=int) * PLACES + lengths_in, 1.0)
    return np.concatenate(
        [_half(rows[:, :_PITCH_COUNTS]), _half(rows[:, _PITCH_COUNTS:])],
        axis=1,
    )


def _half(counts: Floats) -> Floats:
    """Rows of length sqrt(1/2), with a number more that stands for having no counts."""
    empty = (~counts.any(axis=1, keepdims=True)).astype(np.float64)
    whole = np.concatenate([counts, empty], axis=1)
    unit: Floats = whole / np.linalg.norm(whole, axis=1, keepdims=True) / np.sqrt(2.0)
    return unit


def vendi_score_of_melodies(melodies: Sequence[Sequence[Note]], bar: float = 4.0) -> float:
    """Effective number of different melodies: `vendi_score_of_rows` of `melody_counts`.

    It grows with the number of melodies; compare sets of one size. A thousand take a second.
    """
    return vendi_score_of_rows(melody_counts(melodies, bar))


__all__ = [
    "melody_counts",
    "vendi_score",
    "vendi_score_of_melodies",
    "vendi_score_of_rows",
]
