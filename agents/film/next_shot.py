"""Which camera set-up an editor cuts to next: a conditional logit over the bin.

At each cut every set-up of the bin has a utility, a weighted sum of what `shot_features` tells of
it, and is chosen with probability proportional to its exponential: Luce's choice axiom (Luce 1959,
"Individual Choice Behavior"; McFadden 1974, "Conditional logit analysis of qualitative choice
behavior"). The weights are shared by all set-ups, so the model serves films that it never saw; that
it counts as the edit goes on lets it follow the habits of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from segue.agents.film.reel import Flags, Floats, Integers, Reel
from segue.agents.film.shot_features import FEATURES, choice_features
from segue.envs.base.errors import SegueError

PRIOR = {
    "before_last": 1.0,
    "followed": 1.0,
    "log_followed_by": 0.5,
    "log_seconds_ago": -1.0,
    "used_same_scene": 1.5,
    "unused_same_scene": 1.5,
    "unvisited_scene": -2.0,
    "next_scene": 2.0,
    "other_scene_log_distance": -0.5,
    "unused_after_newest": 0.5,
}
"""Weights before any edit was seen, in round numbers: cuts stay in the scene and come back to what
was seen a moment ago, as in shot and reverse shot; scenes and coverage go on in slate order."""

PRECISION = 10.0
"""How firmly the prior holds: the inverse variance of each weight about it."""

_STEPS = 100


@dataclass(frozen=True)
class Choices:
    """All cuts of a reel from its third shot on.

    Attributes
    ----------
    features : ndarray (cuts, set-ups, len(FEATURES)), float32
        What is known before each.
    chosen : ndarray (cuts,), int
        Number of the set-up that was cut to.
    slates : ndarray (set-ups,), int
        Equal for the cameras of one slate.
    used : ndarray (cuts, set-ups), bool
        Which set-ups had been used before.
    in_scene : ndarray (cuts, set-ups), bool
        Which set-ups are of the scene that is cut to, or, where no slate tells it, of no known
        scene. This is not known from the shots before; it is for tests in which the scene is told.
    """

    features: npt.NDArray[np.float32]
    chosen: Integers
    slates: Integers
    used: Flags
    in_scene: Flags


@dataclass(frozen=True)
class NextSetup:
    """A fitted model.

    Attributes
    ----------
    weights : ndarray (len(FEATURES),)
        Utility a unit of each feature.
    """

    weights: Floats

    def log_probabilities(self, choices: Choices) -> Floats:
        """Log probability of each set-up of the bin at each cut.

        Returns
        -------
        ndarray (cuts, set-ups)
        """
        utilities = choices.features.astype(np.float64) @ self.weights
        top = utilities.max(axis=1, keepdims=True)
        total = np.log(np.exp(utilities - top).sum(axis=1, keepdims=True))
        return np.asarray(utilities - top - total, np.float64)

    def hits(self, choices: Choices, among: Flags | None = None, by_slate: bool = False) -> Flags:
        """Whether the likeliest set-up is the one that was cut to.

        Parameters
        ----------
        choices : Choices
            The cuts.
        among : ndarray (cuts, set-ups), bool, or None
            The set-ups to guess among, such as `Choices.used`; None for the whole bin.
        by_slate : bool
            Guess the slate, whichever its camera: the probabilities of its cameras are added.

        Returns
        -------
        ndarray (cuts,), bool
        """
        guess = self.log_probabilities(choices)
        if among is not None:
            guess = np.where(among, guess, -np.inf)
        if not by_slate:
            return np.asarray(guess.argmax(axis=1) == choices.chosen, np.bool_)
        slates = np.unique(choices.slates)
        likely = np.exp(guess) @ (choices.slates[:, None] == slates)
        return np.asarray(slates[likely.argmax(axis=1)] == choices.slates[choices.chosen], np.bool_)


def choices_of(reel: Reel) -> Choices:
    """List the cuts of a reel from its third shot on.

    The first two are passed over as there is no set-up before the last yet.
    """
    uses = np.zeros((max(len(reel.setups) - 2, 0), len(reel.bin)), np.bool_)
    for cut in range(len(uses)):
        uses[cut, reel.setups[: cut + 2]] = True
    chosen = reel.setups[2:]
    in_scene = reel.scenes[None, :] == reel.scenes[chosen][:, None]
    return Choices(choice_features(reel), chosen, reel.slates, uses, in_scene)


def fit_next_setup(reels: Sequence[Choices]) -> NextSetup:
    """Fit the weights to reels: the likeliest, given a normal prior about `PRIOR`.

    The penalised likelihood has one peak, so the outcome depends on no seed.

    Parameters
    ----------
    reels : sequence of Choices
        What to learn from.

    Returns
    -------
    NextSetup

    Raises
    ------
    SegueError
        If there is no cut to learn from.
    """
    cuts = sum(len(one.chosen) for one in reels)
    if not cuts:
        raise SegueError("The edits have no third shot to learn from; give more of them.")
    prior = torch.tensor([PRIOR.get(name, 0.0) for name in FEATURES])
    weights = prior.clone().requires_grad_()
    data = [
        (torch.from_numpy(one.features), torch.from_numpy(one.chosen))
        for one in reels
        if len(one.chosen)
    ]
    optimiser = torch.optim.LBFGS(
        [weights], max_iter=_STEPS, tolerance_grad=1e-6, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        total = 0.5 * PRECISION * ((weights - prior) ** 2).sum()
        for features, chosen in data:
            total = total + functional.cross_entropy(features @ weights, chosen, reduction="sum")
        total = total / cuts
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return NextSetup(weights.detach().numpy().astype(np.float64))
