from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.utils import LinearSchedule

from segue.agents.deep import (
    AGENTS,
    NativeVecEnv,
    PointerPolicy,
    build,
    load_checkpoint,
    save_checkpoint,
)
from segue.agents.deep.tensor_tree import join, split
from segue.envs.base.errors import SegueError

torch.set_num_threads(1)


class Chain(gym.vector.VectorEnv[Any, Any, Any]):
    """Six steps through three states; copying the state's number pays 1, action 3 is masked.

    The optimum is 6 an episode. Rewards come as two terms; the next state is random.
    """

    steps = 6

    def __init__(self, n: int, mode: AutoresetMode = AutoresetMode.SAME_STEP) -> None:
        self.num_envs = n
        self.metadata = {"autoreset_mode": mode}
        self.single_observation_space = Box(0.0, 1.0, (3,), np.float32)
        self.single_action_space = Discrete(4)
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)
        self.render_mode = None
        self.state = np.zeros(n, np.int64)
        self.clock = np.zeros(n, np.int64)
        self.generator = np.random.default_rng(0)
        self.taken: set[int] = set()

    def _observed(self) -> np.ndarray:
        return np.eye(3, dtype=np.float32)[self.state]

    def _info(self) -> dict[str, Any]:
        return {"action_mask": self.action_masks().astype(np.int8)}

    def action_masks(self) -> np.ndarray:
        return np.tile([True, True, True, False], (self.num_envs, 1))

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self.generator = np.random.default_rng(seed)
        self.state = self.generator.integers(0, 3, self.num_envs)
        self.clock = np.arange(self.num_envs) % self.steps  # Episodes end at different times.
        return self._observed(), self._info()

    def step(self, actions: Any) -> Any:
        self.taken |= set(np.unique(actions).tolist())
        right = (actions == self.state).astype(np.float64)
        price = np.where(actions == 3, -1.0, 0.0)
        self.clock += 1
        self.state = self.generator.integers(0, 3, self.num_envs)
        done = self.clock >= self.steps
        info: dict[str, Any] = {"reward_terms": {"right": right, "price": price}}
        if done.any():
            info |= {"final_obs": self._observed(), "_final_obs": done}
            self.state[done] = self.generator.integers(0, 3, int(done.sum()))
            self.clock[done] = 0
        nothing = np.zeros(self.num_envs, bool)
        return self._observed(), right + price, done, nothing, info | self._info()

    def state_dict(self) -> dict[str, Any]:
        generator = self.generator.bit_generator.state
        return {"state": self.state.copy(), "clock": self.clock.copy(), "generator": generator}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state, self.clock = np.array(state["state"]), np.array(state["clock"])
        self.generator.bit_generator.state = state["generator"]


