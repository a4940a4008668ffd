"""One compiled pass over a batch: rules, reward and observation of every row.

This file only joins what `dynamics`, `reward_grid` and `observation` define. Few arrays are
passed, since handing one over costs more than stepping an environment.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.base.reward_table import look_up
from segue.envs.highlight import dynamics
from segue.envs.highlight.observation import encode
from segue.envs.highlight.reward_grid import AXES
from segue.envs.highlight.types import (
    ACTIONS,
    BUDGET,
    COST,
    POSITION,
    REPLACED,
    ROW,
    SHOTS,
    SINCE,
    SINCES,
    VIDEO,
)

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]
Words = npt.NDArray[np.uint64]
Seen = npt.NDArray[np.int16]


@nb.njit(inline="always")
def show(state: Ints, i: int, row: int, shot_table: Ints, mask: Words, observation: Seen) -> None:
    """Write observation and mask of row i, which stands before row `row` of the bank."""
    encode(state, shot_table, row, observation, i)
    # Two bytes of a word: skip, keep.
    keep = int(dynamics.fits(shot_table[row, COST], state[i, BUDGET]))
    mask[i, 0] = np.uint64(1) | (np.uint64(keep) << np.uint64(8))


@nb.njit(inline="always")
def play(
    row: int, budget: int, since: int, action: int, shot_table: Ints, where: Ints, i: int
) -> tuple[int, int, int]:
    """Keep or skip, or skip if `action` is illegal; write the reward's coordinates into column i.

    Returns budget and since after it, and the action really played.
    """
    cost = shot_table[row, COST]
    kept = dynamics.is_legal(action, cost, budget)
    played = action * int(kept)
    where[0, i], where[1, i], where[2, i], where[3, i] = row, since, played, not kept
    left, later = dynamics.transition(budget, since, cost, played)
    return left, later, played


@nb.njit(nogil=True, cache=True)
def step_batch(
    state: Ints,
    shot_table: Ints,
    values: Floats,
    groups: Ints,
    history: Codes,
    outcome: Floats,
    terminated: npt.NDArray[np.bool_],
    mask: Words,
    observation: Seen,
    actions: Longs,
) -> None:
    """Step every row by ``actions[i]``, writing all results in place.

    `history` (shots, n) keeps the actions played, REPLACED where an illegal one was skipped.
    `outcome` is (1 + terms, n): the reward, then the weighted terms that add up to it. A row whose
    episode is over stays where it is and earns nothing.
    """
    # Coordinates of the reward, a scratch line, and whether the episode was over before.
    where = np.empty((AXES + 2, len(state)), dtype=np.int32)
    for i in range(np.uint64(len(state))):
        row, position = np.uint64(state[i, ROW]), state[i, POSITION]
        shots = shot_table[row, SHOTS]
        if position >= shots:
            where[:, i] = 0
            where[AXES + 1, i] = 1
            continue
        where[AXES + 1, i] = 0
        left, later, played = play(
            row, state[i, BUDGET], state[i, SINCE], actions[i], shot_table, where, i
        )
        state[i, BUDGET], state[i, SINCE] = left, later
        history[np.uint64(position), i] = played + REPLACED * where[3, i]
        state[i, POSITION] = position + 1
        over = position + 1 >= shots
        terminated[i] = over
        # After the last shot its columns stay in view.
        row += np.uint64(not over)
        state[i, ROW] = row
        show(state, i, row, shot_table, mask, observation)
    look_up(values, groups, where, outcome)
    for i in range(np.uint64(len(state))):
        if where[AXES + 1, i] == 1:
            outcome[:, i] = 0.0


@nb.njit(nogil=True, cache=True)
def begin_batch(
    state: Ints,
    rows: Longs,
    videos: Longs,
    starts: Longs,
    budgets: Longs,
    shot_table: Ints,
    history: Codes,
    terminated: npt.NDArray[np.bool_],
    mask: Words,
    observation: Seen,
) -> None:
    """Begin an episode on video ``videos[k]`` in each row ``rows[k]``."""
    for k in range(len(rows)):
        i, video = rows[k], videos[k]
        state[i, VIDEO], state[i, ROW], state[i, POSITION] = video, starts[video], 0
        state[i, BUDGET], state[i, SINCE] = budgets[video], dynamics.initial()
        history[:, i] = 0
        terminated[i] = False
        show(state, i, starts[video], shot_table, mask, observation)


@nb.njit(nogil=True, cache=True)
def enumerate_model(
    first: int,
    shots: int,
    most_budget: int,
    shot_table: Ints,
    values: Floats,
    groups: Ints,
    terms: int,
    next_state: Ints,
    reward: Floats,
    legal: npt.NDArray[np.bool_],
    terminal: npt.NDArray[np.bool_],
) -> None:
    """Fill the tables of one video's transition model, states numbered by `dynamics.state_of`.

    `first` is the row of its first shot.
    """
    where = np.zeros((AXES + 1, ACTIONS), dtype=np.int32)
    outcome = np.zeros((1 + terms, ACTIONS))
    for position in range(shots):
        last = position == shots - 1
        for budget in range(most_budget + 1):
            for since in range(SINCES):
                state = dynamics.state_of(position, budget, since, most_budget)
                for action in range(ACTIONS):
                    row, column = np.uint64(first + position), np.uint64(action)
                    left, later, _ = play(row, budget, since, action, shot_table, where, column)
                    legal[state, action] = where[3, action] == 0
                    terminal[state, action] = last
                    if not last:
                        next_state[state, action] = dynamics.state_of(
                            position + 1, left, later, most_budget
                        )
                look_up(values, groups, where, outcome)
                reward[state] = outcome[0]
