"""Psi- and G-learning against soft optima that are worked out; going on; what they refuse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from stable_baselines3.common.callbacks import BaseCallback

from segue.agents.deep import NativeVecEnv, build, load_checkpoint, save_checkpoint
from segue.agents.deep.kl_control import PRIOR, PsiLearning, without_prior
from segue.envs.base.errors import SegueError

torch.set_num_threads(1)

Floats = npt.NDArray[np.float64]
GAMMA = 0.9
LAYERS, WIDE, TOKEN_KINDS = 4, 3, 3
STATES = LAYERS * WIDE


@dataclass(frozen=True)
class Rules:
    """A task of four steps, in each three states and three tokens.

    Attributes
    ----------
    worth, log_p : ndarray (states, tokens)
        What a token earns, and its log-probability under the prior.
    leads : ndarray (2, states, tokens)
        The next state, -1 for the end: one of two, by the toss of a coin.
    legal : ndarray (states, tokens) bool
        What may be played.
    """

    worth: Floats
    log_p: Floats
    leads: npt.NDArray[np.int64]
    legal: npt.NDArray[np.bool_]

    @classmethod
    def drawn(
        cls, seed: int, flat: bool = False, masked: bool = True, chance: bool = False
    ) -> Rules:
        generator = np.random.default_rng(seed)
        size = (STATES, TOKEN_KINDS)
        layer = np.arange(STATES)[:, None] // WIDE
        leads = generator.integers(WIDE, size=(2, *size)) + (layer + 1) * WIDE
        leads[:, -WIDE:] = -1
        if not chance:
            leads[1] = leads[0]
        chances = generator.dirichlet(np.ones(TOKEN_KINDS), STATES) * 0.9 + 0.1 / TOKEN_KINDS
        if flat:
            chances[:] = 1 / TOKEN_KINDS
        legal = np.ones(size, np.bool_)
        if masked:
            legal[np.arange(STATES), generator.integers(TOKEN_KINDS, size=STATES)] = False
        # What is illegal would pay best. By chance errors go far beyond 1, where the Huber loss, by
        # which values would be wrong by 1, is no longer the squared one.
        worth = generator.normal(size=size) * (4.0 if chance else 1.0) + 2.0 * ~legal
        return cls(worth, np.log(chances), leads, legal)

    def optimum(self, temperature: float, heads: Floats) -> tuple[Floats, Floats, Floats]:
        """Psi, G and the best policy, (states, tokens) each, from the last layer to the first.

        `heads` (states, tokens) is the share of tosses that led to the first of the two states.
        """
        psi, g, policy = (np.zeros(self.worth.shape) for _ in range(3))
        value = np.zeros(STATES + 1)  # The last one is that of the end.
        for state in reversed(range(STATES)):
            first, second = value[self.leads[:, state]]
            g[state] = self.worth[state] + GAMMA * (second + heads[state] * (first - second))
            psi[state] = g[state] + temperature * self.log_p[state]
            weight = np.exp(psi[state] / temperature) * self.legal[state]
            policy[state] = weight / weight.sum()
            value[state] = temperature * np.log(weight.sum())
        return psi, g, policy


class Walk(gym.vector.VectorEnv[Any, Any, Any]):
    """Plays by `Rules`; `paid` times the prior's log-probability is a part of the reward."""

    def __init__(self, rules: Rules, n: int, paid: float, shown: bool, masked: bool = True) -> None:
        self.rules, self.paid, self.shown = rules, paid, shown
        self.num_envs, self.render_mode = n, None
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space: Any = Discrete(STATES)
        if shown:
            prior = Box(-50.0, 0.0, (TOKEN_KINDS,), np.float32)
            self.single_observation_space = Dict({"state": Discrete(STATES), PRIOR: prior})
        self.single_action_space = Discrete(TOKEN_KINDS)
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)
        self.state = np.arange(n) % WIDE
        self.played = np.zeros((STATES, TOKEN_KINDS), np.int64)
        self.heads, self.generator = self.played.copy(), np.random.default_rng(0)
        if masked:
            self.action_masks = lambda: self.rules.legal[self.state]

    def seen(self, state: npt.NDArray[np.int64]) -> Any:
        if not self.shown:
            return state.copy()
        return {"state": state.copy(), PRIOR: self.rules.log_p[state].astype(np.float32)}

    def info(self) -> dict[str, Any]:
        return {"action_mask": self.rules.legal[self.state].astype(np.int8)}

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.state = np.arange(self.num_envs) % WIDE
        return self.seen(self.state), self.info()

    def step(self, actions: Any) -> Any:
        tails = self.generator.integers(2, size=self.num_envs)
        np.add.at(self.played, (self.state, actions), 1)
        np.add.at(self.heads, (self.state, actions), 1 - tails)
        reward = self.rules.worth[self.state, actions]
        reward = reward + self.paid * self.rules.log_p[self.state, actions]
        after = self.rules.leads[tails, self.state, actions]
        done = after < 0
        self.state = np.where(done, np.arange(self.num_envs) % WIDE, after)
        info = self.info()
        if done.any():
            info |= {"final_obs": self.seen(np.maximum(after, 0)), "_final_obs": done}
        return self.seen(self.state), reward, done, np.zeros_like(done), info

    def state_dict(self) -> dict[str, Any]:
        generator = self.generator.bit_generator.state
        return {"state": self.state.copy(), "generator": generator}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state = np.array(state["state"])
        self.generator.bit_generator.state = state["generator"]


