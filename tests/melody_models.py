"""A small melody model and tunes to learn from, for tests of what builds on them."""

from __future__ import annotations

import numpy as np
import torch

from segue.agents.generators.attention import AttentionConfig, MelodyAttention
from segue.agents.generators.melody_model import MelodyModel
from segue.envs.melody.sequences import ROOT_SHIFT, Sequence16

SMALL = AttentionConfig(width=16, layers=2, heads=2, context=128)

TRIADS = {0: (0, 4, 7), 5: (5, 9, 0), 7: (7, 11, 2)}


def small_model(seed: int = 0) -> MelodyModel:
    """A model that has learnt nothing."""
    torch.manual_seed(seed)
    return MelodyModel(MelodyAttention(SMALL).eval(), {"collections": ["bach"]})


def chord_bits(root: int) -> int:
    """Chord bits of a triad of C major."""
    return sum(1 << pc for pc in TRIADS[root]) | root << ROOT_SHIFT


def tunes(count: int, seed: int = 0, bars: int = 4) -> list[Sequence16]:
    """Tunes of quarter notes out of chords that change with the bar."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        roots = rng.choice(list(TRIADS), bars)
        tokens = np.ones((bars, 4, 4), dtype=np.int8)
        for bar, root in enumerate(roots):
            tokens[bar, :, 0] = 2 + 12 + rng.choice(TRIADS[int(root)], 4)
        found.append(
            Sequence16(
                tokens=tokens.reshape(-1),
                bar=16,
                start=0,
                mode="major",
                metre=(4, 4),
                tempo=100.0,
                source=f"bach/{seed}-{number}",
                chords=np.repeat([chord_bits(int(root)) for root in roots], 16).astype(np.int32),
            )
        )
    return found
