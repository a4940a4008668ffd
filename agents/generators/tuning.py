"""Tuning a melody model by reward, held to what it was: PPO with a KL penalty.

The model itself is the agent: its state is what is written, its action the next token. Reward is
the judgement of an `Adversary` that learns along, less the Kullback-Leibler divergence from the
model as it was (Jaques et al. 2017; Ziegler et al. 2019) and, if asked, a cost for notes outside
their chords. Several melodies are written over each
chord sequence, and the mean of the others' returns from a place on is the baseline there (Kool et
al. 2019), so that there is no critic to learn. Updates are clipped (Schulman et al. 2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from segue.agents.generators.adversary import BEAT, Adversary
from segue.agents.generators.attention import MelodyAttention
from segue.agents.generators.batches import Batch, collate
from segue.agents.generators.conditions import Conditions
from segue.agents.generators.melody_model import MelodyModel
from segue.agents.generators.passages import BAR, Passages, chord_tones, note_in_chord
from segue.agents.generators.reader import Plan, Reader, draw_tokens
from segue.envs.base.errors import SegueError
from segue.envs.melody.types import FIRST_ONSET

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TuningConfig:
    """How a model is tuned.

    Attributes
    ----------
    updates : int
        Rounds of writing and learning.
    sequences : int
        Chord sequences in each.
    melodies : int
        Melodies over each of them, >= 2.
    epochs : int
        Times that each round is learnt from.
    minibatch : int
        Melodies of a step.
    learning_rate : float
        Of Adam; it falls to a tenth.
    clip : float
        Of the ratio of probabilities, as PPO's.
    kl_weight : float
        Units of reward that a nat of divergence from the model as it was costs.
    adversary_steps : int
        Steps of the adversary in each round.
    harmony_weight : float
        Units of reward that a note outside its chord costs; 0 leaves harmony to the adversary, who
        asks for as much of it as people have.
    beats_ahead : float
        Beats over which a reward fades to 1/e of its worth for what was written before it.

    Raises
    ------
    SegueError
        If one of them is out of range.
    """

    updates: int = 150
    sequences: int = 16
    melodies: int = 6
    epochs: int = 2
    minibatch: int = 48
    learning_rate: float = 1e-4
    clip: float = 0.2
    kl_weight: float = 0.3
    adversary_steps: int = 4
    harmony_weight: float = 0.0
    beats_ahead: float = 4.0

    def __post_init__(self) -> None:
        for name in ("updates", "sequences", "epochs", "minibatch", "adversary_steps"):
            if getattr(self, name) < 1:
                raise SegueError(f"{name} is {getattr(self, name)}; give 1 or more.")
        if self.melodies < 2:
            raise SegueError(
                f"melodies is {self.melodies}; give 2 or more, each is measured by the others."
            )
        for name in ("learning_rate", "clip", "beats_ahead"):
            if not 0.0 < getattr(self, name) < float("inf"):
                raise SegueError(f"{name} is {getattr(self, name)}; give a number above 0.")
        for name in ("kl_weight", "harmony_weight"):
            if not 0.0 <= getattr(self, name) < float("inf"):
                raise SegueError(f"{name} is {getattr(self, name)}; give a number from 0 on.")


class Tuning:
    """One run of tuning, round by round.

    Parameters
    ----------
    model : MelodyModel
        As it was; it stays so.
    config : TuningConfig
        How it is tuned.
    people : Passages
        People's melodies over chords.
    seed : int
        Seed >= 0.

    Attributes
    ----------
    step : int
        Rounds made.
    network : MelodyAttention
        The model that is tuned.
    """

    def __init__(
        self, model: MelodyModel, config: TuningConfig, people: Passages, seed: int
    ) -> None:
        self._config, self._people, self._seed = config, people, seed
        self._anchor = model.network
        self.network = deepcopy(model.network)
        self._adversary = Adversary(seed)
        self._optimiser = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate)
        self.step = 0

    @property
    def finished(self) -> bool:
        """Whether all rounds are made."""
        return self.step >= self._config.updates

    def update(self) -> dict[str, float]:
        """Write melodies, let the adversary learn, learn from its judgement.

        Returns
        -------
        dict of str to float
            Mean judgement (log-odds), divergence in nats a token, share of notes that belong to
            their chord, and how well the adversary tells.
        """
        config = self._config
        rng = np.random.default_rng([self._seed, self.step])
        asked = rng.choice(len(self._people), config.sequences)
        rows = np.repeat(asked, config.melodies)
        chords, minor = self._people.chords[rows], self._people.minor[rows]
        tokens = write_over(self.network, chords, minor, rng)
        made = Passages(tokens, chords, minor)
        told: dict[str, float] = {}
        for _ in range(config.adversary_steps):
            shown = self._people.rows(rng.choice(len(self._people), len(made)))
            told = self._adversary.learn(shown, made)
        judged = self._adversary.judge(made)
        batch = collate_over(made)
        before, anchored = (self._chances(net, batch) for net in (self.network, self._anchor))
        divergence = (before - anchored).numpy().astype(np.float64)
        outside = (tokens >= FIRST_ONSET) & ~chord_tones(tokens, chords)
        costs = config.kl_weight * divergence + config.harmony_weight * outside
        advantages = self._advantages(judged, costs)
        self._learn(batch, before, torch.from_numpy(advantages).float(), rng)
        self.step += 1
        return {
            "judgement": float(judged.mean()),
            "divergence": float(divergence.mean()),
            "note_in_chord": float(note_in_chord(tokens, chords).mean()),
            **told,
        }

    def state(self) -> dict[str, Any]:
        """Everything that the run goes on from."""
        weights = {name: value.clone() for name, value in self.network.state_dict().items()}
        return {
            "network": weights,
            "optimiser": self._optimiser.state_dict(),
            "adversary": self._adversary.state(),
            "step": self.step,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.network.load_state_dict(dict(state["network"]))
        self._optimiser.load_state_dict(state["optimiser"])
        self._adversary.load_state(state["adversary"])
        self.step = int(state["step"])

    def _advantages(self, judged: Floats, costs: Floats) -> Floats:
        """How much better each melody goes on from each place than others over its chords."""
        config = self._config
        rewards = -costs
        rewards[:, BEAT - 1 :: BEAT] += judged
        fading = np.exp(-1.0 / (config.beats_ahead * BEAT))
        returns = np.zeros_like(rewards)
        following = np.zeros(len(rewards))
        for place in range(rewards.shape[1] - 1, -1, -1):
            following = rewards[:, place] + fading * following
            returns[:, place] = following
        groups = returns.reshape(config.sequences, config.melodies, -1)
        others = (groups.sum(1, keepdims=True) - groups) / (config.melodies - 1)
        advantages = (groups - others).reshape(rewards.shape)
        scaled: Floats = advantages / (advantages.std() + 1e-8)
        return scaled

    def _learn(
        self,
        batch: Batch,
        before: torch.Tensor,
        advantages: torch.Tensor,
        rng: np.random.Generator,
    ) -> None:
        config = self._config
        rate = config.learning_rate * (1.0 - 0.9 * self.step / config.updates)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        for _ in range(config.epochs):
            order = rng.permutation(len(before))
            for begin in range(0, len(order), config.minibatch):
                rows = torch.from_numpy(order[begin : begin + config.minibatch])
                part = Batch(batch.tokens[rows], batch.seen[rows], batch.chords[rows])
                ratio = (self._chances(self.network, part, learn=True) - before[rows]).exp()
                clipped = ratio.clamp(1.0 - config.clip, 1.0 + config.clip)
                gain = torch.minimum(ratio * advantages[rows], clipped * advantages[rows])
                self._optimiser.zero_grad()
                (-gain.mean()).backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(self.network.parameters(), 0.5)
                self._optimiser.step()

    def _chances(self, network: MelodyAttention, batch: Batch, learn: bool = False) -> torch.Tensor:
        """Log-probability of each token written, (n, t)."""
        with torch.set_grad_enabled(learn):
            chances = network(batch.seen, batch.chords).log_softmax(-1)
            found: torch.Tensor = chances.gather(2, batch.tokens[..., None])[..., 0]
        return found


def plan_over(chords: npt.NDArray[np.int32], minor: bool) -> Plan:
    """What is asked of a melody over chords (t,): its mode and metre, from anywhere in a tune."""
    conditions = Conditions(mode="minor" if minor else "major", metre=(4, 4), genre="chorale")
    return Plan(len(chords), BAR, conditions=conditions, chords=chords, whole=False)


def collate_over(passages: Passages) -> Batch:
    """Passages as the model reads them."""
    rows = zip(passages.tokens, passages.chords, passages.minor, strict=True)
    return collate(
        [plan_over(chords, bool(minor)).as_excerpt(tokens) for tokens, chords, minor in rows]
    )


def write_over(
    network: MelodyAttention,
    chords: npt.NDArray[np.int32],
    minor: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    temperature: float = 1.0,
) -> npt.NDArray[np.int8]:
    """Write a melody over each chord sequence.

    Parameters
    ----------
    network : MelodyAttention
        The model.
    chords : ndarray (n, t) int32
        Chord bits.
    minor : ndarray (n,) bool
        Whether the mode is minor.
    rng : numpy.random.Generator
        Where chance comes from.
    temperature : float
        Below 1 likelier tokens are preferred.

    Returns
    -------
    ndarray (n, t) int8
        Tokens.
    """
    plans = [plan_over(row, bool(dark)) for row, dark in zip(chords, minor, strict=True)]
    reader = Reader(network, plans)
    while reader.read < chords.shape[1]:
        reader.write(draw_tokens(reader.log_probabilities(), rng, temperature))
    return reader.tokens