STEPS_MADE = 8_000
SETTINGS: dict[str, Any] = {
    "learning_rate": [0.1, 0.001],
    "gamma": GAMMA,
    "buffer_size": STEPS_MADE,
    "batch_size": 128,
    "train_freq": 2,
    "gradient_steps": 3,
    "target_update_interval": 160,
    "exploration_initial_eps": 0.3,
    "exploration_final_eps": 0.3,
    "policy_kwargs": {"net_arch": []},
}
"""Without a hidden layer the network is a table."""
NAMES = ("psi-learning", "g-learning")


def made(name: str, walk: Walk, seed: int = 0, **settings: Any) -> PsiLearning:
    model = build(name, NativeVecEnv(walk), seed=seed, hyperparameters=SETTINGS | settings)
    assert isinstance(model, PsiLearning)
    return model


def walk_of(name: str, rules: Rules, temperature: float = 1.0, masked: bool = True) -> Walk:
    shown = name == "g-learning"
    return Walk(rules, 16, 0.0 if shown else temperature, shown, masked)


def learnt(model: PsiLearning) -> Floats:
    """What the network says of every token in every state."""
    with torch.no_grad():
        values = model.q_net(torch.arange(STATES)).numpy()
    return np.asarray(values, dtype=np.float64)


def played(model: PsiLearning, walk: Walk, count: int = 20_000) -> Floats:
    """How often each token is drawn in each state, as shares."""
    shares = np.zeros((STATES, TOKEN_KINDS))
    for state in range(STATES):
        seen = walk.seen(np.full(count, state))
        legal = np.tile(walk.rules.legal[state], (count, 1))
        model.exploration_rate = 0.0
        actions, _ = model.predict(seen, action_masks=legal)
        shares[state] = np.bincount(actions, minlength=TOKEN_KINDS) / count
    return shares


