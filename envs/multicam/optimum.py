"""The exact optimum of `segue/Multicam-v0`: semi-Markov Viterbi.

A programme is a semi-Markov chain: shots of any length, each on a camera. How long the shot on the
air has lasted, up to the cap beyond which nothing depends on it, makes it a Markov chain; Bellman's
backward induction over (step, camera, previous camera, age) gives V* exactly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.envs.base.reward_table import RewardTable
from segue.envs.base.transition_model import TransitionModel
from segue.envs.multicam.stepping import enumerate_model
from segue.envs.multicam.types import Bank


def transition_model(bank: Bank, table: RewardTable, scene: int) -> TransitionModel:
    """Tabulate one scene of the bank: state ``step * contexts + context``.

    Returns
    -------
    TransitionModel
        Of ``steps * bank.contexts`` states and ``bank.cameras`` actions.
    """
    steps, cameras = bank.scenes[scene].steps, bank.cameras
    shape = (steps * bank.contexts, cameras)
    next_state, reward = np.zeros(shape, dtype=np.int32), np.zeros(shape)
    legal, terminal = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    enumerate_model(
        scene,
        int(bank.starts[scene]),
        steps,
        len(bank.scenes[scene].cameras),
        cameras,
        bank.rules.hold,
        bank.rules.longest,
        table.values,
        table.groups,
        len(table.names),
        next_state,
        reward,
        legal,
        terminal,
    )
    return TransitionModel(bank.contexts - 1, next_state, reward, legal, terminal, steps)


def action_values(model: TransitionModel) -> npt.NDArray[np.float64]:
    """Q* of every state and action, (S, A), -inf where illegal."""
    contexts = model.n_states // model.horizon
    value, found = np.zeros(model.n_states), np.zeros(model.next_state.shape)
    for step in reversed(range(model.horizon)):
        rows = slice(step * contexts, (step + 1) * contexts)
        after = np.where(model.terminal[rows], 0.0, value[model.next_state[rows]])
        found[rows] = np.where(model.legal[rows], model.reward[rows] + after, -np.inf)
        value[rows] = found[rows].max(axis=1)
    return found


def best_programme(model: TransitionModel) -> tuple[float, npt.NDArray[np.int64]]:
    """Optimal return and one optimal sequence of cameras.

    Returns
    -------
    float
        V* of the start.
    ndarray (steps,) int64
        The cameras; ties go to the lowest index.
    """
    values = action_values(model)
    programme, state = [], model.start
    for _ in range(model.horizon):
        programme.append(int(values[state].argmax()))
        state = int(model.next_state[state, programme[-1]])
    return float(values[model.start].max()), np.array(programme)
