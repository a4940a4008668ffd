"""The exact optimum of `segue/Multicam-v0`: semi-Markov Viterbi.

A programme is a semi-Markov chain: shots of any length, each on a camera. How long the shot on the
air has lasted, up to the cap beyond which nothing depends on it, makes it a Markov chain; Bellman's
backward induction over (step, camera, previous camera, age) gives V* exactly.
"""

from __future__ import annotations

import numpy as np

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