# --- the soft optimum --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("temperature", "masked", "chance"),
    [(1.0, True, False), (0.3, False, False), (1.0, True, True)],
    ids=["masked", "colder, without masks", "by chance"],
)
@pytest.mark.parametrize("name", NAMES)
def test_values_and_policy_are_the_soft_optimum(
    name: str, temperature: float, masked: bool, chance: bool
) -> None:
    rules = Rules.drawn(3, masked=masked, chance=chance)
    walk = walk_of(name, rules, temperature, masked)
    noisy = {"batch_size": 512, "learning_rate": [0.1, 0.0003]} if chance else {}
    model = made(name, walk, temperature=temperature, **noisy)
    assert model.masked == masked
    model.learn(STEPS_MADE)
    # The optimum of what the replay, which holds all steps, can tell of the coin.
    heads = walk.heads / np.maximum(walk.played, 1)
    psi, g, policy = rules.optimum(temperature, heads)
    met = walk.played > 0
    assert not (met & ~rules.legal).any()
    # Some states are never come to.
    reached = met.any(axis=1)
    assert reached.sum() > 8
    assert (met == (rules.legal & reached[:, None])).all()
    found = learnt(model)
    np.testing.assert_allclose(
        found[met], (g if name == "g-learning" else psi)[met], atol=0.15 if chance else 0.01
    )
    np.testing.assert_allclose(played(model, walk)[reached], policy[reached], atol=0.015)
    likeliest, _ = model.predict(walk.seen(np.arange(STATES)), None, None, True, rules.legal)
    gap = np.diff(np.sort(policy, axis=1), axis=1)[:, -1]
    sure = reached & (gap > 0.02)
    assert (likeliest[sure] == policy.argmax(axis=1)[sure]).all()


