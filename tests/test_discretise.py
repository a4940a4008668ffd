from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

from segue.agents.tabular import Discretise, QLearningConfig, train_plain
from segue.envs.base.errors import SegueError


class Shown(gym.Env[Any, Any]):
    """Shows what it is told to, with a mask; the episode ends when there is no more to show."""

    def __init__(self, space: gym.Space[Any], shown: list[Any], masks: Any = None) -> None:
        self.observation_space, self.action_space = space, Discrete(3)
        self.shown, self.masks, self.turn = shown, masks or [[1, 0, 1]] * len(shown), 0
        self.taken: list[int] = []

    def _now(self) -> tuple[Any, dict[str, Any]]:
        turn = min(self.turn, len(self.shown) - 1)
        return self.shown[turn], {"action_mask": np.array(self.masks[turn], np.int8)}

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.turn = 0
        return self._now()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.masks[self.turn][action], "a masked action was taken"
        self.taken.append(int(action))
        self.turn += 1
        observation, info = self._now()
        return observation, float(action), self.turn == len(self.shown), False, info


def numbers(space: gym.Space[Any], shown: list[Any], **settings: Any) -> list[int]:
    wrapped = Discretise(Shown(space, shown), **settings)
    assert isinstance(wrapped.observation_space, Discrete)
    found = [wrapped.observation(one) for one in shown]
    assert all(wrapped.observation_space.contains(number) for number in found)
    return found


def test_counts_over_the_range_of_the_space() -> None:
    space = Box(0.0, 1.0, (1,), np.float64)
    shown = [[0.0], [0.24], [0.25], [0.5], [0.99], [1.0]]
    assert numbers(space, shown, bins=4) == [0, 0, 1, 2, 3, 3]


def test_values_out_of_range_fall_into_the_outermost_bins() -> None:
    space = Box(-np.inf, np.inf, (2,), np.float64)
    shown = [[-99.0, 99.0], [99.0, -99.0], [-np.inf, np.inf], [0.1, 0.1]]
    settings: dict[str, Any] = {"bins": (4, 2), "ranges": ((-1.0, 1.0), (-1.0, 1.0))}
    assert numbers(space, shown, **settings) == [1, 6, 1, 5]


def test_edges_belong_to_the_bin_above() -> None:
    space = Box(-np.inf, np.inf, (1,), np.float64)
    shown = [[-1.5], [-1.0], [-0.5], [0.0], [2.0], [2.5]]
    assert numbers(space, shown, bins=([-1.0, 0.0, 2.0],)) == [0, 1, 1, 2, 3, 3]


@pytest.mark.parametrize("seed", range(5))
def test_the_middle_of_every_bin_comes_back(seed: int) -> None:
    generator = np.random.default_rng(seed)
    edges = [np.sort(generator.normal(size=size)) for size in (1, 4, 3)]
    space = Box(-np.inf, np.inf, (3,), np.float64)
    wrapped = Discretise(Shown(space, [np.zeros(3)]), bins=[list(part) for part in edges])
    assert wrapped.observation_space == Discrete(2 * 5 * 4)
    outer = [np.concatenate([[part[0] - 2.0], part, [part[-1] + 2.0]]) for part in edges]
    for state in range(40):
        bins = wrapped.parts(state)
        middle = [(part[at] + part[at + 1]) / 2 for part, at in zip(outer, bins, strict=True)]
        assert wrapped.observation(np.array(middle)) == state


def test_parts_of_discrete_spaces_are_numbered_one_to_one() -> None:
    spaces: list[gym.Space[Any]] = [
        Discrete(4, start=-2),
        MultiDiscrete([2, 3, 2], start=[0, 5, 0]),
        MultiBinary(3),
        Tuple((Discrete(3), Discrete(2, start=1))),
        Dict({"one": Discrete(3), "other": MultiDiscrete([2, 2])}),
    ]
    for space in spaces:
        space.seed(0)
        wrapped = Discretise(Shown(space, [space.sample()]))
        seen: dict[int, str] = {}
        for _ in range(300):
            observation = space.sample()
            number = wrapped.observation(observation)
            assert seen.setdefault(number, str(observation)) == str(observation)
        assert isinstance(wrapped.observation_space, Discrete)
        assert sorted(seen) == list(range(int(wrapped.observation_space.n)))


def test_the_mask_passes_through() -> None:
    space = Box(0.0, 1.0, (1,), np.float64)
    wrapped = Discretise(Shown(space, [[0.1], [0.2]]), bins=2)
    observation, info = wrapped.reset(seed=0)
    assert (observation, info["action_mask"].tolist()) == (0, [1, 0, 1])
    _, _, _, _, info = wrapped.step(2)
    assert info["action_mask"].tolist() == [1, 0, 1]


def test_no_masked_action_is_taken_where_masks_differ_within_a_bin() -> None:
    masks = [[1, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 0]]
    space = Box(0.0, 1.0, (1,), np.float64)
    inner = Shown(space, [[0.1], [0.2], [0.3], [0.6]], masks)
    config = QLearningConfig(
        episodes=200, alpha=0.5, gamma=0.5, epsilon_start=1.0, epsilon_episodes=150
    )
    table = train_plain(Discretise(inner, bins=2), config)
    assert len(inner.taken) == 800
    assert table.q.shape == (2, 3)
    assert np.isfinite(table.q[0]).all()  # Every action is allowed somewhere in the first bin,
    assert np.isneginf(table.q[1, 2])  # but the last one nowhere in the second.


@pytest.mark.parametrize(
    ("space", "settings", "message"),
    [
        (Box(-np.inf, np.inf, (2,)), {"bins": 3}, "ranges"),
        (Box(0.0, 1.0, (2,)), {}, "needs bins"),
        (Box(0.0, 1.0, (2,)), {"bins": (3,)}, "1 entries but an observation 2"),
        (Box(0.0, 1.0, (2,)), {"bins": 3, "ranges": (None,)}, "ranges has 1"),
        (Box(0.0, 1.0, (1,)), {"bins": 0}, "at least one"),
        (Box(0.0, 1.0, (1,)), {"bins": ([0.5, 0.5],)}, "rise"),
        (Box(0.0, 1.0, (1,)), {"bins": 4, "ranges": ((1.0, 0.0),)}, "from 1 to 0"),
        (Box(0.0, 1.0, (9,)), {"bins": 9}, "387,420,489 states"),
        (Discrete(3), {"bins": 4}, "leave them out"),
        (Tuple((Discrete(2), Box(0.0, 1.0, (1,)))), {}, "cannot be numbered"),
    ],
)
def test_what_does_not_fit_is_told(
    space: gym.Space[Any], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SegueError, match=message):
        Discretise(Shown(space, [None]), **settings)
