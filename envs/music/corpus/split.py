"""Training, validation and test tunes, the same in every run and on every machine."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Literal

from segue.envs.music.corpus.types import CorpusTune

Split = Literal["train", "validation", "test"]
"""What tunes are used for."""

SPLITS: tuple[Split, ...] = ("train", "validation", "test")

_VALIDATION, _TEST = 0.8, 0.9  # Where these shares begin: 80, 10 and 10 %.


def melody_digest(tune: CorpusTune) -> str:
    """SHA-256 of a melody's intervals and rhythm, the same in every key and at every tempo."""
    steps = [
        (after.pitch - before.pitch, round((after.onset - before.onset) * 960))
        for before, after in pairwise(tune.notes)
    ]
    return hashlib.sha256(repr(steps).encode()).hexdigest()


def split_of(tune: CorpusTune) -> Split:
    """Say where a tune belongs, and with it the whole group of which it is the first.

    It depends on that melody alone, so a group stays where it is when corpora are added behind
    its own.
    """
    share = int(melody_digest(tune)[:15], 16) / 16**15
    return "train" if share < _VALIDATION else "validation" if share < _TEST else "test"
