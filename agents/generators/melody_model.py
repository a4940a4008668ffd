"""A trained melody model: kept in one file, sampling, going on with a motif, filling a gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from segue.agents.generators.attention import AttentionConfig, MelodyAttention
from segue.agents.generators.batches import collate
from segue.agents.generators.model_file import read_model, write_model
from segue.agents.generators.reader import Plan, Reader, Tokens, draw_tokens
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import TOKENS

FORMAT = "segue.attention.v1"


@dataclass(frozen=True)
class MelodyModel:
    """A trained model.

    Attributes
    ----------
    network : MelodyAttention
        Its weights.
    facts : mapping
        What is told of it: corpora, licences, measures.
    """

    network: MelodyAttention
    facts: Mapping[str, Any]

    def sample(
        self,
        plan: Plan,
        count: int,
        rng: np.random.Generator,
        *,
        temperature: float = 1.0,
        nucleus: float = 1.0,
        motif: npt.ArrayLike = (),
    ) -> Tokens:
        """Write melodies.

        Parameters
        ----------
        plan : Plan
            What is asked for.
        count : int
            Melodies, >= 1.
        rng : numpy.random.Generator
            Where chance comes from.
        temperature : float
            Below 1 likelier tokens are preferred, > 0.
        nucleus : float
            Tokens are drawn from the fewest that hold this share of the probability, 0 to 1
            (Holtzman et al. 2020); 1 leaves none out.
        motif : array-like of int
            Tokens that every melody begins with, fewer than its length.

        Returns
        -------
        int8 array, (count, length)
            Tokens, the tonic at C.

        Raises
        ------
        SegueError
            If a number is out of range or the motif is none.
        """
        _check(temperature, nucleus, count, plan, self.network.config)
        begun = _tokens(motif, plan.length)
        reader = Reader(self.network, [plan] * count)
        reader.write(np.broadcast_to(begun, (count, len(begun))))
        while reader.read < plan.length:
            chances = reader.log_probabilities()
            reader.write(draw_tokens(chances, rng, temperature, nucleus))
        return reader.tokens

    def fill(
        self,
        plan: Plan,
        before: npt.ArrayLike,
        after: npt.ArrayLike,
        rng: np.random.Generator,
        *,
        candidates: int = 128,
        temperature: float = 1.0,
        nucleus: float = 1.0,
    ) -> Tokens:
        """Fill the gap between two passages.

        Candidates are drawn as the model goes on with what stands before the gap, and one of them
        is chosen in proportion to the probability that the model gives to what stands behind it:
        sampling and importance resampling (Rubin 1988), which in the limit of many candidates
        draws from the model's own distribution of the gap given both sides.

        Parameters
        ----------
        plan : Plan
            Of the whole melody; its length less the two passages is the gap.
        before, after : array-like of int
            Tokens on either side; `after` may hold any tokens, its first one no hold of a note
            that the gap would have to strike.
        rng : numpy.random.Generator
            Where chance comes from.
        candidates : int
            Fills that are drawn, >= 1.
        temperature, nucleus : float
            Of the candidates, as in `sample`.

        Returns
        -------
        int8 array, (length,)
            The whole melody.

        Raises
        ------
        SegueError
            If a number is out of range, or the passages leave no gap.
        """
        _check(temperature, nucleus, candidates, plan, self.network.config)
        left, right = _tokens(before, plan.length), _tokens(after, plan.length)
        if len(left) + len(right) >= plan.length:
            raise SegueError(
                f"Passages of {len(left)} and {len(right)} sixteenths leave no gap in "
                f"{plan.length}; shorten one."
            )
        reader = Reader(self.network, [plan] * candidates)
        reader.write(np.broadcast_to(left, (candidates, len(left))))
        while reader.read < plan.length - len(right):
            chances = reader.log_probabilities()
            reader.write(draw_tokens(chances, rng, temperature, nucleus))
        weights = np.zeros(candidates)
        for token in right:
            weights += reader.log_probabilities()[:, token]
            reader.write(np.full(candidates, token))
        shares = np.exp(weights - weights.max())
        chosen: Tokens = reader.tokens[rng.choice(candidates, p=shares / shares.sum())]
        return chosen

    def log_likelihood(
        self, plan: Plan, tokens: npt.NDArray[np.integer]
    ) -> npt.NDArray[np.float64]:
        """Log-probability of melodies, nats.

        Parameters
        ----------
        plan : Plan
            Of all of them.
        tokens : int array, (n, length)
            The melodies.

        Returns
        -------
        float64 array, (n,)
        """
        batch = collate([plan.as_excerpt(row.astype(np.int8)) for row in tokens])
        with torch.inference_mode():
            chances = self.network(batch.seen, batch.chords).double().log_softmax(-1)
            found: npt.NDArray[np.float64] = (
                chances.gather(2, batch.tokens[..., None])[..., 0].sum(1).numpy()
            )
        return found

    def save(self, path: Path) -> None:
        """Write the model to one safetensors file, in half precision, the facts in its head."""
        told = {"size": asdict(self.network.config), "facts": dict(self.facts)}
        write_model(path, FORMAT, self.network, told)

    @classmethod
    def load(cls, path: Path) -> MelodyModel:
        """Read what `save` wrote.

        Raises
        ------
        SegueError
            If it is no such file.
        """

        def built(told: dict[str, Any], weights: dict[str, torch.Tensor]) -> MelodyModel:
            network = MelodyAttention(AttentionConfig(**told["size"]))
            network.load_state_dict(weights)
            network.eval()
            return cls(network, dict(told["facts"]))

        return read_model(path, FORMAT, built, "melody model", "segue train attention")


def _check(
    temperature: float, nucleus: float, count: int, plan: Plan, config: AttentionConfig
) -> None:
    if not 0.0 < temperature < float("inf"):
        raise SegueError(f"temperature is {temperature}; give a number above 0.")
    if not 0.0 < nucleus <= 1.0:
        raise SegueError(f"nucleus is {nucleus}; give a share above 0, at most 1.")
    if count < 1:
        raise SegueError(f"{count} melodies cannot be written; ask for 1 or more.")
    if plan.length > config.context:
        raise SegueError(
            f"A melody of {plan.length} sixteenths is longer than the {config.context} that the "
            "model sees; ask for fewer bars."
        )


def _tokens(given: npt.ArrayLike, length: int) -> Tokens:
    tokens = np.asarray(given, dtype=np.int64).reshape(-1)
    if len(tokens) and (tokens.min() < 0 or tokens.max() >= TOKENS):
        raise SegueError(f"A motif holds tokens from 0 to {TOKENS - 1}; it has others.")
    if len(tokens) >= length:
        raise SegueError(
            f"A passage of {len(tokens)} sixteenths leaves nothing to write of {length}; "
            "shorten it."
        )
    return tokens.astype(np.int8)
