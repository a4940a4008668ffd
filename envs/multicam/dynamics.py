"""The rules of `segue/Multicam-v0`: pure, compiled, and the only copy of them.

They take and give plain numbers, so that the same functions serve one row, a batch and the
enumeration of every state; none knows of rewards, Gymnasium or files. Before the first step the
camera on the air is `none`, the number of cameras in the bank, and the age of its shot is 0.
"""

from __future__ import annotations

import numba as nb


@nb.njit(inline="always")
def is_locked(age: int, left: int, hold: int) -> int:
    """Tell (1 or 0) whether the shot must go on.

    It must until it has lasted `hold` steps, and also where fewer are left for another.
    """
    return int(age > 0) & (int(age < hold) | int(left < hold))


@nb.njit(inline="always")
def legal(camera: int, locked: int, count: int) -> int:
    """Legal actions as bits: the camera on the air, or all of the scene's `count`."""
    everything = (1 << count) - 1
    return everything + locked * ((1 << camera) - everything)


@nb.njit(inline="always")
def is_legal(camera: int, locked: int, count: int, action: int) -> bool:
    """Tell whether `action` is set in `legal`; an action outside the space is not."""
    return (action >= 0) & (action < count) & ((locked == 0) | (action == camera))


@nb.njit(inline="always")
def lowest(camera: int, locked: int) -> int:
    """Lowest legal action, which an illegal one stands for."""
    return locked * camera


@nb.njit(inline="always")
def transition(
    camera: int, previous: int, age: int, action: int, longest: int
) -> tuple[int, int, int]:
    """State after a legal `action`: camera, previous, age."""
    # Arithmetic instead of branches: one mispredicted costs as much as all the rest.
    cut = int(action != camera)
    lasted = min(age + 1, longest)
    return action, previous + cut * (camera - previous), lasted + cut * (1 - lasted)


@nb.njit(inline="always")
def context_of(camera: int, previous: int, age: int, cameras: int, longest: int) -> int:
    """Index of the Markov state within the step; the last one is that before the first step."""
    last = cameras * (cameras + 1) * longest
    index = (camera * (cameras + 1) + previous) * longest + age - 1
    return index if age > 0 else last


@nb.njit(inline="always")
def state_of(context: int, cameras: int, longest: int) -> tuple[int, int, int]:
    """Camera, previous and age of `context`: the inverse of `context_of`."""
    pair = context // longest
    if pair == cameras * (cameras + 1):
        return cameras, cameras, 0
    return pair // (cameras + 1), pair % (cameras + 1), context % longest + 1