class Bandit(gym.vector.VectorEnv[Any, Any, Any]):
    """One step: choosing the available candidate with the largest first feature pays 1."""

    n_candidates, n_features = 8, 4

    def __init__(self, n: int, image: bool = False) -> None:
        self.num_envs = n
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        shape = (self.n_candidates, self.n_features)
        parts: dict[str, Any] = {
            "shots": Box(-1.0, 1.0, shape, np.float32),
            "context": Box(-1.0, 1.0, (3,), np.float32),
        }
        if image:
            parts["contact_sheet"] = Box(0, 255, (36, 48, 3), np.uint8)
        self.image = image
        self.single_observation_space = Dict(parts)
        self.single_action_space = MultiDiscrete([self.n_candidates, 2])
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)
        self.render_mode = None
        self.generator = np.random.default_rng(0)
        self.now: dict[str, np.ndarray] = {}

    def _draw(self) -> None:
        shape = (self.num_envs, self.n_candidates, self.n_features)
        shots = self.generator.uniform(-1.0, 1.0, shape).astype(np.float32)
        shots[..., -1] = self.generator.random(shape[:2]) < 0.7
        shots[:, 0, -1] = 1.0
        context = self.generator.uniform(-1.0, 1.0, (self.num_envs, 3)).astype(np.float32)
        self.now = {"shots": shots, "context": context}
        if self.image:
            size = (self.num_envs, 36, 48, 3)
            self.now["contact_sheet"] = self.generator.integers(0, 256, size, np.uint8)

    def action_masks(self) -> np.ndarray:
        available = self.now["shots"][..., -1] > 0
        return np.concatenate([available, np.ones((self.num_envs, 2), bool)], axis=1)

    def _info(self) -> dict[str, Any]:
        return {"action_mask": self.action_masks().astype(np.int8)}

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self.generator = np.random.default_rng(seed)
        self._draw()
        return self.now, self._info()

    def step(self, actions: Any) -> Any:
        worth = np.where(self.now["shots"][..., -1] > 0, self.now["shots"][..., 0], -np.inf)
        reward = (worth.argmax(axis=1) == actions[:, 0]).astype(np.float64)
        final = self.now
        self._draw()
        done = np.ones(self.num_envs, bool)
        info = {"final_obs": final, "_final_obs": done}
        return self.now, reward, done, ~done, info | self._info()

    def state_dict(self) -> dict[str, Any]:
        return {"now": dict(self.now), "generator": self.generator.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.now = state["now"]
        self.generator.bit_generator.state = state["generator"]


SETTINGS: dict[str, dict[str, Any]] = {
    "a2c": {"learning_rate": 0.01, "n_steps": 8, "gamma": 0.0},
    "ppo": {"learning_rate": 0.01, "n_steps": 32, "batch_size": 128, "gamma": 0.0},
    "maskable-ppo": {"learning_rate": 0.01, "n_steps": 32, "batch_size": 128, "gamma": 0.0},
    "dqn": {
        "learning_rate": 0.01,
        "learning_starts": 100,
        "gamma": 0.0,
        "train_freq": 8,
        "gradient_steps": 4,
        "exploration_fraction": 0.5,
        "buffer_size": 5_000,
    },
}
SMALL: dict[str, Any] = {"policy_kwargs": {"net_arch": [16]}}


def make(name: str, seed: int = 0) -> tuple[BaseAlgorithm, Chain]:
    chain = Chain(8)
    model = build(name, NativeVecEnv(chain), seed=seed, hyperparameters=SETTINGS[name] | SMALL)
    return model, chain


def weights(model: BaseAlgorithm) -> list[np.ndarray]:
    return [value.numpy().copy() for value in model.policy.state_dict().values()]


def assert_equal_weights(one: BaseAlgorithm, other: BaseAlgorithm) -> None:
    for first, second in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(first, second)


def test_every_agent_is_tested() -> None:
    """Others have files of their own: test_beginning, test_dqfd, test_gail, test_kl_control."""
    own = {"bc", "dagger", "dqfd", "g-learning", "gail", "psi-learning"}
    assert set(AGENTS) == set(SETTINGS) | own


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_agent_solves_the_chain_twice_identically(name: str) -> None:
    model, chain = make(name)
    before = weights(model)
    model.learn(6_000)
    actions, _ = model.predict(np.eye(3, dtype=np.float32), deterministic=True)
    assert actions.tolist() == [0, 1, 2]
    assert any(not np.array_equal(a, b) for a, b in zip(before, weights(model), strict=True))
    if name in ("dqn", "maskable-ppo"):
        assert chain.taken == {0, 1, 2}
    again, _ = make(name)
    again.learn(6_000)
    assert_equal_weights(model, again)


def test_unknown_names_are_told() -> None:
    venv = NativeVecEnv(Chain(2))
    with pytest.raises(SegueError, match="a2c, bc, dagger, dqfd, dqn, g-learning, gail, mask"):
        build("ppoo", venv, seed=0, hyperparameters={})
    with pytest.raises(SegueError, match="learning_rat'"):
        build("ppo", venv, seed=0, hyperparameters={"learning_rat": 1.0})
    with pytest.raises(SegueError, match="maskable-ppo"):
        build("ppo", venv, seed=0, hyperparameters={"policy": "pointer"})


def test_another_autoreset_mode_is_refused() -> None:
    with pytest.raises(SegueError, match="SAME_STEP"):
        NativeVecEnv(Chain(2, AutoresetMode.NEXT_STEP))
    with pytest.raises(SegueError, match="SAME_STEP"):
        NativeVecEnv(gym.make_vec("CartPole-v1", 2, vectorization_mode="vector_entry_point"))


def test_the_adapter_tells_of_episodes() -> None:
    chain = Chain(3)
    venv = NativeVecEnv(chain)
    venv.seed(5)
    venv.reset()
    empty = 0
    for step in range(12):
        clock = chain.clock.copy()
        actions = chain.state.copy()
        observation, reward, done, infos = venv.step(actions)
        np.testing.assert_array_equal(done, clock == chain.steps - 1)
        np.testing.assert_array_equal(reward, 1.0)
        for index in range(3):
            assert bool(infos[index]) == bool(done[index])
            empty += not infos[index]
        for index in np.flatnonzero(done):
            info = infos[index]
            length = chain.steps if step >= chain.steps else chain.steps - index
            assert info["episode"]["l"] == length
            assert info["episode"]["r"] == length
            assert info["TimeLimit.truncated"] is False
            assert info["terminal_observation"].shape == (3,)
        assert observation.shape == (3, 3)
    assert empty == 3 * 12 - 6
    assert venv.term_means() == {"right": pytest.approx((6 + 5 + 4 + 18) / 6), "price": 0.0}


def test_masks_come_from_the_last_step() -> None:
    venv = NativeVecEnv(Bandit(5))
    venv.seed(1)
    venv.reset()
    assert venv.has_attr("action_masks")
    for _ in range(3):
        masks = get_action_masks(venv)
        np.testing.assert_array_equal(masks, venv.vector_env.unwrapped.action_masks())
        assert (masks.shape, masks.dtype) == ((5, 10), np.bool_)
        assert len(venv.env_method("action_masks", indices=[1, 3])) == 2
        venv.step(np.zeros((5, 2), np.int64))


def test_cartpole_through_the_adapter() -> None:
    keywords = {"autoreset_mode": AutoresetMode.SAME_STEP}
    venv = NativeVecEnv(
        gym.make_vec(
            "CartPole-v1",
            4,
            vectorization_mode="sync",
            vector_kwargs=keywords,
            max_episode_steps=30,
        )
    )
    assert not venv.has_attr("action_masks")
    venv.seed(3)
    first = venv.reset()
    truncated = terminated = 0
    generator = np.random.default_rng(0)
    angle = np.asarray(first)[:, 2]
    for step in range(300):
        push = (angle > 0).astype(np.int64)
        actions = push if step < 150 else generator.integers(0, 2, 4)
        observation, _, done, infos = venv.step(actions)
        for index in np.flatnonzero(done):
            final = infos[index]["terminal_observation"]
            assert final.shape == (4,)
            assert np.abs(np.asarray(observation)[index]).max() <= 0.05
            over = abs(final[2]) > 0.2094 or abs(final[0]) > 2.4
            assert infos[index]["TimeLimit.truncated"] is not over
            truncated += not over
            terminated += over
        angle = np.asarray(observation)[:, 2]
    assert truncated > 0
    assert terminated > 0


def pointer(venv: NativeVecEnv, layers: int = 1, **settings: Any) -> Any:
    keywords = {"hidden": 32, "attention_layers": layers, "heads": 2}
    return build(
        "maskable-ppo",
        venv,
        seed=0,
        hyperparameters={"policy": "pointer", "policy_kwargs": keywords} | settings,
    )


@pytest.mark.parametrize("layers", [0, 1])
def test_the_pointer_policy_learns_to_choose_the_largest(layers: int) -> None:
    settings = {"n_steps": 16, "batch_size": 512, "n_epochs": 4, "learning_rate": 3e-3}
    venv = NativeVecEnv(Bandit(64))
    model = pointer(venv, layers, gamma=0.0, **settings)
    model.learn(20_000)
    observation = venv.reset()
    actions, _ = model.predict(observation, deterministic=True, action_masks=get_action_masks(venv))
    _, reward, _, _ = venv.step(actions)
    assert reward.mean() > 0.85


@pytest.mark.parametrize("layers", [0, 2])
@pytest.mark.parametrize("image", [False, True])
def test_pointer_logits_move_with_the_candidates(layers: int, image: bool) -> None:
    bandit = Bandit(6, image)
    venv = NativeVecEnv(bandit)
    model = pointer(venv, layers)
    for weight in (p for p in model.policy.parameters() if p.ndim > 1):  # So that all paths count.
        torch.nn.init.normal_(weight, std=0.3)
    bandit.reset(seed=4)
    order = np.random.default_rng(1).permutation(bandit.n_candidates)
    moved = dict(bandit.now) | {"shots": bandit.now["shots"][:, order]}

    def heads(observation: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        if image:
            sheet = observation["contact_sheet"].transpose(0, 3, 1, 2)
            observation = observation | {"contact_sheet": sheet}
        tensors, _ = model.policy.obs_to_tensor(observation)
        with torch.no_grad():
            features = model.policy.extract_features(tensors)
            latent, _ = model.policy.mlp_extractor(features)
            value = model.policy.predict_values(tensors)
            return model.policy.action_net(latent).numpy(), value.numpy()

    logits, value = heads(bandit.now)
    logits_moved, value_moved = heads(moved)
    n = bandit.n_candidates
    assert np.ptp(logits[:, :n], axis=1).min() > 0.01
    np.testing.assert_allclose(logits_moved[:, :n], logits[:, order], atol=1e-5)
    np.testing.assert_allclose(logits_moved[:, n:], logits[:, n:], atol=1e-5)
    np.testing.assert_allclose(value_moved, value, atol=1e-5)


def test_unavailable_candidates_do_not_matter_to_the_others() -> None:
    bandit = Bandit(6)
    model = pointer(NativeVecEnv(bandit), 1)
    bandit.reset(seed=4)
    gone = bandit.now["shots"][..., -1:] == 0
    other = np.where(gone, np.float32(0.9), bandit.now["shots"])
    other[..., -1:] = bandit.now["shots"][..., -1:]
    values = []
    for shots in (bandit.now["shots"], other):
        tensors, _ = model.policy.obs_to_tensor(bandit.now | {"shots": shots})
        values.append(model.policy.predict_values(tensors).detach().numpy())
    np.testing.assert_allclose(values[0], values[1], atol=1e-6)
    none = np.zeros_like(other)
    tensors, _ = model.policy.obs_to_tensor(bandit.now | {"shots": none})
    assert torch.isfinite(model.policy.predict_values(tensors)).all()


def test_a_pointer_policy_that_does_not_fit_is_told() -> None:
    bandit = Bandit(2)
    bandit.single_action_space = MultiDiscrete([bandit.n_candidates + 1, 2])
    with pytest.raises(SegueError, match="candidates"):
        pointer(NativeVecEnv(bandit))
    with pytest.raises(SegueError, match="set_key"):
        PointerPolicy(
            Bandit(2).single_observation_space, MultiDiscrete([8]), lambda _: 1e-3, set_key="clips"
        )


@pytest.mark.parametrize("name", ["a2c", "maskable-ppo", "ppo"])
def test_a_resumed_run_ends_as_the_uninterrupted_one(name: str, tmp_path: Path) -> None:
    steps = 8 * SETTINGS[name]["n_steps"] * 2
    whole, _ = make(name)
    whole.learn(2 * steps)

    half, _ = make(name)
    half.learn(steps)
    save_checkpoint(half, tmp_path, {"chunk": 3, "curve": np.arange(4)})
    torch.manual_seed(99)
    np.random.seed(99)
    resumed, _ = make(name, seed=7)
    extra = load_checkpoint(resumed, tmp_path)
    assert extra["chunk"] == 3
    np.testing.assert_array_equal(extra["curve"], np.arange(4))
    assert_equal_weights(half, resumed)
    resumed.learn(steps, reset_num_timesteps=False)

    assert_equal_weights(whole, resumed)
    assert resumed.num_timesteps == whole.num_timesteps == 2 * steps
    assert resumed._n_updates == whole._n_updates
    one, other = whole.get_env(), resumed.get_env()
    assert isinstance(one, NativeVecEnv)
    assert isinstance(other, NativeVecEnv)
    assert one.term_means() == other.term_means()
    np.testing.assert_array_equal(one.vector_env.state, other.vector_env.state)
    assert whole.ep_info_buffer is not None
    assert resumed.ep_info_buffer is not None
    returns = [[episode["r"] for episode in m.ep_info_buffer] for m in (whole, resumed)]
    assert returns[0] == returns[1]


class SaveOnce(BaseCallback):
    """Saves before the third rollout, in the middle of a run."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.rollouts = 0

    def _on_rollout_start(self) -> None:
        self.rollouts += 1
        if self.rollouts == 3:
            save_checkpoint(self.model, self.folder, {})

    def _on_step(self) -> bool:
        return True


def test_a_pointer_run_resumed_in_the_middle_is_exact(tmp_path: Path) -> None:
    """With a falling learning rate, an image and a wrapper of Stable-Baselines3 around the env."""
    settings = {"n_steps": 8, "batch_size": 16, "learning_rate": LinearSchedule(1e-2, 0.0, 1.0)}
    whole = pointer(NativeVecEnv(Bandit(4, image=True)), **settings)
    whole.learn(5 * 32, callback=SaveOnce(tmp_path))
    assert whole.get_env() is not whole.get_env().unwrapped

    resumed = pointer(NativeVecEnv(Bandit(4, image=True)), **settings)
    load_checkpoint(resumed, tmp_path)
    assert resumed.num_timesteps == 2 * 32
    resumed.learn(3 * 32, reset_num_timesteps=False)
    assert_equal_weights(whole, resumed)
    for key, value in whole._last_obs.items():
        np.testing.assert_array_equal(value, resumed._last_obs[key])


def test_dqn_keeps_its_networks(tmp_path: Path) -> None:
    model, _ = make("dqn")
    model.learn(1_000)
    save_checkpoint(model, tmp_path, {})
    other, _ = make("dqn", seed=3)
    load_checkpoint(other, tmp_path)
    assert_equal_weights(model, other)
    states = np.random.default_rng(0).random((50, 3)).astype(np.float32)
    first, _ = model.predict(states, deterministic=True)
    second, _ = other.predict(states, deterministic=True)
    np.testing.assert_array_equal(first, second)
    other.learn(200, reset_num_timesteps=False)


@pytest.mark.parametrize("damage", ["cut", "flip", "no manifest"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(damage: str, tmp_path: Path) -> None:
    model, _ = make("ppo")
    for number in range(4):
        newest = save_checkpoint(model, tmp_path, {"number": number})
    assert len(list(tmp_path.iterdir())) == 2
    arrays = newest / "arrays.safetensors"
    data = bytearray(arrays.read_bytes())
    if damage == "cut":
        arrays.write_bytes(data[: len(data) // 2])
    elif damage == "flip":
        data[-5] ^= 1
        arrays.write_bytes(data)
    else:
        (newest / "manifest.json").unlink()
    with pytest.warns(UserWarning, match="damaged"):
        assert load_checkpoint(model, tmp_path) == {"number": 2}


def test_a_failed_save_leaves_the_previous_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _ = make("ppo")
    save_checkpoint(model, tmp_path, {"number": 0})

    def fail(self: Path, target: Path) -> Path:
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(SegueError, match="no space"):
            save_checkpoint(model, tmp_path, {"number": 1})
    assert len(list(tmp_path.iterdir())) == 1
    assert load_checkpoint(model, tmp_path) == {"number": 0}


def test_wrong_checkpoints_are_told(tmp_path: Path) -> None:
    model, _ = make("ppo")
    with pytest.raises(SegueError, match="no whole checkpoint"):
        load_checkpoint(model, tmp_path)
    with pytest.raises(SegueError, match="cannot hold"):
        save_checkpoint(model, tmp_path, {"bad": object()})
    save_checkpoint(model, tmp_path, {})
    other, _ = make("a2c")
    with pytest.raises(SegueError, match="A2C"):
        load_checkpoint(other, tmp_path)
    wide = build(
        "ppo",
        NativeVecEnv(Chain(8)),
        seed=0,
        hyperparameters={"policy_kwargs": {"net_arch": [24]}},
    )
    with pytest.raises(SegueError, match="does not fit"):
        load_checkpoint(wide, tmp_path)


def test_records_survive_split_and_join() -> None:
    tree = {
        "a": [1, 2.5, None, True, "x"],
        3: (np.arange(6).reshape(2, 3).T, torch.tensor(4.0)),
        "b": np.array([True, False]),
        "nested": {"n": np.float64(2.0), "big": 2**100},
    }
    arrays: dict[str, np.ndarray] = {}
    back = join(split(tree, arrays), arrays)
    assert back["a"] == tree["a"]
    np.testing.assert_array_equal(back[3][0], tree[3][0])  # type: ignore[index]
    assert isinstance(back[3], tuple)
    assert torch.equal(back[3][1], torch.tensor(4.0))
    np.testing.assert_array_equal(back["b"], [True, False])
    assert back["nested"] == {"n": 2.0, "big": 2**100}
