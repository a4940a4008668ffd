"""How long a shot stays, given what came before it and the set-up that it shows.

The logarithm of the length has a two-piece Student density (Fernandez & Steel 1998, "On Bayesian
modeling of fat tails and skewness") about a weighted sum of recent lengths over several spans, of
the set-up's own lengths so far and of its part in the scene; its spread varies likewise. That is
mixed with the AR(1) log-normal of `segue.envs.film.human_edit_statistics`, each weighed by how well
it has foretold the edit so far (Bayesian model averaging), so that over an edit the mixture is
never worse than the AR(1) log-normal by more than log 2 in all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from segue.agents.film.reel import Floats, Reel
from segue.envs.film.human_edit_statistics import (
    LEAST_DEVIATION,
    LengthModel,
    fit_length_model,
)

FEATURES = (
    *("last", "before_last", "mean_of_3", "mean_of_10", "mean_of_30", "mean"),
    *("own_mean", "own_last", "new", "new_scene", "other_scene", "stays"),
    *("returns", "returns_run", "scene_log_shots", "log_uses", "last_new", "first", "unrest"),
)
"""What the expected log length depends on. Lengths are log seconds above the mean of all edits."""

SPREAD_FEATURES = ("mean_of_10", "new", "new_scene", "stays", "returns", "first", "unrest")
"""What the logarithm of the spread depends on."""

PRIOR = {"mean_of_3": 0.1, "mean_of_10": 0.2, "mean_of_30": 0.2, "own_mean": 0.2}
"""Weights before any edit was seen, in round numbers: an edit keeps to its own pace. The weight of
the last length starts from half of what AR(1) gives it, as the means hold part of it."""

PRECISION = 200.0
"""How firmly the prior holds: the inverse variance of each weight about it."""

_SPANS = (3, 10, 30)
_DEGREES = 30.0
"""Degrees of freedom beyond 2 that the fit starts from; nearly a normal density."""

_STEPS = 200
_UNREST = 0.55
"""Usual deviation of a log length from the level of its edit."""


@dataclass(frozen=True)
class ShotLength:
    """A fitted model.

    Attributes
    ----------
    baseline : LengthModel
        The AR(1) log-normal of the same edits; its `mean` is what lengths are measured from.
    centre : float
        Expected log length above that mean where all features are 0.
    weights : ndarray (len(FEATURES),)
        Of the expected log length.
    log_spread : float
        Logarithm of the scale where all features are 0.
    spread_weights : ndarray (len(SPREAD_FEATURES),)
        Of the logarithm of the scale.
    degrees : float
        Degrees of freedom, > 2.
    skew : float
        Logarithm of how much wider the upper half of the density is than a symmetric one; the
        lower half is narrower by as much.
    """

    baseline: LengthModel
    centre: float
    weights: Floats
    log_spread: float
    spread_weights: Floats
    degrees: float
    skew: float

    def log_densities(self, reel: Reel) -> Floats:
        """Log density of each shot's length in seconds, given all before it and its own set-up.

        Returns
        -------
        ndarray (shots,)
            In nats.
        """
        if not len(reel.seconds):
            return np.zeros(0)
        own = self._own_log_densities(reel)
        plain = np.array(self.baseline.log_likelihoods(reel.seconds.tolist()))
        # What each has earned before this shot, starting from equal trust.
        trust = np.stack([own, plain]).cumsum(axis=1) - np.stack([own, plain])
        trust -= np.logaddexp(trust[0], trust[1])
        return np.asarray(np.logaddexp(trust[0] + own, trust[1] + plain), np.float64)

    def _own_log_densities(self, reel: Reel) -> Floats:
        rows = torch.from_numpy(length_features(reel, self.baseline.mean))
        logs = torch.from_numpy(np.log(reel.seconds))
        parameters = [
            torch.tensor(
                [self.centre, self.log_spread, math.log(self.degrees - 2.0), self.skew],
                dtype=torch.float64,
            ),
            torch.from_numpy(self.weights),
            torch.from_numpy(self.spread_weights),
        ]
        found = _log_densities(rows, logs - self.baseline.mean, *parameters) - logs
        return np.asarray(found.numpy(), np.float64)


def fit_shot_length(reels: Sequence[Reel]) -> ShotLength:
    """Fit the model to reels by penalised maximum likelihood; it depends on no seed.

    Parameters
    ----------
    reels : sequence of Reel
        What to learn from.

    Returns
    -------
    ShotLength

    Raises
    ------
    SegueError
        If they have fewer than three shots.
    """
    baseline = fit_length_model([reel.seconds.tolist() for reel in reels])
    rows = torch.from_numpy(np.concatenate([length_features(one, baseline.mean) for one in reels]))
    logs = torch.from_numpy(np.log(np.concatenate([one.seconds for one in reels]))) - baseline.mean
    start = torch.tensor([PRIOR.get(name, 0.0) for name in FEATURES], dtype=torch.float64)
    start[FEATURES.index("last")] = baseline.memory / 2
    # Centre, log spread, log of the degrees of freedom beyond 2, skew.
    shape = torch.tensor(
        [0.0, math.log(baseline.deviation), math.log(_DEGREES), 0.0],
        dtype=torch.float64,
    )
    first_degrees = float(shape[2])
    weights = start.clone()
    spread = torch.zeros(len(SPREAD_FEATURES), dtype=torch.float64)
    parameters = [shape.requires_grad_(), weights.requires_grad_(), spread.requires_grad_()]
    optimiser = torch.optim.LBFGS(parameters, max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        penalty = ((weights - start) ** 2).sum() + (spread**2).sum()
        penalty = penalty + 0.3 * shape[3] ** 2 + 0.1 * (shape[2] - first_degrees) ** 2
        total = 0.5 * PRECISION * penalty - _log_densities(rows, logs, *parameters).sum()
        total = total / len(logs)
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    centre, log_spread, log_degrees, skew = shape.detach().tolist()
    return ShotLength(
        baseline,
        centre,
        weights.detach().numpy().copy(),
        log_spread,
        spread.detach().numpy().copy(),
        2.0 + math.exp(log_degrees),
        skew,
    )


def _log_densities(
    rows: torch.Tensor,
    logs: torch.Tensor,
    shape: torch.Tensor,
    weights: torch.Tensor,
    spread_weights: torch.Tensor,
) -> torch.Tensor:
    """Two-piece Student log density of `logs`, (shots,), given features (shots, features)."""
    centre, log_spread, log_degrees, skew = shape
    columns = [FEATURES.index(name) for name in SPREAD_FEATURES]
    log_scale = log_spread + rows[:, columns] @ spread_weights
    # A scale below any deviation of real edits would let equal lengths drown all else.
    log_scale = torch.clamp(log_scale, min=math.log(LEAST_DEVIATION))
    away = (logs - centre - rows @ weights) * torch.exp(-log_scale)
    away = torch.where(away >= 0, away * torch.exp(-skew), away * torch.exp(skew))
    degrees = 2.0 + torch.exp(log_degrees)
    half = (degrees + 1.0) / 2.0
    norm = torch.lgamma(half) - torch.lgamma(degrees / 2.0) - 0.5 * torch.log(math.pi * degrees)
    pieces = math.log(2.0) - torch.log(torch.exp(skew) + torch.exp(-skew))
    return norm + pieces - half * torch.log1p(away**2 / degrees) - log_scale


def length_features(reel: Reel, mean: float) -> Floats:
    """What is known of each shot before its length: all shots before it, and its set-up.

    Parameters
    ----------
    reel : Reel
        The reel.
    mean : float
        Log seconds that lengths are measured from.

    Returns
    -------
    ndarray (shots, len(FEATURES))
    """
    pace = _Pace(reel, mean)
    return np.array([pace.row_and_add(shot) for shot in range(len(reel.setups))]).reshape(
        -1, len(FEATURES)
    )


class _Pace:
    """Running sums of a reel's log lengths."""

    def __init__(self, reel: Reel, mean: float) -> None:
        size = len(reel.bin)
        self._reel = reel
        self._logs = np.log(reel.seconds) - mean
        self._sums, self._counts = np.zeros(len(_SPANS)), np.zeros(len(_SPANS))
        self._total = 0.0
        self._unrest = 0.0
        self._own, self._uses, self._own_last = np.zeros(size), np.zeros(size), np.zeros(size)
        self._visited: set[int] = set()
        self._scene_shots = self._run = 0

    def row_and_add(self, shot: int) -> list[float]:
        """Features of a shot; then its length is taken in."""
        level = self._sums[-1] / (self._counts[-1] + 5.0)
        row = [*self._lengths(shot), *self._part(shot, level), self._unrest - _UNREST]
        self._add(shot, level)
        return row

    def _lengths(self, shot: int) -> list[float]:
        logs = self._logs
        return [
            logs[shot - 1] if shot else 0.0,
            logs[shot - 2] if shot > 1 else 0.0,
            *(self._sums / (self._counts + 1.0)),
            self._total / (shot + 10.0),
        ]

    def _part(self, shot: int, level: float) -> list[float]:
        """What the set-up of a shot tells, its lengths counted from the reel's present level."""
        setups, scenes = self._reel.setups, self._reel.scenes
        setup = setups[shot]
        uses = self._uses[setup]
        scene = scenes[setup]
        moves = shot > 0 and scene != scenes[setups[shot - 1]]
        new_scene = scene >= 0 and int(scene) not in self._visited
        returns = shot > 1 and setup == setups[shot - 2] != setups[shot - 1]
        return [
            (self._own[setup] - uses * level) / (uses + 2.0),
            self._own_last[setup] - level if uses else 0.0,
            float(not uses),
            float(new_scene),
            float(moves and not new_scene),
            float(shot > 0 and setup == setups[shot - 1]),
            float(returns),
            min(self._run, 6) / 3.0 if returns else 0.0,
            0.0 if moves else math.log1p(self._scene_shots) - 1.5,
            math.log1p(uses) - 1.0,
            float(shot > 0 and self._uses[setups[shot - 1]] == 1),
            float(shot == 0),
        ]

    def _add(self, shot: int, level: float) -> None:
        setups, scenes = self._reel.setups, self._reel.scenes
        setup, length = setups[shot], self._logs[shot]
        away = abs(length - level)
        share = 0.1 if shot > 5 else 1.0 / (shot + 1)
        self._unrest += share * (away - self._unrest)
        keep = 1.0 - 1.0 / np.array(_SPANS)
        self._sums = self._sums * keep + length
        self._counts = self._counts * keep + 1.0
        self._total += length
        returns = shot > 1 and setup == setups[shot - 2] != setups[shot - 1]
        self._run = self._run + 1 if returns else 0
        stays = shot > 0 and scenes[setup] == scenes[setups[shot - 1]]
        self._scene_shots = self._scene_shots + 1 if stays else 1
        self._own[setup] += length
        self._uses[setup] += 1
        self._own_last[setup] = length
        self._visited.add(int(scenes[setup]))
