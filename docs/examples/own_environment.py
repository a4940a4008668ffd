"""An environment of one's own: spread a number of hits over a bar of sixteen sixteenths.

One `Task` gives the single and the vector environment, the masks, the reward terms, the greedy
baseline and the exact optimum. Train an agent on it from the root of the checkout:

    PYTHONPATH=docs/examples segue train own_environment:Rhythm-v0 --agent ppo --steps 50000
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.base.single import SegueEnv
from segue.envs.base.task import Batch, Bound, Task
from segue.envs.base.vector import SegueVectorEnv
from segue.experiments.evaluation import baselines, episode_bounds
from segue.rewards import bell

Ints = npt.NDArray[np.int64]

SLOTS, FEWEST, MOST = 16, 3, 8
STRENGTH = np.array([1, 0.1, 0.25, 0.1, 0.5, 0.1, 0.25, 0.1] * 2) * np.repeat([1, 0.8], 8)
"""Metrical strength of each slot."""


@dataclass(frozen=True)
class RhythmBatch(Batch):
    """State rows (n, 4): slot, hits left, slots since the last hit (0 = none yet), hits in all."""

    state: Ints
    played: npt.NDArray[np.bool_]


def legal(state: Ints) -> npt.NDArray[np.bool_]:
    """Columns rest and hit: every hit must find a place, and no more than were asked for."""
    slot, left, _, _ = state.T
    return np.stack([(left < SLOTS - slot) | (left == 0), left > 0], axis=1)


def after(state: Ints, hit: npt.NDArray[np.bool_]) -> Ints:
    """State after one slot."""
    slot, left, gap, hits = state.T
    since = np.where(hit, 1, np.where(gap > 0, gap + 1, 0))
    return np.stack([slot + 1, left - hit, since, hits], axis=1)


def terms(state: Ints, hit: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Reward terms (2, n): hits on strong slots, and as far apart as an even spread has them."""
    slot, _, gap, hits = state.T
    metre = np.where(hit, STRENGTH[np.minimum(slot, SLOTS - 1)], 0.0)
    spacing = np.where(hit & (gap > 0), bell(gap - SLOTS / hits, 1.0), 0.0)
    return np.stack([metre, spacing])


@cache
def optimum(*row: int) -> float:
    """Greatest sum of rewards from a state on, by dynamic programming with the rules above."""
    state = np.array([row])
    if row[0] == SLOTS:
        return 0.0
    hits = [np.array([choice == 1]) for choice in np.flatnonzero(legal(state)[0])]
    return max(float(terms(state, h).sum()) + optimum(*after(state, h)[0].tolist()) for h in hits)


class Rhythm(Task[RhythmBatch]):
    """Action 0 rests, 1 hits; an illegal action is taken for the other one."""

    term_names = ("metre", "spacing")

    def __init__(self) -> None:
        self.action_space = spaces.Discrete(2)
        sizes = [SLOTS + 1, MOST + 1, SLOTS + 1, MOST + 1]
        self.observation_space = spaces.MultiDiscrete(sizes)

    def allocate(self, count: int) -> RhythmBatch:
        """Make the buffers of `count` environments."""
        state = np.zeros((count, 4), dtype=np.int64)
        return RhythmBatch(
            reward=np.zeros(count),
            terms=np.zeros((2, count)),
            terminated=np.zeros(count, dtype=np.bool_),
            mask=np.zeros((count, 2), dtype=np.int8),
            observation=state,  # the agent sees the whole state
            state=state,
            played=np.zeros((count, SLOTS), dtype=np.bool_),
        )

    def begin(self, batch: RhythmBatch, rows: Ints, draws: npt.NDArray[np.uint64]) -> None:
        """Ask for FEWEST to MOST hits, as the random word says."""
        hits = FEWEST + (draws % np.uint64(MOST - FEWEST + 1)).astype(np.int64)
        batch.state[rows] = 0
        batch.state[rows, 1] = batch.state[rows, 3] = hits
        batch.played[rows] = False
        batch.terminated[rows] = False
        batch.mask[rows] = legal(batch.state[rows])

    def step(self, batch: RhythmBatch, actions: Ints) -> None:
        """Play one slot in every row whose bar is not over."""
        live = ~batch.terminated
        allowed = legal(batch.state)
        hit = np.where(actions == 1, allowed[:, 1], ~allowed[:, 0]) & live
        batch.terms[:] = terms(batch.state, hit) * live
        batch.reward[:] = batch.terms.sum(axis=0)
        rows = np.flatnonzero(live)
        batch.played[rows, batch.state[rows, 0]] = hit[rows]
        batch.state[rows] = after(batch.state, hit)[rows]
        batch.terminated[:] = batch.state[:, 0] == SLOTS
        batch.mask[:] = legal(batch.state)

    def bound(self, batch: RhythmBatch, row: int) -> Bound:
        """Exact optimum of the number of hits asked for."""
        hits = int(batch.state[row, 3])
        return Bound(optimum(0, hits, 0, hits), exact=True)

    def greedy(self, batch: RhythmBatch, row: int) -> Ints:
        """Legal action of the greatest immediate reward."""
        state = batch.state[[row, row]]
        gain = terms(state, np.array([False, True])).sum(axis=0)
        return np.asarray(np.where(legal(state)[0], gain, -np.inf).argmax())

    def render(self, batch: RhythmBatch, row: int) -> npt.NDArray[np.uint8]:
        """One square a slot, dark where it is hit."""
        grey = np.where(batch.played[row], 40, 220).astype(np.uint8)
        return np.tile(np.repeat(grey, 16)[None, :, None], (16, 1, 3))


class RhythmEnv(SegueEnv[RhythmBatch]):
    """One bar at a time."""

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(Rhythm(), render_mode)


class RhythmVectorEnv(SegueVectorEnv[RhythmBatch]):
    """Many bars at once."""

    def __init__(self, num_envs: int = 1, **options: Any) -> None:
        super().__init__(Rhythm(), num_envs, **options)


gym.register(
    "Rhythm-v0",
    entry_point=f"{__name__}:RhythmEnv",
    vector_entry_point=f"{__name__}:RhythmVectorEnv",
)


def main() -> None:
    """Print what random and greedy play reach of the optimum."""
    env, seeds = gym.make("Rhythm-v0"), range(50)
    best = episode_bounds(env, seeds)
    assert best is not None
    for policy in baselines(env, seeds):
        print(f"{policy.name}: {policy.mean:.2f} = {policy.mean / best.mean:.2f} of the optimum")


if __name__ == "__main__":
    main()
