"""A plain n-gram over tokens: what a sequence model of melodies is measured against."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segue.envs.melody.prior import TOKENS, Floats, Tokens
from segue.envs.melody.types import FIRST_ONSET, NO_TOKEN

Context = tuple[int, ...]


@dataclass(frozen=True)
class TokenNGram:
    """Tokens by the few before them, interpolated by Witten & Bell's weights (1991).

    Attributes
    ----------
    order : int
        Tokens that count together.
    counts : mapping of tuple of int to Counter
        How often each token followed a context of up to ``order - 1`` tokens, newest last.
    """

    order: int
    counts: Mapping[Context, Counter[int]]

    @classmethod
    def fit(cls, tunes: Sequence[Tokens], order: int = 4) -> TokenNGram:
        """Count tunes, each an int array (t,)."""
        counts: dict[Context, Counter[int]] = defaultdict(Counter)
        for tune in tunes:
            line = [NO_TOKEN] * (order - 1) + tune.tolist()
            for place in range(order - 1, len(line)):
                for length in range(order):
                    counts[tuple(line[place - length : place])][line[place]] += 1
        return cls(order, dict(counts))

    def probabilities(self, before: Context) -> Floats:
        """Probability of each token, (TOKENS,), after the newest ``order - 1`` of `before`."""
        found = np.full(TOKENS, 1.0 / TOKENS)
        for length in range(self.order):
            seen = self.counts.get(before[len(before) - length :])
            if seen is None:
                break
            total, kinds = sum(seen.values()), len(seen)
            found *= kinds / (total + kinds)
            for token, count in seen.items():
                found[token] += count / (total + kinds)
        return found

    def measure(self, tunes: Sequence[Tokens]) -> tuple[float, float]:
        """Nats a token, and the share of the onsets whose token is the likeliest."""
        nats = hits = 0.0
        tokens = onsets = 0
        known: dict[Context, Floats] = {}
        for tune in tunes:
            line = [NO_TOKEN] * (self.order - 1) + tune.tolist()
            for place in range(self.order - 1, len(line)):
                before = tuple(line[place - self.order + 1 : place])
                if before not in known:
                    known[before] = self.probabilities(before)
                chances, token = known[before], line[place]
                nats -= float(np.log(chances[token]))
                tokens += 1
                if token >= FIRST_ONSET:
                    onsets += 1
                    hits += bool(chances.argmax() == token)
        return nats / tokens, hits / max(onsets, 1)
