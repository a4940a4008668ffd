"""The policy that chooses a candidate and then what to do with it, and its lessons."""

from __future__ import annotations

from itertools import product
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from sb3_contrib import MaskablePPO

from segue.agents.deep import NativeVecEnv, build
from segue.agents.deep.chained_policy import ChainedPointerPolicy
from segue.envs.base.errors import SegueError
from segue.envs.montage.env import MontageVectorEnv
from segue.experiments import imitation
from segue.experiments.imitation import fit_critic, imitate_expert, returns_to_go

SETTINGS: dict[str, Any] = {
    "policy": "chained",
    "policy_kwargs": {"hidden": 32},
    "n_steps": 16,
    "batch_size": 64,
}


def small_policy() -> ChainedPointerPolicy:
    torch.manual_seed(0)
    space = spaces.Dict(
        {
            "shots": spaces.Box(-1, 1, (4 * 3,), dtype=np.float32),
            "context": spaces.Box(-1, 1, (5,), dtype=np.float32),
        }
    )
    actions = spaces.MultiDiscrete([4, 2, 3])
    policy = ChainedPointerPolicy(space, actions, lambda _: 1e-3, hidden=16, heads=2)
    # Away from equal probabilities.
    for parameter in policy.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return policy


def seen(rows: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    shots = torch.rand((rows, 4, 3), generator=generator) * 2 - 1
    shots[..., -1] = 1.0
    return {
        "shots": shots.flatten(1),
        "context": torch.rand((rows, 5), generator=generator) * 2 - 1,
    }


def test_the_probabilities_of_all_actions_add_up_to_one() -> None:
    policy, obs = small_policy(), seen(1)
    actions = torch.tensor(list(product(range(4), range(2), range(3))))
    many = {key: part.expand(len(actions), -1) for key, part in obs.items()}
    with torch.no_grad():
        _, logs, _ = policy.evaluate_actions(many, actions)
        assert logs.exp().sum().item() == pytest.approx(1.0, abs=1e-5)
        masks = np.ones((len(actions), 9), dtype=bool)
        masks[:, [1, 2, 4, 8]] = False
        _, masked, _ = policy.evaluate_actions(many, actions, action_masks=masks)
    legal = np.isin(actions[:, 0], (0, 3)) & (actions[:, 1].numpy() == 1)
    legal &= np.isin(actions[:, 2], (0, 1))
    assert masked[legal].exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    assert masked[~legal].exp().max().item() < 1e-6


def test_what_is_drawn_has_the_probability_that_is_told() -> None:
    policy, obs = small_policy(), seen(1)
    many = {key: part.expand(20_000, -1) for key, part in obs.items()}
    with torch.no_grad():
        actions, values, logs = policy(many)
        again, evaluated, entropy = policy.evaluate_actions(many, actions)
        best, _, _ = policy(obs, deterministic=True)
        torch.testing.assert_close(policy._predict(obs, deterministic=True), best)
    torch.testing.assert_close(logs, evaluated)
    torch.testing.assert_close(values, again)
    number = (actions[:, 0] * 2 + actions[:, 1]) * 3 + actions[:, 2]
    for code in number.unique():
        share = (number == code).float().mean().item()
        told = logs[number == code][0].exp().item()
        assert share == pytest.approx(told, abs=5 * np.sqrt(told / 20_000) + 1e-3)
    assert entropy is not None
    assert entropy.mean().item() == pytest.approx(-logs.mean().item(), rel=0.05)


def test_later_parts_fit_the_earlier_ones() -> None:
    """The second part must be learnt to depend on the first, which a product of parts cannot."""
    policy, obs = small_policy(), seen(1)
    torch.manual_seed(0)
    many = {key: part.expand(4, -1) for key, part in obs.items()}
    wanted = torch.tensor([[0, 0, 2], [1, 1, 0], [2, 0, 1], [3, 1, 2]])
    optimiser = torch.optim.Adam(policy.parameters(), lr=3e-3)
    for _ in range(400):
        _, logs, _ = policy.evaluate_actions(many, wanted)
        optimiser.zero_grad()
        (-logs.mean()).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    # Four actions, equally likely: no less than log 4 nats can be reached.
    assert -logs.mean().item() < np.log(4) + 0.05


def test_reordering_candidates_reorders_their_probabilities() -> None:
    policy, obs = small_policy(), seen(3)
    order = torch.tensor([2, 0, 3, 1])
    moved = {**obs, "shots": obs["shots"].view(3, 4, 3)[:, order].flatten(1)}
    with torch.no_grad():
        for shot, place in enumerate(order.argsort()):
            there = torch.tensor([[shot, 1, 2]] * 3), torch.tensor([[int(place), 1, 2]] * 3)
            values, logs, _ = policy.evaluate_actions(obs, there[0])
            other, moved_logs, _ = policy.evaluate_actions(moved, there[1])
            torch.testing.assert_close(logs, moved_logs)
            torch.testing.assert_close(values, other)


def test_it_needs_parts_and_a_set() -> None:
    space = spaces.Dict({"shots": spaces.Box(-1, 1, (7,), dtype=np.float32)})
    with pytest.raises(SegueError, match="MultiDiscrete"):
        ChainedPointerPolicy(space, spaces.Discrete(4), lambda _: 1e-3)
    with pytest.raises(SegueError, match="no set 'shots' of 4"):
        ChainedPointerPolicy(space, spaces.MultiDiscrete([4, 2]), lambda _: 1e-3)


def montage(bins: int, seed: int = 0, envs: int = 16) -> MontageVectorEnv:
    return MontageVectorEnv(
        envs,
        shots=5,
        beats=8,
        bins=bins,
        bin_seed=seed,
        autoreset_mode=AutoresetMode.SAME_STEP,
    )


def agent(venv: NativeVecEnv) -> MaskablePPO:
    model = build("maskable-ppo", venv, seed=0, hyperparameters=SETTINGS)
    assert isinstance(model, MaskablePPO)
    return model


def mean_return(model: MaskablePPO, env: MontageVectorEnv) -> float:
    task = env.task
    batch = task.allocate(32)
    task.begin(batch, np.arange(32), np.arange(32, dtype=np.uint64))
    total = np.zeros(32)
    while not batch.terminated.all():
        obs = {key: part.copy() for key, part in batch.observation.items()}  # type: ignore[union-attr]
        masks = batch.mask.astype(bool)
        actions, _ = model.predict(obs, deterministic=True, action_masks=masks)
        task.step(batch, actions.astype(np.int64))
        total += batch.reward
    return float(total.mean())


def test_an_agent_learns_from_the_expert_and_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imitation, "CRITIC_DECISIONS", 800)
    env = montage(bins=8)
    model = agent(NativeVecEnv(montage(bins=8)))
    before = mean_return(model, env)
    told: list[str] = []
    regrets = imitate_expert(model, env, 1600, seed=0, progress=lambda _, text: told.append(text))
    assert len(regrets) == imitation.ROUNDS
    assert regrets[-1] < 0.7 * regrets[0]
    after = mean_return(model, env)
    assert after > before + 0.3
    assert any("round 12 of 12" in text for text in told)
    assert fit_critic(model, env, 800, seed=1) > 0.2
    # The actor is left alone by it.
    assert mean_return(model, env) == after
    model.learn(512)


