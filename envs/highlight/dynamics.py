"""The rules of `segue/Highlight-v0`: pure, compiled, and the only copy of them.

They take and give plain numbers, so that the same functions serve one row, a batch and the
enumeration of every state; none knows of rewards, Gymnasium or files.
"""

from __future__ import annotations

import numba as nb

from segue.envs.highlight.types import FAR, KEEP, NONE_KEPT, SINCES


@nb.njit(inline="always")
def initial() -> int:
    """SINCE before the first shot."""
    return NONE_KEPT


@nb.njit(inline="always")
def fits(cost: int, budget: int) -> bool:
    """Tell whether a shot of `cost` units may still be kept. A skip is always legal."""
    return cost <= budget


@nb.njit(inline="always")
def is_legal(action: int, cost: int, budget: int) -> bool:
    """Tell whether `action` keeps the rules; one outside the space does not."""
    legal: bool = (action == 0) | ((action == KEEP) & fits(cost, budget))
    return legal


@nb.njit(inline="always")
def transition(budget: int, since: int, cost: int, action: int) -> tuple[int, int]:
    """BUDGET and SINCE after a legal `action` on a shot of `cost` units."""
    # Arithmetic instead of branches: one mispredicted costs as much as all the rest.
    later = since + int((since != NONE_KEPT) & (since != FAR))
    return budget - action * cost, later + action * (1 - later)


@nb.njit(inline="always")
def state_of(position: int, budget: int, since: int, most_budget: int) -> int:
    """Number of a state of a video whose budget is `most_budget` units."""
    return (position * (most_budget + 1) + budget) * SINCES + since
