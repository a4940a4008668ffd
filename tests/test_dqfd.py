"""Deep Q-learning from demonstrations: margin, long targets, prioritised replay, exact resume."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Discrete
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from test_agents_deep import Chain, assert_equal_weights
from test_masked_dqn import Stop

from segue.agents.deep import NativeVecEnv, build
from segue.agents.deep.algorithm_state import restore_algorithm
from segue.agents.deep.dqfd import DQfD, DQfDSettings
from segue.agents.deep.prioritised_replay import Priorities
from segue.agents.demonstrations import Episode
from segue.envs.base.errors import SegueError

torch.set_num_threads(1)

LENGTH, ACTIONS = 12, 6
RIGHT = np.random.default_rng(0).integers(1, ACTIONS, LENGTH)


class Lock(gym.vector.VectorEnv[Any, Any, Any]):
    """Combination lock: the right action leads on, any other one ends it; action 0 is illegal.

    A wrong action pays .02 for every right one before it, so that to err at once looks fair;
    opening the lock pays 1. There is no discount in the task.
    """

    def __init__(self, n: int) -> None:
        self.num_envs = n
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = Discrete(LENGTH)
        self.single_action_space = Discrete(ACTIONS)
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)
        self.render_mode = None
        self.state = np.zeros(n, np.int64)
        self.steps = self.opened = 0

    def action_masks(self) -> np.ndarray:
        return np.tile(np.arange(ACTIONS) > 0, (self.num_envs, 1))

    def _info(self) -> dict[str, Any]:
        return {"action_mask": self.action_masks().astype(np.int8)}

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.state = np.zeros(self.num_envs, np.int64)
        return self.state.copy(), self._info()

    def step(self, actions: Any) -> Any:
        assert (actions > 0).all(), "an illegal action was taken"
        self.steps += self.num_envs
        right = actions == RIGHT[self.state]
        opens = right & (self.state == LENGTH - 1)
        reward = np.where(opens, 1.0, np.where(right, 0.0, 0.02 * self.state))
        done = opens | ~right
        self.opened += int(opens.sum())
        info: dict[str, Any] = {"final_obs": self.state.copy(), "_final_obs": done}
        self.state = np.where(done, 0, self.state + 1)
        return self.state.copy(), reward, done, np.zeros_like(done), info | self._info()

    def state_dict(self) -> dict[str, Any]:
        return {"state": self.state.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state = np.array(state["state"])


def shown(count: int = 2) -> list[Episode]:
    """Episodes in which the lock is opened."""
    seen = np.append(np.arange(LENGTH), LENGTH - 1)
    reward = np.append(np.zeros(LENGTH - 1), 1.0)
    masks = np.tile(np.arange(ACTIONS) > 0, (LENGTH, 1))
    return [Episode(seen, RIGHT.copy(), reward, True, masks)] * count


COMMON: dict[str, Any] = {
    "learning_rate": 3e-3,
    "gamma": 1.0,
    "train_freq": 4,
    "gradient_steps": 4,
    "target_update_interval": 200,
    "buffer_size": 800,
    "policy_kwargs": {"net_arch": [32]},
}


def lock(name: str = "dqfd", seed: int = 0, **settings: Any) -> tuple[Any, Lock]:
    env = Lock(8)
    own = {"pretrain_updates": 300, "margin": 0.3} if name == "dqfd" else {}
    settings = COMMON | own | settings
    return build(name, NativeVecEnv(env), seed=seed, hyperparameters=settings), env


def values(model: Any) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(model.q_net(torch.arange(LENGTH)).numpy())


def choices(model: Any) -> np.ndarray:
    masks = np.tile(np.arange(ACTIONS) > 0, (LENGTH, 1))
    return np.asarray(model.predict(np.arange(LENGTH), deterministic=True, action_masks=masks)[0])


def test_demonstrations_open_a_lock_that_dqn_does_not() -> None:
    steps = 2_000
    plain, env = lock("dqn", exploration_fraction=0.5, learning_starts=500)
    plain.learn(steps)
    assert env.opened < 10
    assert (choices(plain) != RIGHT).any()
    model, env = lock()
    model.demonstrate(shown())
    model.learn(steps)
    assert env.opened > 100
    assert (choices(model) == RIGHT).all()


def test_it_surpasses_a_demonstrator_who_errs() -> None:
    (whole,) = shown(1)
    rows = slice(LENGTH - 1)
    actions, rewards = RIGHT[rows].copy(), whole.rewards[rows].copy()
    actions[-1], rewards[-1] = RIGHT[LENGTH - 2] % 5 + 1, 0.2
    seen = np.append(np.arange(LENGTH - 1), LENGTH - 2)
    # A margin of full weight would outweigh what is at stake here, for ever.
    model, _ = lock(margin_weight=0.1, exploration_initial_eps=0.3, exploration_fraction=0.8)
    assert whole.masks is not None
    model.demonstrate([Episode(seen, actions, rewards, True, whole.masks[rows])])
    model.pretrain()
    assert choices(model)[LENGTH - 2] == actions[-1]
    model.learn(4_000)
    assert (choices(model) == RIGHT).all()


def test_the_margin_alone_makes_what_was_shown_greedy() -> None:
    model, env = lock()
    model.demonstrate(shown())
    model.pretrain()
    assert env.steps == 0
    assert (choices(model) == RIGHT).all()
    learnt = values(model)
    rows = np.arange(LENGTH)
    others = learnt[:, 1:].copy()
    others[rows, RIGHT - 1] = -np.inf
    assert (learnt[rows, RIGHT] - others.max(axis=1)).min() > 0.2
    # Illegal actions are under no margin: nobody compares with them.
    updates = model._n_updates
    assert updates == 300
    model.learn(8)
    assert env.steps == 32  # One rollout, and no second phase of this kind.
    assert model._n_updates == updates + 4
    without, _ = lock(margin_weight=0.0)
    without.demonstrate(shown())
    without.pretrain()
    assert (choices(without) != RIGHT).any()


def test_the_loss_is_the_one_of_the_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"n_step": 3, "n_step_weight": 0.5, "margin_weight": 2.0, "l2_weight": 0.01}
    model, _ = lock(gamma=0.9, **settings)
    model.demonstrate(shown(1))
    model.learn(400)
    rows = np.array([0, 5, LENGTH - 1, LENGTH, 40, 200])
    monkeypatch.setattr(model._priorities, "draw", lambda *_: rows)
    model._current_progress_remaining = 0.25
    with torch.no_grad():
        model.q_net.q_net[-1].bias[0] = 9.0  # An illegal action that seems good.
        model.q_net_target.q_net[-1].bias[1] += 0.5
        nets = [
            lambda s, net=net: net(torch.as_tensor(s)).numpy().astype(np.float64)
            for net in (model.q_net, model.q_net_target)
        ]
        squares = sum(float(w.square().sum()) for w in model.q_net.parameters())
        rated = nets[0](model.replay.seen(rows))
        actions = model.replay.actions(rows)
        chosen = rated[np.arange(6), actions]
        losses = np.zeros(6)
        for n, weight in ((1, 1.0), (3, 0.5)):
            ahead = model.replay.ahead(rows, n, 0.9)
            best = nets[0](ahead.observations)[:, 1:].argmax(axis=1) + 1
            following = nets[1](ahead.observations)[np.arange(6), best]
            error = np.abs(ahead.rewards + ahead.discounts * following - chosen)
            losses += weight * np.where(error < 1.0, error**2 / 2, error - 0.5)
        rivals = rated + 0.3 * (np.arange(ACTIONS) != actions[:, None])
        losses += 2.0 * (rows < LENGTH) * (rivals[:, 1:].max(axis=1) - chosen)
        # Importance is corrected with 0.6 at first and with 1 at last.
        weights = model._priorities.weights(rows, len(model.replay), 0.9)
    assert np.ptp(weights) > 0.1
    assert model._update(6) == pytest.approx((weights * losses).mean() + 0.01 * squares, rel=1e-4)


def test_values_without_discount_are_the_returns() -> None:
    model, _ = lock(pretrain_updates=1_500, l2_weight=0.0)
    model.demonstrate(shown())
    model.pretrain()
    np.testing.assert_allclose(values(model)[np.arange(LENGTH), RIGHT], 1.0, atol=0.1)


@pytest.mark.parametrize("masked", [True, False])
def test_it_solves_the_chain_twice_identically(masked: bool) -> None:
    generator = np.random.default_rng(2)
    numbers = generator.integers(0, 3, (20, 7))
    masks = np.tile([True, True, True, False], (6, 1)) if masked else None
    episodes = [
        Episode(np.eye(3, dtype=np.float32)[n], n[:-1], np.ones(6), True, masks) for n in numbers
    ]
    models = []
    for _ in range(2):
        chain = Chain(8)
        venv = NativeVecEnv(chain)
        if not masked:
            venv.has_attr = lambda name: name != "action_masks"  # type: ignore[method-assign]
        model = DQfD("MlpPolicy", venv, seed=0, device="cpu", **COMMON | {"pretrain_updates": 50})
        assert model.masked == masked
        model.demonstrate(episodes)
        model.learn(2_000)
        actions, _ = model.predict(np.eye(3, dtype=np.float32), deterministic=True)
        assert actions.tolist() == [0, 1, 2]
        assert not masked or chain.taken == {0, 1, 2}
        models.append(model)
    assert_equal_weights(*models)


def test_rows_are_drawn_as_often_as_their_priorities_say() -> None:
    generator = np.random.default_rng(1)
    priorities = Priorities(100, power=0.7)
    urgency = generator.uniform(0.1, 5.0, 60)
    priorities.set(np.arange(60), np.ones(60))
    priorities.set(np.arange(60), urgency)
    wanted = urgency**0.7 / (urgency**0.7).sum()
    drawn = np.concatenate([priorities.draw(50, generator) for _ in range(1_000)])
    counts = np.bincount(drawn, minlength=60)
    assert len(counts) == 60  # No row that was never set.
    # 99.9 % of a chi-square with 59 degrees of freedom lie below 98.
    assert ((counts - 50_000 * wanted) ** 2 / (50_000 * wanted)).sum() < 98
    rows = np.array([3, 3, 17, 42])
    weights = (60 * wanted[rows]) ** -0.4
    found = priorities.weights(rows, 60, 0.4)
    np.testing.assert_allclose(found, weights / weights.max(), rtol=1e-5)
    np.testing.assert_array_equal(priorities.weights(rows, 60, 0.0), 1.0)
    priorities.enter(np.array([60]))
    assert priorities.values[60] == priorities.values.max() == urgency.max() ** 0.7


def test_the_bonus_keeps_what_was_shown_before_the_own() -> None:
    model, _ = lock(pretrain_updates=10)
    model.demonstrate(shown())
    model.learn(400)
    rows, n = np.arange(len(model.replay)), model.replay.n_shown
    model._set_priorities(rows, np.full(len(rows), 0.1))
    found = model._priorities.values[rows]
    np.testing.assert_allclose(found[:n], (0.1 + 1.0) ** 0.4)
    np.testing.assert_allclose(found[n:], (0.1 + 0.001) ** 0.4)


def test_what_was_shown_is_never_pushed_out() -> None:
    model, _ = lock(pretrain_updates=10, buffer_size=64)
    model.demonstrate(shown())
    before = deepcopy(model.own_state()["replay"]["arrays"])
    model.learn(400)
    assert len(model.replay) == 2 * LENGTH + 64
    for name, array in model.own_state()["replay"]["arrays"].items():
        np.testing.assert_array_equal(array[: 2 * LENGTH], before[name])
    fresh, _ = lock()
    fresh.demonstrate(shown(1))
    model.load_own_state(fresh.own_state())
    assert not model.pretrained
    assert len(model.replay) == model.replay.n_shown == LENGTH


@pytest.mark.parametrize("rollout", [1, 20])
def test_a_resumed_run_is_exact(rollout: int) -> None:
    """The other agent is shown nothing: the demonstrations come with the state."""
    stop = Stop(rollout)
    whole, _ = lock(exploration_initial_eps=0.5, exploration_fraction=1.0)
    whole.demonstrate(shown())
    whole.learn(1_600, callback=stop)
    resumed, _ = lock(seed=9, exploration_initial_eps=0.5, exploration_fraction=1.0)
    restore_algorithm(resumed, stop.state)
    left = 1_600 - resumed.num_timesteps
    assert left == 1_600 - 32 * (rollout - 1)
    resumed.learn(left, reset_num_timesteps=False)
    assert_equal_weights(whole, resumed)
    one, other = whole.own_state(), resumed.own_state()
    assert one["generator"] == other["generator"]
    np.testing.assert_array_equal(one["priorities"]["values"], other["priorities"]["values"])
    assert one["priorities"]["greatest"] == other["priorities"]["greatest"]


def test_what_cannot_work_is_told() -> None:
    model, _ = lock()
    with pytest.raises(SegueError, match="no demonstrations"):
        model.learn(100)
    with pytest.raises(SegueError, match="no demonstrations"):
        model.demonstrate([])
    (good,) = shown(1)
    assert good.masks is not None
    for bad, told in (
        (replace(good, actions=good.actions + 3), "not one of the environment's 6"),
        (replace(good, actions=good.actions * 0), "illegal"),
        (replace(good, masks=None), "other masks"),
        (replace(good, observations=np.zeros((LENGTH + 1, 2))), "record them"),
        (replace(good, observations={"a": good.observations}), "see other things"),
    ):
        with pytest.raises(SegueError, match=told):
            model.demonstrate([bad])
    model.demonstrate([good])
    model.learn(8)
    with pytest.raises(SegueError, match="begun"):
        model.demonstrate([good])
    with pytest.raises(SegueError, match="n_step of DQfD is 0"):
        DQfDSettings(n_step=0)
    with pytest.raises(SegueError, match="no hyperparameter 'n_steps'"):
        DQfD("MlpPolicy", NativeVecEnv(Lock(2)), n_steps=3)