def test_returns_to_go_stop_at_the_end_of_an_episode() -> None:
    rewards = np.array([[1.0, 1.0], [2.0, 10.0], [4.0, 100.0], [8.0, 1000.0]])
    ends = np.array([[False, False], [True, False], [False, True], [False, False]])
    left, whole = returns_to_go(rewards, ends)
    assert whole.tolist() == [[True, True], [True, True], [False, True], [False, False]]
    assert left[whole].tolist() == [3.0, 111.0, 2.0, 110.0, 100.0]


def test_an_environment_without_expert_is_refused() -> None:
    env = gym.make_vec("segue/Melody-v0", num_envs=2, autoreset_mode=AutoresetMode.SAME_STEP)
    model = agent(NativeVecEnv(montage(bins=2)))
    with pytest.raises(SegueError, match="no expert"):
        imitate_expert(model, env.unwrapped, 10, 0)


def test_candidates_are_scored_with_the_summary_beside_each() -> None:
    policy = small_policy()
    head: Any = policy.action_net
    features = policy.extract_features(seen(3))
    scores, candidates, summary = head.candidates(features)
    beside = summary[:, None].expand(-1, 4, -1)
    expected = head.score(torch.cat([candidates, beside], dim=2)).squeeze(-1)
    torch.testing.assert_close(scores, expected)
