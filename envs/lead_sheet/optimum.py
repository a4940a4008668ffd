"""The exact optimum of `segue/LeadSheet-v0`: dynamic programming over its Markov state.

The state within a slot is (last pitch, how it was reached, silent, sounding or unresolved): 976
contexts, so a piece of 128 slots has 124,928 states and 27 actions. Bellman's backward induction
over the slots gives V* exactly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.envs.base.reward_table import RewardTable
from segue.envs.base.transition_model import TransitionModel
from segue.envs.lead_sheet.stepping import enumerate_model
from segue.envs.lead_sheet.types import ACTIONS, CONTEXTS, MOVES, NO_PITCH, Bank

START_CONTEXT = NO_PITCH * MOVES * 3
"""Context before the first slot: no pitch, silence."""


def transition_model(bank: Bank, table: RewardTable, piece: int) -> TransitionModel:
    """Tabulate one piece of the bank: state ``slot * CONTEXTS + context``.

    Returns
    -------
    TransitionModel
        Of ``slots * CONTEXTS`` states and ACTIONS actions.
    """
    shape = (bank.slots * CONTEXTS, ACTIONS)
    next_state, reward = np.zeros(shape, dtype=np.int32), np.zeros(shape)
    legal, terminal = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    enumerate_model(
        piece,
        bank.slots,
        bank.slot_table,
        table.values,
        table.groups,
        len(table.names),
        next_state,
        reward,
        legal,
        terminal,
    )
    return TransitionModel(START_CONTEXT, next_state, reward, legal, terminal, bank.slots)


def best_line(model: TransitionModel) -> tuple[float, npt.NDArray[np.int64]]:
    """Optimal return and one optimal line of actions, by backward induction.

    Returns
    -------
    float
        V* of the start.
    ndarray (slots,) int64
        The actions; ties go to the lowest index.
    """
    slots = model.next_state.shape[0] // CONTEXTS
    value = np.zeros(slots * CONTEXTS)
    choice = np.zeros(slots * CONTEXTS, dtype=np.int64)
    for slot in reversed(range(slots)):
        rows = slice(slot * CONTEXTS, (slot + 1) * CONTEXTS)
        after = np.where(model.terminal[rows], 0.0, value[model.next_state[rows]])
        total = np.where(model.legal[rows], model.reward[rows] + after, -np.inf)
        choice[rows] = total.argmax(axis=1)
        value[rows] = total.max(axis=1)
    line, state = [], model.start
    for _ in range(slots):
        line.append(choice[state])
        state = int(model.next_state[state, choice[state]])
    return float(value[model.start]), np.array(line)
