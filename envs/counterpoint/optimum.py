"""The exact optimum of `segue/Counterpoint-v0`: dynamic programming over its Markov state.

The state within a bar is (last pitch, the one before, climax, climax returned). Only the states
that legal play reaches are numbered, bar by bar: some thousands for a cantus firmus. One backward
sweep gives V*, the number of lines that earn it, the number of legal lines, and the expected return
of random legal play.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.base.reward_table import RewardTable
from segue.envs.base.transition_model import TransitionModel
from segue.envs.counterpoint import dynamics
from segue.envs.counterpoint.stepping import expand
from segue.envs.counterpoint.types import ACTIONS, CONTEXTS, Bank

TIE = 1e-9
"""Returns that differ by less are equal. With whole or dyadic weights, such as the preset's, sums
are exact, and equal ones do not differ at all."""


@dataclass(frozen=True, eq=False)
class Numbered:
    """A cantus firmus as tables, and what its states stand for.

    Attributes
    ----------
    model : TransitionModel
        The tables.
    codes : ndarray (states,) int64
        ``bar * CONTEXTS + context`` of each state, ascending.
    """

    model: TransitionModel
    codes: npt.NDArray[np.int64]

    def index(self, bar: int, context: int) -> int:
        """Number of a state that legal play reaches, before the end."""
        return int(np.searchsorted(self.codes, bar * CONTEXTS + context))


@dataclass(frozen=True, eq=False)
class Solution:
    """What there is to know of a cantus firmus.

    Attributes
    ----------
    optimum : float
        V*, the return of the best lines.
    optimal_lines : int
        How many lines earn it.
    legal_lines : int
        How many lines keep the absolute rules.
    random_return : float
        Expected return of a player that draws uniformly among the legal actions.
    best : ndarray (states, ACTIONS) bool
        The actions that an optimal line takes, state by state.
    """

    optimum: float
    optimal_lines: int
    legal_lines: int
    random_return: float
    best: npt.NDArray[np.bool_]

    def gap(self, value: float) -> float:
        """``(V* - value) / (V* - V_random)``: 0 for the optimum, 1 for random play."""
        spread = self.optimum - self.random_return
        return (self.optimum - value) / spread if spread > 0.0 else 0.0


def transition_model(bank: Bank, table: RewardTable, cantus: int) -> Numbered:
    """Tabulate one cantus firmus of the bank, over the states that legal play reaches."""
    start, bars = int(bank.starts[cantus]), len(bank.cantus_firmi[cantus].pitches)
    layer = np.array([dynamics.context_of.py_func(*dynamics.initial.py_func())])
    codes, tables, first = [], [], 0
    for bar in range(bars):
        following, reward, legal = _played(bank, table, start + bar, layer)
        reached = np.unique(following[legal])
        last = bar == bars - 1
        first += len(layer)
        number = np.where(legal & ~np.bool_(last), first + np.searchsorted(reached, following), 0)
        tables.append((number.astype(np.int32), reward, legal, np.full_like(legal, last)))
        codes.append(bar * CONTEXTS + layer)
        layer = reached
    next_state, rewards, legals, terminal = (np.concatenate(part) for part in zip(*tables))  # noqa: B905
    return Numbered(
        TransitionModel(0, next_state, rewards, legals, terminal, bars), np.concatenate(codes)
    )


def _played(
    bank: Bank, table: RewardTable, row: int, contexts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Contexts that follow, rewards and legality of every action in each of `contexts`."""
    shape = (len(contexts), ACTIONS)
    following, reward = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    legal = np.zeros(shape, dtype=np.bool_)
    tables = (bank.bar_table, bank.allowed, table.values, table.groups, len(table.names))
    expand(row, contexts, *tables, following, reward, legal)
    return following, reward, legal


def solve(model: TransitionModel) -> Solution:
    """Solve a model whose states are numbered forward, as `transition_model` does."""
    values, counts = np.zeros((2, model.n_states)), np.zeros((2, model.n_states), dtype=np.int64)
    best = np.zeros(model.legal.shape, dtype=np.bool_)
    tables = (model.next_state, model.reward, model.legal, model.terminal)
    _sweep(*tables, values, counts, best)
    start = model.start
    return Solution(
        optimum=float(values[0, start]),
        optimal_lines=int(counts[0, start]),
        legal_lines=int(counts[1, start]),
        random_return=float(values[1, start]),
        best=best,
    )


@nb.njit(nogil=True, cache=True)
def _sweep(
    next_state: npt.NDArray[np.int32],
    reward: npt.NDArray[np.float64],
    legal: npt.NDArray[np.bool_],
    terminal: npt.NDArray[np.bool_],
    values: npt.NDArray[np.float64],
    counts: npt.NDArray[np.int64],
    best: npt.NDArray[np.bool_],
) -> None:
    """Fill values (optimal, random) and counts (optimal, legal) from the last state back.

    Counts fit: a mode has 12 notes in the ambitus, and ``12 ** MOST_BARS`` is less than 2^63.
    """
    states, actions = next_state.shape
    total = np.zeros((2, actions))
    for state in range(states - 1, -1, -1):
        choices, top = 0, -np.inf
        for action in range(actions):
            if legal[state, action]:
                total[:, action] = reward[state, action]
                if not terminal[state, action]:
                    total[:, action] += values[:, next_state[state, action]]
                top = max(top, total[0, action])
                choices += 1
        values[0, state] = top
        for action in range(actions):
            if not legal[state, action]:
                continue
            ends, after = terminal[state, action], next_state[state, action]
            values[1, state] += total[1, action] / choices
            counts[1, state] += 1 if ends else counts[1, after]
            if total[0, action] > top - TIE:
                best[state, action] = True
                counts[0, state] += 1 if ends else counts[0, after]


def optimal_lines(model: TransitionModel, solution: Solution) -> Iterator[tuple[int, ...]]:
    """Give every optimal line of actions, in ascending order."""
    pending: list[tuple[int, tuple[int, ...]]] = [(model.start, ())]
    while pending:
        state, line = pending.pop()
        if len(line) == model.horizon:
            yield line
            continue
        for action in np.flatnonzero(solution.best[state])[::-1].tolist():
            pending.append((int(model.next_state[state, action]), (*line, action)))
