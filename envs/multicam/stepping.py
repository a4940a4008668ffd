"""One compiled pass over a batch: rules, reward and observation of every row.

This file only joins what `dynamics`, `reward_grid` and `observation` define. Few arrays are
passed, since handing one over costs more than stepping an environment.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.base.kernel import EXPANDED
from segue.envs.base.reward_table import look_up
from segue.envs.multicam import dynamics
from segue.envs.multicam.observation import encode
from segue.envs.multicam.reward_grid import AXES
from segue.envs.multicam.types import (
    AGE,
    CAMERA,
    COUNT,
    HISTORY,
    LEFT,
    MOST_SHOTS,
    PREVIOUS,
    ROW,
    SCENE,
    STEP,
)

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]
Words = npt.NDArray[np.uint64]
Seen = npt.NDArray[np.int16]


@nb.njit(inline="always")
def show(
    state: Ints,
    i: int,
    row: int,
    seen: Seen,
    likeness: Seen,
    hold: int,
    mask: Words,
    observation: Seen,
) -> None:
    """Write observation and mask of row i, which is to meet row `row` of the bank."""
    encode(state, seen, likeness, row, observation, i)
    locked = dynamics.is_locked(state[i, AGE], state[i, LEFT], hold)
    bits = dynamics.legal(state[i, CAMERA], locked, state[i, COUNT])
    for word in range(np.uint64(mask.shape[1])):
        mask[i, word] = EXPANDED[(np.uint64(bits) >> (np.uint64(8) * word)) & np.uint64(255)]


@nb.njit(inline="always")
def play(
    camera: int,
    previous: int,
    age: int,
    left: int,
    count: int,
    action: int,
    hold: int,
    longest: int,
    where: Ints,
    i: int,
) -> tuple[int, int, int]:
    """Play `action`, or the lowest legal one if it is illegal.

    Writes the reward's coordinates but row and scene into column i; returns the state after it:
    camera, previous, age.
    """
    locked = dynamics.is_locked(age, left, hold)
    kept = dynamics.is_legal(camera, locked, count, action)
    least = dynamics.lowest(camera, locked)
    played = least + int(kept) * (action - least)
    where[2, i], where[3, i], where[4, i] = played, camera, previous
    where[5, i], where[6, i] = age, not kept
    after: tuple[int, int, int] = dynamics.transition(camera, previous, age, played, longest)
    return after


@nb.njit(inline="always")
def advance(
    state: Ints,
    i: int,
    action: int,
    hold: int,
    longest: int,
    where: Ints,
    history: Codes,
    cameras: int,
) -> None:
    """Play `action` in row i and remember the camera shown and when; its bank row stays."""
    now, left = state[i, STEP], state[i, LEFT]
    camera, previous, age = play(
        state[i, CAMERA],
        state[i, PREVIOUS],
        state[i, AGE],
        left,
        state[i, COUNT],
        action,
        hold,
        longest,
        where,
        i,
    )
    fresh = int(camera != state[i, CAMERA])
    state[i, CAMERA], state[i, PREVIOUS], state[i, AGE] = camera, previous, age
    last_shown = np.uint64(HISTORY) + np.uint64(camera)
    shots = last_shown + np.uint64(cameras)
    state[i, last_shown] = now + 1
    state[i, shots] = min(state[i, shots] + fresh, MOST_SHOTS)
    history[np.uint64(now), i] = camera
    state[i, STEP], state[i, LEFT] = now + 1, left - 1


@nb.njit(nogil=True, cache=True)
def step_batch(
    state: Ints,
    seen: Seen,
    likeness: Seen,
    hold: int,
    longest: int,
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

    `history` (steps, n) keeps the cameras shown. `outcome` is (1 + terms, n): the reward, then the
    weighted terms that add up to it. A row whose episode is over stays where it is and earns
    nothing.
    """
    # Coordinates of the reward, a scratch line, and whether the episode was over before.
    where = np.empty((AXES + 2, len(state)), dtype=np.int32)
    for i in range(np.uint64(len(state))):
        left = state[i, LEFT]
        if left <= 0:
            where[:, i] = 0
            where[AXES + 1, i] = 1
            continue
        where[AXES + 1, i] = 0
        row = np.uint64(state[i, ROW])
        where[0, i], where[1, i] = row, state[i, SCENE]
        advance(state, i, actions[i], hold, longest, where, history, likeness.shape[1])
        over = left == 1
        terminated[i] = over
        # After the last step its columns stay in view.
        row += np.uint64(not over)
        state[i, ROW] = row
        show(state, i, row, seen, likeness, hold, mask, observation)
    look_up(values, groups, where, outcome)
    for i in range(np.uint64(len(state))):
        if where[AXES + 1, i] == 1:
            outcome[:, i] = 0.0


@nb.njit(nogil=True, cache=True)
def begin_batch(
    state: Ints,
    rows: Longs,
    scenes: Longs,
    starts: Longs,
    steps: Longs,
    counts: Longs,
    seen: Seen,
    likeness: Seen,
    hold: int,
    terminated: npt.NDArray[np.bool_],
    mask: Words,
    observation: Seen,
) -> None:
    """Begin an episode on scene ``scenes[k]`` in each row ``rows[k]``.

    The history of the last one stays, since it is read only as far as the steps played.
    """
    none = likeness.shape[1]
    for k in range(len(rows)):
        i, scene = rows[k], scenes[k]
        state[i, SCENE], state[i, ROW] = scene, starts[scene]
        state[i, STEP], state[i, LEFT], state[i, COUNT] = 0, steps[scene], counts[scene]
        state[i, CAMERA], state[i, PREVIOUS], state[i, AGE] = none, none, 0
        state[i, HISTORY:] = 0
        terminated[i] = False
        show(state, i, starts[scene], seen, likeness, hold, mask, observation)


@nb.njit(nogil=True, cache=True)
def enumerate_model(
    scene: int,
    start: int,
    steps: int,
    count: int,
    cameras: int,
    hold: int,
    longest: int,
    values: Floats,
    groups: Ints,
    terms: int,
    next_state: Ints,
    reward: Floats,
    legal: npt.NDArray[np.bool_],
    terminal: npt.NDArray[np.bool_],
) -> None:
    """Fill the tables of one scene's transition model: state ``step * contexts + context``."""
    contexts = cameras * (cameras + 1) * longest + 1
    where = np.zeros((AXES + 1, cameras), dtype=np.int32)
    outcome = np.zeros((1 + terms, cameras))
    for state in range(steps * contexts):
        step = state // contexts
        camera, previous, age = dynamics.state_of(state % contexts, cameras, longest)
        last = step == steps - 1
        where[0], where[1] = start + step, scene
        for action in range(cameras):
            after = play(
                camera, previous, age, steps - step, count, action, hold, longest, where, action
            )
            legal[state, action] = where[6, action] == 0
            terminal[state, action] = last
            if not last:
                following = dynamics.context_of(after[0], after[1], after[2], cameras, longest)
                next_state[state, action] = (step + 1) * contexts + following
        look_up(values, groups, where, outcome)
        reward[state] = outcome[0]
