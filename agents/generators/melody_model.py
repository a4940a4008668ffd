"""A trained melody model: kept in one file, sampling, going on with a motif, filling a gap."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from segue.agents.generators.attention import AttentionConfig, KeyValueCache, MelodyAttention
from segue.agents.generators.batches import Excerpt, collate, seen_columns
from segue.agents.generators.conditions import Conditions
from segue.agents.generators.features import LONGEST_BAR, chord_features
from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import TOKENS
from segue.envs.melody.types import NO_TOKEN

FORMAT = "segue.attention.v1"
_LARGEST = 1 << 28

Tokens = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Plan:
    """What is asked of a melody.

    Attributes
    ----------
    length : int
        Sixteenths.
    bar : int
        Sixteenths in a bar, 1 to 24.
    start : int
        Place in the bar of the first one: more than 0 with a pickup.
    conditions : Conditions
        What it shall be like.
    chords : ndarray (length,) int32 or None
        As `segue.envs.melody.sequences.chord_bits`, the tonic at C; None for none.
    whole : bool
        Whether it is a tune from beginning to end; False for a passage of one.

    Raises
    ------
    SegueError
        If a number is out of range or the chords have another length.
    """

    length: int
    bar: int = 16
    start: int = 0
    conditions: Conditions = field(default_factory=Conditions)
    chords: npt.NDArray[np.int32] | None = None
    whole: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.bar <= LONGEST_BAR or not 0 <= self.start < self.bar:
            raise SegueError(
                f"A bar of {self.bar} sixteenths from the {self.start}th on cannot be written; "
                f"give 1 to {LONGEST_BAR} and a start within it."
            )
        if self.length < 1:
            raise SegueError(f"A melody of {self.length} sixteenths is none; give 1 or more.")
        if self.chords is not None and len(self.chords) != self.length:
            raise SegueError(
                f"There are chords for {len(self.chords)} of {self.length} sixteenths; give one "
                "for each."
            )

    def as_excerpt(self, tokens: Tokens) -> Excerpt:
        """The plan with tokens (length,) that fulfil it."""
        chords = np.zeros(self.length, dtype=np.int32) if self.chords is None else self.chords
        return Excerpt(
            tokens=tokens,
            chords=chords,
            bar=self.bar,
            start=self.start,
            bars=-(-(self.start + self.length) // self.bar) if self.whole else 0,
            placed=self.whole,
            tags=self.conditions.tags(),
        )


class Reader:
    """Reads melodies side by side, token by token, and says what may come next.

    Parameters
    ----------
    network : MelodyAttention
        The model.
    plans : sequence of Plan
        One for each melody, all of one length.
    """

    def __init__(self, network: MelodyAttention, plans: Sequence[Plan]) -> None:
        length = plans[0].length
        self._network = network
        self._cache = KeyValueCache(network.config, len(plans), length)
        self.tokens = np.full((len(plans), length), NO_TOKEN, dtype=np.int8)
        # Plans that are the same object are looked at once.
        known = {id(plan): plan.as_excerpt(self.tokens[0]) for plan in plans}
        self._plans = [known[id(plan)] for plan in plans]
        self._tags = np.stack([plan.tags for plan in self._plans])
        bits = np.stack([plan.chords for plan in self._plans])
        self._chords = torch.from_numpy(chord_features(bits))
        self.read = 0

    def log_probabilities(self) -> npt.NDArray[np.float64]:
        """Of each next token, natural logarithms (rows, TOKENS)."""
        begin, end = self._cache.length, self.read + 1
        if begin == end:
            raise ValueError("the next token has not been written")
        history = self.tokens[:, :end].astype(np.int64)
        seen = seen_columns(history, self._plans, self._tags, begin)
        with torch.inference_mode():
            logits = self._network(
                torch.from_numpy(seen), self._chords[:, begin:end], cache=self._cache
            )
        found: npt.NDArray[np.float64] = logits[:, -1].double().log_softmax(-1).numpy()
        return found

    def write(self, tokens: npt.NDArray[np.integer[Any]]) -> None:
        """Write the next tokens, (rows,) or (rows, k)."""
        block = tokens.reshape(len(self.tokens), -1)
        self.tokens[:, self.read : self.read + block.shape[1]] = block
        self.read += block.shape[1]


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
        temperature : float
            Of the candidates.

        Returns
        -------
        int8 array, (length,)
            The whole melody.

        Raises
        ------
        SegueError
            If a number is out of range, or the passages leave no gap.
        """
        _check(temperature, 1.0, candidates, plan, self.network.config)
        left, right = _tokens(before, plan.length), _tokens(after, plan.length)
        if len(left) + len(right) >= plan.length:
            raise SegueError(
                f"Passages of {len(left)} and {len(right)} sixteenths leave no gap in "
                f"{plan.length}; shorten one."
            )
        reader = Reader(self.network, [plan] * candidates)
        reader.write(np.broadcast_to(left, (candidates, len(left))))
        while reader.read < plan.length - len(right):
            reader.write(draw_tokens(reader.log_probabilities(), rng, temperature))
        weights = np.zeros(candidates)
        for token in right:
            weights += reader.log_probabilities()[:, token]
            reader.write(np.full(candidates, token))
        chances = np.exp(weights - weights.max())
        chosen: Tokens = reader.tokens[rng.choice(candidates, p=chances / chances.sum())]
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
        weights = {
            name: value.half().contiguous() for name, value in self.network.state_dict().items()
        }
        size = asdict(self.network.config)
        # One entry, since their order in the file would be left to chance.
        head = json.dumps({"size": size, "facts": dict(self.facts)}, sort_keys=True)
        with atomic_path(path) as temporary:
            temporary.write_bytes(save(weights, metadata={FORMAT: head}))

    @classmethod
    def load(cls, path: Path) -> MelodyModel:
        """Read what `save` wrote.

        Raises
        ------
        SegueError
            If it is no such file.
        """
        try:
            if path.stat().st_size > _LARGEST:
                raise ValueError("it is too large")
            with safe_open(str(path), framework="pt") as file:
                head = file.metadata() or {}
                weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
            if FORMAT not in head:
                raise ValueError("it is of another format")
            told = json.loads(head[FORMAT])
            network = MelodyAttention(AttentionConfig(**told["size"]))
            network.load_state_dict(weights)
            facts = dict(told["facts"])
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise SegueError(
                f"{path} is no melody model ({reason}); name a file that segue train attention "
                "wrote."
            ) from error
        network.eval()
        return cls(network, facts)


