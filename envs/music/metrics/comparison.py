"""How alike two sets of pieces are, feature by feature (Yang & Lerch 2020, section 3.3).

For each feature, the distances within a set (*intra*) and between the sets (*inter*) are smoothed
into densities. A generated set is like the human one where its intra-set density is close to the
inter-set density: a small Kullback-Leibler divergence and a large overlapping area. A set of near
copies of one piece fails that, however good the piece is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.music.metrics.descriptors import DESCRIPTORS
from segue.envs.music.metrics.features import FEATURES
from segue.envs.music.tune import Note

Floats = npt.NDArray[np.float64]

_GRID_POINTS = 1000
_MARGIN = 6.0
"""Bandwidths beyond the data that the grid reaches: beyond it a density is below 1e-8."""


@dataclass(frozen=True)
class FeatureComparison:
    """One feature of a generated set beside a human one.

    Attributes
    ----------
    feature : str
        A key of `segue.envs.music.metrics.features.FEATURES`.
    mean, human_mean : float
        Mean of the feature; for a histogram or matrix, of the distances within the set.
    deviation, human_deviation : float
        Its standard deviation.
    intra, human_intra, inter : float
        Mean distance within either set and between the two.
    divergence, human_divergence : float
        Kullback-Leibler divergence of the intra-set density of either set from the inter-set
        density, in nats; 0 is alike.
    overlap, human_overlap : float
        Overlapping area of the same densities, 0 to 1; 1 is alike.
    """

    feature: str
    mean: float
    human_mean: float
    deviation: float
    human_deviation: float
    intra: float
    human_intra: float
    inter: float
    divergence: float
    human_divergence: float
    overlap: float
    human_overlap: float


def compare(
    generated: Sequence[Sequence[Note]], human: Sequence[Sequence[Note]]
) -> tuple[FeatureComparison, ...]:
    """Compare two sets of pieces by each of Yang & Lerch's features.

    Pieces for which a feature cannot be told (NaN) are left out of it. Time and memory grow with
    the number of pairs: sets of 100 to 1,000 pieces are meant, drawn at random from larger ones.

    Parameters
    ----------
    generated, human : sequence of sequences of Note
        At least three pieces each.

    Returns
    -------
    tuple of FeatureComparison
        One row a feature. A density that has no width, since all distances are equal, has a NaN
        divergence and overlap.

    Raises
    ------
    SegueError
        If a set has fewer than three pieces.
    """
    for name, pieces in (("generated", generated), ("human", human)):
        if len(pieces) < 3:
            raise SegueError(f"The {name} set has {len(pieces)} pieces; compare three or more.")
    return tuple(
        _compare_feature(name, _matrix(name, generated), _matrix(name, human)) for name in FEATURES
    )


def describe(pieces: Sequence[Sequence[Note]], bar: float = 4.0) -> dict[str, float]:
    """Mean over pieces of each of `DESCRIPTORS`; pieces where one is NaN are left out of it.

    Parameters
    ----------
    pieces : sequence of sequences of Note
        The set.
    bar : float
        Length of a bar in quarter notes.
    """
    means = {}
    for name, descriptor in DESCRIPTORS.items():
        values = np.array([descriptor(notes, bar) for notes in pieces])
        values = values[np.isfinite(values)]
        means[name] = float(values.mean()) if len(values) else math.nan
    return means


def _matrix(feature: str, pieces: Sequence[Sequence[Note]]) -> Floats:
    """Feature of each piece as a row, without those that are NaN."""
    rows = np.array([np.ravel(FEATURES[feature](notes)) for notes in pieces], dtype=np.float64)
    told: Floats = rows[np.isfinite(rows).all(axis=1)]
    return told


def _compare_feature(name: str, generated: Floats, human: Floats) -> FeatureComparison:
    intra, human_intra = intra_set_distances(generated), intra_set_distances(human)
    inter = inter_set_distances(generated, human)
    own = generated[:, 0] if generated.shape[1] == 1 else intra
    theirs = human[:, 0] if human.shape[1] == 1 else human_intra
    return FeatureComparison(
        feature=name,
        mean=_mean(own),
        human_mean=_mean(theirs),
        deviation=float(own.std()) if len(own) else math.nan,
        human_deviation=float(theirs.std()) if len(theirs) else math.nan,
        intra=_mean(intra),
        human_intra=_mean(human_intra),
        inter=_mean(inter),
        divergence=kl_divergence(intra, inter),
        human_divergence=kl_divergence(human_intra, inter),
        overlap=overlapping_area(intra, inter),
        human_overlap=overlapping_area(human_intra, inter),
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan


def intra_set_distances(features: Floats) -> Floats:
    """Euclidean distances of all pairs of rows of (n, d), each pair once: (n (n - 1) / 2,).

    mgeval's leave-one-out counts each pair twice, which narrows the density's bandwidth as if
    there were twice the data.
    """
    rows, columns = np.triu_indices(len(features), 1)
    between: Floats = inter_set_distances(features, features)[rows * len(features) + columns]
    return between


def inter_set_distances(features: Floats, others: Floats) -> Floats:
    """Euclidean distances of each row of (n, d) from each of (m, d): (n * m,).

    mgeval shortens both sets to the smaller one's size; here all pieces count.
    """
    # Row by row, which is exact: the expanded square of the difference loses small distances.
    rows = [np.sqrt(((others - row) ** 2).sum(axis=1)) for row in features]
    return np.concatenate(rows) if rows else np.zeros(0)


def kl_divergence(first: Floats, second: Floats) -> float:
    """Kullback-Leibler divergence of the densities of two samples, D(first || second), in nats.

    ``integral of p log(p / q)`` over one grid for both, with p and q from `log_density`. mgeval
    evaluates either density on a grid over its own sample's range and divides the two lists
    point by point, that is, densities of different distances: two samples far apart may get 0.
    """
    densities = _on_one_grid(first, second)
    if densities is None:
        return math.nan
    grid, own, other = densities
    return max(0.0, float(np.trapezoid(np.exp(own) * (own - other), grid)))


def overlapping_area(first: Floats, second: Floats) -> float:
    """Area under the lower of the densities of two samples, ``integral of min(p, q)``, 0 to 1.

    mgeval integrates from the least to the greatest distance only, which cuts off the densities'
    tails: even two equal samples have less than 1 there.
    """
    densities = _on_one_grid(first, second)
    if densities is None:
        return math.nan
    grid, own, other = densities
    return min(1.0, float(np.trapezoid(np.exp(np.minimum(own, other)), grid)))


def _on_one_grid(first: Floats, second: Floats) -> tuple[Floats, Floats, Floats] | None:
    """A grid that holds both densities, and their logarithms on it; None if one has no width."""
    widths = bandwidth(first), bandwidth(second)
    if not (widths[0] > 0 and widths[1] > 0):
        return None
    # Either one's own points, so that a narrow density is not missed on a wide grid.
    grid = np.unique(
        [
            np.linspace(
                sample.min() - _MARGIN * width, sample.max() + _MARGIN * width, _GRID_POINTS
            )
            for sample, width in zip((first, second), widths, strict=True)
        ]
    )
    return grid, log_density(first, grid), log_density(second, grid)


def bandwidth(sample: Floats) -> float:
    """Standard deviation of a sample's Gaussian kernel, by Scott's rule; 0 for equal values."""
    if len(sample) < 2 or np.ptp(sample) < 1e-12 * max(1.0, float(np.abs(sample).max())):
        return 0.0
    return float(sample.std(ddof=1)) * math.pow(len(sample), -0.2)


def log_density(sample: Floats, at: Floats) -> Floats:
    """Logarithm of a sample's Gaussian kernel density estimate at points, (m,), finite.

    The sample needs a `bandwidth` above 0. Logarithms, since the divergence needs the density
    where it is far below the smallest number.
    """
    width = bandwidth(sample)
    # Distances of counts repeat: each different one is worked out once.
    values, counts = np.unique(sample, return_counts=True)
    weight = np.log(counts / len(sample)) - math.log(width * math.sqrt(2.0 * math.pi))
    density = np.empty(len(at))
    block = max(1, 2_000_000 // len(values))
    for start in range(0, len(at), block):
        points = at[start : start + block, None]
        exponent = weight - 0.5 * ((points - values) / width) ** 2
        top = exponent.max(axis=1)
        density[start : start + block] = top + np.log(np.exp(exponent - top[:, None]).sum(axis=1))
    return density
