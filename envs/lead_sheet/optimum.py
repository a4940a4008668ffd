"""The exact optimum of `segue/LeadSheet-v0`: dynamic programming over its Markov state.

The state within a slot is (last pitch, how it was reached, silent, sounding or unresolved): 976
contexts, so a piece of 128 slots has 124,928 states and 27 actions. Bellman's backward induction
over the slots gives V* exactly.
"""

from __future__ import annotations

import numpy as np

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