def whole_tune(
    bars: int, metre: tuple[int, int] = (4, 4), conditions: Conditions | None = None
) -> Plan:
    """Plan of a tune of so many bars without a pickup, its metre told."""
    bar = 16 * metre[0] // metre[1]
    told = replace(conditions or Conditions(), metre=metre)
    return Plan(bars * bar, bar, conditions=told)


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


def draw_tokens(
    chances: npt.NDArray[np.float64],
    rng: np.random.Generator,
    temperature: float = 1.0,
    nucleus: float = 1.0,
) -> npt.NDArray[np.int64]:
    """Draw a token of each row of log-probabilities (n, TOKENS); see `MelodyModel.sample`."""
    scaled = chances / temperature
    shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    if nucleus < 1.0:
        order = np.argsort(-shares, axis=1, kind="stable")
        ranked = np.take_along_axis(shares, order, axis=1)
        ranked[ranked.cumsum(axis=1) - ranked >= nucleus] = 0.0
        np.put_along_axis(shares, order, ranked, axis=1)
    cumulative = shares.cumsum(axis=1)
    threshold = rng.random((len(shares), 1)) * cumulative[:, -1:]
    drawn: npt.NDArray[np.int64] = np.minimum((cumulative <= threshold).sum(axis=1), TOKENS - 1)
    return drawn
