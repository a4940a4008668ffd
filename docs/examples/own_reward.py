"""A reward term of one's own: the melody stays where a given voice can sing it.

A term sees a `NoteView`, whose fields are arrays that broadcast, and works elementwise on them.
So the environment can tabulate it with the others, and the exact optimum stays computable. The
reward with the new term is registered under an id of its own; to train on it:

    PYTHONPATH=docs/examples segue train own_reward:Singable-v0 --agent ppo --steps 50000
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from segue.agents.tabular import value_iteration
from segue.envs.lead_sheet.env import LeadSheetEnv
from segue.envs.lead_sheet.types import LOW
from segue.rewards import WeightedSum
from segue.rewards.base import FloatArray
from segue.rewards.melody import LEAD_SHEET, ONSET, NoteView

FIRST_PITCH = 2
"""Action that begins the lowest pitch; 0 and 1 are rest and hold."""


@dataclass(frozen=True)
class Singable:
    """-1 for an onset outside the range of a voice, else 0.

    The default range is that of an alto, up to D5 (MIDI 74); the environment itself offers C4 to
    C6 (60 to 84).
    """

    lowest: int = 53
    highest: int = 74
    name: ClassVar[str] = "singable"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: NoteView) -> FloatArray:
        """Value per element."""
        outside = (view.pitch < self.lowest) | (view.pitch > self.highest)
        return np.where((view.kind == ONSET) & outside, -1.0, 0.0)


SINGABLE: WeightedSum[NoteView] = WeightedSum((*LEAD_SHEET.terms, (Singable(), 2.0)))

gym.register(
    "Singable-v0",
    entry_point="segue.envs.lead_sheet.env:LeadSheetEnv",
    vector_entry_point="segue.envs.lead_sheet.env:LeadSheetVectorEnv",
    kwargs={"reward": SINGABLE},
)


def best_pitches(env: LeadSheetEnv) -> npt.NDArray[np.int64]:
    """MIDI pitches of the onsets of an optimal melody over the piece of seed 0."""
    observation, _ = env.reset(seed=0)
    policy = value_iteration(env.transition_model()).policy
    pitches, over = [], False
    while not over:
        action = int(policy[env.state_index(observation)])
        observation, _, over, _, _ = env.step(action)
        if action >= FIRST_PITCH:
            pitches.append(LOW + action - FIRST_PITCH)
    return np.array(pitches)


def main() -> None:
    """Print the range of the optimal melody without and with the term."""
    for name, reward in (("preset", LEAD_SHEET), ("singable", SINGABLE)):
        pitches = best_pitches(LeadSheetEnv(reward=reward))
        print(f"{name}: MIDI pitches {pitches.min()} to {pitches.max()}")


if __name__ == "__main__":
    main()
