"""Learning from demonstrations in a table: warm start, margin, prioritised replay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Discrete

from segue.agents.demonstrations import Episode, play_random, record
from segue.agents.tabular import (
    DemonstrationConfig,
    DemonstrationTable,
    QLearningConfig,
    QTable,
    Transitions,
    train_from_demonstrations,
    train_plain,
    transitions_of,
)
from segue.agents.tabular.replay import draw, sum_tree
from segue.envs.base.errors import SegueError

LENGTH = 12
ACTIONS = 6


class Lock(gym.Env[int, int]):
    """Combination lock: the right one of the allowed actions leads on, any other one ends it.

    Ending pays .02 for every step made, opening the lock pays 1; of six actions one is masked.
    """

    def __init__(self) -> None:
        self.observation_space, self.action_space = Discrete(LENGTH), Discrete(ACTIONS)
        self.right = np.random.default_rng(0).integers(1, ACTIONS, LENGTH)
        self.state = 0

    def _now(self) -> tuple[int, dict[str, Any]]:
        return self.state, {"action_mask": np.array([0, 1, 1, 1, 1, 1], np.int8)}

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = 0
        return self._now()

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        assert action > 0, "a masked action was taken"
        if action != self.right[self.state]:
            return self.state, 0.02 * self.state, True, False, self._now()[1]
        opened = self.state == LENGTH - 1
        self.state = min(self.state + 1, LENGTH - 1)
        observation, info = self._now()
        return observation, float(opened), opened, False, info


def shown(errors: int = 0) -> Transitions:
    """Demonstrations that fail after 6 states, or two thirds of the way, or not at all."""
    env = Lock()

    def demonstrator(env: Any, state: int, mask: Any) -> int:
        right = int(env.right[state])
        wrong = state == LENGTH - errors
        return right % (ACTIONS - 1) + 1 if wrong else right

    return transitions_of(record(env, demonstrator, range(2), "shown"), env)


CONFIG = QLearningConfig(
    episodes=3_000,
    alpha=0.5,
    gamma=0.95,
    epsilon_start=0.1,
    epsilon_end=0.1,
    chunk_episodes=20,
    replay="online",
)
SETTINGS = DemonstrationConfig(warm_start_updates=1_000, margin=0.05, capacity=300)


class Solved(Exception):  # noqa: N818
    pass


def episodes_until_solved(train: Any) -> int:
    """Episodes after which the greedy policy opens the lock (the number tried, if never)."""
    right = Lock().right

    def watch(now: QTable | DemonstrationTable) -> None:
        table = now.table if isinstance(now, DemonstrationTable) else now
        if (table.policy().actions() == right).all():
            raise Solved(table.episodes)

    try:
        train(watch)
    except Solved as solved:
        return int(solved.args[0])
    return CONFIG.episodes


def test_good_demonstrations_are_enough_and_others_help() -> None:
    scratch = episodes_until_solved(lambda watch: train_plain(Lock(), CONFIG, progress=watch))

    def demonstrated(errors: int) -> int:
        return episodes_until_solved(
            lambda watch: train_from_demonstrations(
                Lock(), shown(errors), CONFIG, SETTINGS, progress=watch
            )
        )

    assert demonstrated(0) == 0
    assert 0 < demonstrated(4) < scratch / 2


def test_without_margin_untried_actions_seem_as_good() -> None:
    env, none = Lock(), replace(CONFIG, episodes=0, initial_value=1.0)
    learnt = train_from_demonstrations(env, shown(), none, SETTINGS).table
    assert (learnt.policy().actions() == env.right).all()
    beaten = np.sort(learnt.q[:, 1:], axis=1)
    assert (beaten[:, -1] - beaten[:, -2] >= 0.05 - 1e-6).all()
    # The demonstrated values are the true ones: the margin has not falsified them.
    values = learnt.q[np.arange(LENGTH), env.right]
    np.testing.assert_allclose(values, 0.95 ** np.arange(LENGTH - 1, -1, -1), atol=1e-6)
    without = replace(SETTINGS, margin_weight=0.0)
    learnt = train_from_demonstrations(env, shown(), none, without).table
    assert (learnt.policy().actions() != env.right).any()


def test_long_targets_reach_the_first_state_sooner() -> None:
    none = replace(CONFIG, episodes=0)
    few = replace(SETTINGS, warm_start_updates=60, margin_weight=0.0)
    first = {
        weight: train_from_demonstrations(
            Lock(), shown(), none, replace(few, n_step_weight=weight, n_step=LENGTH)
        ).table.q[0, Lock().right[0]]
        for weight in (0.0, 1.0)
    }
    assert first[1.0] > 3 * first[0.0]


def test_twice_the_same_and_no_masked_action() -> None:
    few = replace(CONFIG, episodes=100)
    one = train_from_demonstrations(Lock(), shown(), few, SETTINGS)
    other = train_from_demonstrations(Lock(), shown(), few, SETTINGS)
    np.testing.assert_array_equal(one.table.q, other.table.q)
    assert one.table.visits[:, 0].sum() == 0
    assert np.isneginf(one.table.q[:, 0]).all()


def test_own_transitions_push_out_the_oldest_own_one_only() -> None:
    demonstrations, small = shown(), replace(SETTINGS, capacity=50)
    few = replace(CONFIG, episodes=60)
    learner = train_from_demonstrations(Lock(), demonstrations, few, small)
    replay, count = learner.replay, len(demonstrations)
    np.testing.assert_array_equal(replay.state[:count], demonstrations.state)
    np.testing.assert_array_equal(replay.reward[:count], demonstrations.reward)
    assert replay.stored[0] == learner.table.steps > 50
    assert (replay.priority > 0.0).all()
    assert len(replay.priority) == count + 50


def test_the_sum_tree_draws_in_proportion() -> None:
    priority = np.array([1.0, 0.0, 3.0, 4.0, 2.0])
    tree = sum_tree(priority)
    assert tree[1] == 10.0
    np.testing.assert_array_equal(tree[8:13], priority)
    drawn = [draw(tree, number) for number in (np.arange(1_000) + 0.5) / 1_000]
    np.testing.assert_array_equal(np.bincount(drawn, minlength=5), priority * 100)
    assert draw(tree, 1.0) == 4  # Rounding at the end leads to no empty place.


def test_what_does_not_fit_is_told() -> None:
    demonstrations = shown()
    with pytest.raises(SegueError, match="wants 'q'"):
        train_from_demonstrations(Lock(), demonstrations, replace(CONFIG, method="double-q"))
    far = replace(
        demonstrations, state=demonstrations.state + 5, following=demonstrations.following + 5
    )
    with pytest.raises(SegueError, match="reach state 16"):
        train_from_demonstrations(Lock(), far, CONFIG)
    learner = train_from_demonstrations(Lock(), demonstrations, replace(CONFIG, episodes=0))
    with pytest.raises(SegueError, match="other demonstrations"):
        train_from_demonstrations(Lock(), shown(4), CONFIG, learner=learner)
    with pytest.raises(SegueError, match="at least one"):
        transitions_of([], Lock())
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"action": np.zeros_like(demonstrations.action)}, "not allowed"),
        ({"last": np.zeros_like(demonstrations.last)}, "torn"),
        ({"following": np.roll(demonstrations.following, 3)}, "torn"),
        ({"reward": demonstrations.reward[:-1]}, "one length"),
        ({"reward": demonstrations.reward * np.nan}, "out of range"),
        ({"legal": demonstrations.legal[:-1]}, "one row"),
    )
    for change, message in changes:
        with pytest.raises(SegueError, match=message):
            replace(demonstrations, **change)
    for settings in ({"capacity": 0}, {"margin_weight": 2.0}, {"updates_per_step": -1}):
        with pytest.raises(SegueError, match="DemonstrationConfig"):
            DemonstrationConfig(**settings)  # type: ignore[arg-type]


def test_steps_are_counted_from_each_episodes_begin() -> None:
    demonstrations = shown()
    assert demonstrations.step.tolist() == [*range(LENGTH), *range(LENGTH)]


def test_episodes_become_transitions() -> None:
    """What follows the end of a task is nothing; where it was cut off, a state."""
    (episode,) = record(Lock(), lambda env, state, mask: 1 if state else int(env.right[0]), [0], "")
    made = transitions_of([episode, episode], Lock())
    length = len(episode)
    assert made.state.tolist() == [*range(length)] * 2
    assert made.following.tolist() == [*range(1, length), -1] * 2
    assert made.last.tolist() == ([False] * (length - 1) + [True]) * 2
    np.testing.assert_array_equal(made.legal, np.tile([False] + [True] * 5, (2 * length, 1)))
    lake = gym.make("FrozenLake-v1", max_episode_steps=3)
    (cut,) = record(lake, lambda *_: 0, [0], "left")
    assert not cut.terminated
    made = transitions_of([cut], lake)
    assert made.following[-1] == np.asarray(cut.observations)[-1]
    assert made.legal.all()
    assert made.legal.shape == (3, 4)


def test_states_of_a_tabular_env_are_those_of_its_model() -> None:
    env = gym.make("segue/Multicam-v0", scenes=1, steps=8, cameras=3, disable_env_checker=True)
    (episode,) = record(env, play_random(np.random.default_rng(0)), [0], "random")
    made = transitions_of([episode], env)
    model = env.unwrapped.transition_model()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(model.next_state[made.state, made.action][:-1], made.state[1:])
    np.testing.assert_allclose(model.reward[made.state, made.action], made.reward)
    np.testing.assert_array_equal(model.legal[made.state], made.legal)


def test_what_has_no_numbered_states_or_actions_is_told() -> None:
    pole = gym.make("CartPole-v1")
    with pytest.raises(SegueError, match="Discrete observations"):
        transitions_of(record(pole, lambda *_: 0, [0], ""), pole)
    two = Episode(np.zeros(2, int), np.zeros((1, 2), int), np.zeros(1), True)
    with pytest.raises(SegueError, match="Discrete actions"):
        transitions_of([two], Lock())
