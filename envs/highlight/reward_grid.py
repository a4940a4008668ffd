"""What the reward of `segue/Highlight-v0` may see of a step, as the axes of one open grid."""

from __future__ import annotations

import numpy as np

from segue.envs.base.reward_table import along
from segue.envs.highlight.types import KEEP, Bank
from segue.rewards.highlight_view import HighlightView

AXES = 4
"""Row of the bank, shots since the last one kept, action, illegal."""


def open_grid(bank: Bank) -> HighlightView:
    """Build the view of every combination at once, each field on its own axes."""
    rows, sinces = bank.novelty.shape
    return HighlightView(
        value=along(bank.value, 0, AXES),
        room=along(bank.room, 0, AXES),
        typicality=along(bank.typicality, 0, AXES),
        novelty=bank.novelty.reshape(rows, sinces, 1, 1),
        keeps=along(np.arange(2), 2, AXES) == KEEP,
        illegal=along(np.arange(2), 3, AXES) == 1,
    )
