"""Settings of tabular Q-learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError

Method = Literal["q", "double-q", "q-lambda"]


@dataclass(frozen=True)
class QLearningConfig:
    """Settings of tabular Q-learning.

    The defaults suit a **deterministic** task: ``alpha = 1`` (a sample is the truth), no random
    exploration, episodes replayed backward, and optimistic first values that do the exploring.
    Set ``initial_value_per_step`` to an upper bound of one step's reward and ``horizon`` to the
    length of an episode. Every value is then an upper bound of the true one for as long as it
    lives, so a greedy episode that changes nothing has earned the optimum: that is the stopping
    rule, and a proof. On random layered models of 128 x 300 states and 27 actions this reached the
    exact optimum on 20 of 20 seeds in .3 to 3 s each, after 26,000 to 70,000 episodes. A bound
    twice too large took ten times as many; optimism that ignores the time left took 15 times,
    because it tries the last steps first and from every path; an epsilon that fell from 1 to 0 over
    120,000 episodes, with values starting at 0, settled short of the optimum.

    For a **stochastic** task take ``alpha`` well below 1 or let it fall with the visits, and an
    epsilon schedule, e.g. ``QLearningConfig(alpha=0.1, gamma=0.99, epsilon_start=1.0,
    epsilon_end=0.05, replay="online")``. The other two methods want these too, also where nothing
    is left to chance: their values are not upper bounds, so optimism alone may pass over the best.
    """

    method: Method = "q"
    """``"q"``: one step (Watkins 1989); ``"double-q"``: two tables, of which one chooses and the
    other values, so that noise is not taken for reward (van Hasselt 2010); ``"q-lambda"``:
    replacing eligibility traces, cut by every action that is not greedy (Watkins 1989)."""
    episodes: int = 1_000_000
    """Number of episodes in all, counting those already in a table that training goes on from."""
    alpha: float = 1.0
    """Step size, in (0, 1]; 1 is right in deterministic tasks only."""
    alpha_decay: float = 0.0
    """Exponent w of the step size ``alpha / visits ** w`` of a pair, in [0, 1]; 0 = constant.
    Above .5 the values converge in stochastic tasks too (Even-Dar & Mansour 2003)."""
    gamma: float = 1.0
    """Discount, in [0, 1]."""
    trace: float = 0.9
    """Lambda of ``"q-lambda"``, in [0, 1]: share of an eligibility trace that lasts a step."""
    epsilon_start: float = 0.0
    """Probability of a random legal action in the first episode, in [0, 1]."""
    epsilon_end: float = 0.0
    """The same from episode ``epsilon_episodes`` on, in [0, 1]; above 0 for exponential decay."""
    epsilon_episodes: int = 10_000
    """Number of episodes over which epsilon goes from start to end, positive."""
    epsilon_decay: Literal["linear", "exponential"] = "linear"
    """Whether epsilon falls by equal differences or by equal ratios."""
    initial_value: float = 0.0
    """Value of a pair that was not yet tried."""
    initial_value_per_step: float = 0.0
    """Added to it for every step that is left of ``horizon`` when the state is first met."""
    horizon: int = 0
    """Length of an episode in steps, for the optimism above; 0 = that term is off."""
    replay: Literal["backward", "online"] = "backward"
    """When a transition is learnt from: at the end of its episode, last one first, so that a
    reward reaches the first step at once (Lee et al. 2019), or as soon as it has happened. The
    traces of ``"q-lambda"`` need ``"online"``."""
    max_steps: int = 10_000
    """Steps after which an episode is cut off, positive; the last state's value still counts."""
    stop_when_settled: bool = True
    """Stop after a greedy episode of ``"q"`` with ``alpha = 1`` that changed nothing. No use in
    stochastic tasks, where ``alpha`` must be smaller anyhow."""
    chunk_episodes: int = 1_000
    """Number of episodes between two calls of the progress function; one point of the learning
    curve each. Positive."""
    seed: int = 0
    """Seed of the random stream and of a plain env's resets, non-negative."""

    def __post_init__(self) -> None:
        for name in ("gamma", "epsilon_start", "epsilon_end", "alpha_decay", "trace"):
            self._require(name, 0.0 <= getattr(self, name) <= 1.0, "a value in [0, 1]")
        self._require("alpha", 0.0 < self.alpha <= 1.0, "a value in (0, 1]")
        for name in ("epsilon_episodes", "max_steps", "chunk_episodes"):
            self._require(name, getattr(self, name) > 0, "a positive number")
        for name in ("episodes", "horizon", "seed"):
            self._require(name, getattr(self, name) >= 0, "a number that is not negative")
        methods = ("q", "double-q", "q-lambda")
        self._require("method", self.method in methods, "'q', 'double-q' or 'q-lambda'")
        self._require("replay", self.replay in ("backward", "online"), "'backward' or 'online'")
        if self.method == "q-lambda":
            self._require("replay", self.replay == "online", "'online' with the traces of q-lambda")
        decays = ("linear", "exponential")
        self._require("epsilon_decay", self.epsilon_decay in decays, "'linear' or 'exponential'")
        if self.epsilon_decay == "exponential" and self.epsilon_start > 0.0:
            self._require("epsilon_end", self.epsilon_end > 0.0, "a positive value to decay to")

    def _require(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            value = getattr(self, name)
            raise SegueError(f"QLearningConfig.{name} is {value!r}; give {wanted}.")

    @property
    def decay(self) -> float | None:
        """The exponent of the step size as compiled code takes it: None = constant."""
        return float(self.alpha_decay) or None

    @property
    def may_settle(self) -> bool:
        """Whether a greedy episode that changes nothing proves that learning is over."""
        certain = self.alpha == 1.0 and self.alpha_decay == 0.0 and self.method == "q"
        return self.stop_when_settled and certain

    def first_value(self, step: int) -> float:
        """Give the value of an untried pair of a state that is first met at a step (from 0)."""
        return self.initial_value + self.initial_value_per_step * max(self.horizon - step, 0)

    def epsilon(self, episodes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Give the exploration rate of some episodes.

        Parameters
        ----------
        episodes : numpy.ndarray
            int64 array (n,): episode numbers, from 0.

        Returns
        -------
        numpy.ndarray
            float64 array (n,), each in [0, 1].
        """
        progress = np.minimum(episodes / self.epsilon_episodes, 1.0)
        if self.epsilon_decay == "exponential" and self.epsilon_start > 0.0:
            ratio = self.epsilon_end / self.epsilon_start
            return np.asarray(self.epsilon_start * ratio**progress, np.float64)
        slope = self.epsilon_end - self.epsilon_start
        return np.asarray(self.epsilon_start + slope * progress, np.float64)


__all__ = ["Method", "QLearningConfig"]