def test_under_a_flat_prior_psi_learning_is_soft_q_learning() -> None:
    """What every token pays alike is lost at every step that is left, and changes no choice."""
    rules = Rules.drawn(5, flat=True, masked=False)
    values, shares = [], []
    for paid in (1.0, 0.0):
        walk = Walk(rules, 16, paid, shown=False)
        model = made("psi-learning", walk).learn(STEPS_MADE)
        values.append(learnt(model))
        shares.append(played(model, walk))
    reached = walk.played.any(axis=1)
    left = LAYERS - np.arange(STATES) // WIDE
    lost = np.log(TOKEN_KINDS) * (1 - GAMMA**left) / (1 - GAMMA)
    np.testing.assert_allclose(
        (values[1] - values[0])[reached], np.tile(lost, (3, 1)).T[reached], atol=0.02
    )
    np.testing.assert_allclose(shares[0][reached], shares[1][reached], atol=0.02)
    soft = rules.worth.copy()
    for state in reversed(range(STATES - WIDE)):
        soft[state] += GAMMA * np.log(np.exp(soft[rules.leads[0, state]]).sum(axis=1))
    np.testing.assert_allclose(values[1][reached], soft[reached], atol=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_the_colder_the_nearer_to_q_learning(name: str) -> None:
    rules = Rules.drawn(7)
    walk = Walk(rules, 16, 0.0, name == "g-learning")
    model = made(name, walk, temperature=1e-4).learn(STEPS_MADE)
    best = np.where(rules.legal, rules.worth, -np.inf)
    for state in reversed(range(STATES - WIDE)):
        best[state] += GAMMA * best[rules.leads[0, state]].max(axis=1)
    met = walk.played > 0
    np.testing.assert_allclose(learnt(model)[met], best[met], atol=0.01)
    reached = met.any(axis=1)
    greedy = np.eye(TOKEN_KINDS)[best.argmax(axis=1)]
    np.testing.assert_array_equal(played(model, walk, 100)[reached], greedy[reached])


def test_before_it_has_learnt_g_learning_plays_the_prior() -> None:
    rules = Rules.drawn(1)
    for settings in ({}, {"policy_kwargs": {"net_arch": [8]}}):
        walk = walk_of("g-learning", rules)
        model = made("g-learning", walk, temperature=0.2, **settings)
        chances = np.exp(rules.log_p) * rules.legal
        wanted = chances / chances.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(played(model, walk), wanted, atol=0.015)


def test_actions_by_chance_are_legal_and_even() -> None:
    walk = walk_of("psi-learning", Rules.drawn(2))
    model = made("psi-learning", walk, temperature=0.01)
    with torch.no_grad():
        model.q_net.q_net[-1].bias.copy_(torch.tensor([50.0, 99.0, 0.0]))
    legal = np.tile([True, False, True], (9_000, 1))
    for rate, share in ((0.0, 1.0), (0.5, 0.75), (1.0, 0.5)):
        model.exploration_rate = rate
        actions, _ = model.predict(np.zeros(9_000, np.int64), action_masks=legal)
        assert not (actions == 1).any()
        assert (actions == 0).mean() == pytest.approx(share, abs=0.02)


# --- going on, and what is refused -------------------------------------------------------------


class SaveOnce(BaseCallback):
    """Writes a checkpoint between two rollouts in the middle of a run."""

    def __init__(self, folder: Path, steps: int) -> None:
        super().__init__()
        self.folder, self.steps = folder, steps

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self.steps and not self.folder.exists():
            save_checkpoint(self.model, self.folder, {})

    def _on_step(self) -> bool:
        return True


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("masked", [True, False])
def test_a_resumed_run_is_exact(name: str, masked: bool, tmp_path: Path) -> None:
    """Also when the replay has been round before the checkpoint."""
    rules, steps = Rules.drawn(4, masked=masked), 1_280
    small = {"buffer_size": 320, "policy_kwargs": {"net_arch": [8]}, "target_update_interval": 64}
    whole = made(name, walk_of(name, rules, masked=masked), **small)
    whole.learn(steps, callback=SaveOnce(tmp_path / "half", steps // 2))
    resumed = made(name, walk_of(name, rules, masked=masked), seed=9, **small)
    torch.manual_seed(99)
    load_checkpoint(resumed, tmp_path / "half")
    assert steps // 2 <= resumed.num_timesteps < steps
    resumed.learn(steps - resumed.num_timesteps, reset_num_timesteps=False)
    one, other = (
        {
            file.name: file.read_bytes()
            for file in save_checkpoint(model, tmp_path / end, {}).iterdir()
        }
        for model, end in ((whole, "one"), (resumed, "other"))
    )
    assert one == other
    assert whole._n_updates == resumed._n_updates > 100


def test_the_network_is_not_shown_the_prior() -> None:
    model = made("g-learning", walk_of("g-learning", Rules.drawn(0)))
    assert model.policy.observation_space == Discrete(STATES)
    prior, token = Box(-9.0, 0.0, (3,), np.float32), Discrete(4)
    both = Dict({PRIOR: prior, "a": token, "b": Box(0.0, 1.0, (2,), np.float32)})
    rest = without_prior(both)
    assert isinstance(rest, Dict)
    assert set(rest.spaces) == {"a", "b"}


def test_what_cannot_be_is_told() -> None:
    rules = Rules.drawn(0)
    for temperature in (0.0, -1.0, float("inf"), float("nan"), "1"):
        with pytest.raises(SegueError, match=r"^temperature of PsiLearning is .*; give a positive"):
            made("psi-learning", walk_of("psi-learning", rules), temperature=temperature)
    with pytest.raises(SegueError, match="GLearning looks one step ahead; leave n_steps out"):
        made("g-learning", walk_of("g-learning", rules), n_steps=2)
    with pytest.raises(SegueError, match="'g-learning' has no hyperparameter 'warmth'"):
        made("g-learning", walk_of("g-learning", rules), warmth=2)
    with pytest.raises(SegueError, match=r"'prior_log_p'.*choose psi-learning"):
        made("g-learning", walk_of("psi-learning", rules))
    prior, state = Box(-9.0, 0.0, (4,), np.float32), Discrete(STATES)
    for space in (
        Dict({PRIOR: prior, "state": state}),
        Dict({PRIOR: prior}),
        Dict({PRIOR: state, "state": state}),
    ):
        walk = walk_of("g-learning", rules)
        walk.single_observation_space = space
        with pytest.raises(SegueError, match="'prior_log_p'"):
            made("g-learning", walk)
