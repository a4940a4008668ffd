"""Warm start from an expert: an agent imitates what it should have done where it went itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from segue.agents.deep.advised import AdvisedLearner, Lessons
from segue.envs.base.errors import SegueError
from segue.envs.base.vector import SegueVectorEnv

Progress = Callable[[float, str], None]

EXPERT_ENVS = 128
"""Environments side by side in which the expert is asked."""
ROUNDS = 12
"""Times that the agent learns from all decisions gathered so far."""
PASSES, BATCH = 10, 256
"""How often a decision is learnt from, on average, and with how many others."""
CRITIC_DECISIONS, CRITIC_UPDATES = 8_000, 300
CRITIC = ("value_net", "mlp_extractor.critic", "mlp_extractor.value_net")
"""Layers of a policy that the actor does not use."""
OWN = 0.8
"""Share of the decisions that are the agent's own, from the second round on."""


def imitate_expert(
    model: OnPolicyAlgorithm,
    env: gym.vector.VectorEnv[Any, Any, Any],
    decisions: int,
    seed: int,
    progress: Progress | None = None,
    critic: bool = True,
) -> list[float]:
    """Learn what an expert says every choice is worth, where the agent comes itself.

    In the first round the expert plays; then mostly the agent does, and the expert says what each
    choice would have been worth (`segue.agents.deep.advised`). Source: Ross, Gordon & Bagnell
    (2011), DAgger; Ross & Bagnell (2014).

    Parameters
    ----------
    model : OnPolicyAlgorithm
        PPO, A2C or MaskablePPO, on environments like `env`.
    env : gymnasium.vector.VectorEnv
        One of segue's, resetting in the step that ends an episode, whose task has
        ``advice(batch, rows)``.
    decisions : int
        How many the expert is asked for in all.
    seed : int
        Of episodes, mixture and learning.
    progress : callable or None
        Called with the share done and a text.
    critic : bool
        Whether the critic then learns what the agent's returns are, for learning from reward.

    Returns
    -------
    list of float
        Mean regret, by the expert, of the agent's decisions in each round.

    Raises
    ------
    SegueError
        When the environment has no expert.
    """
    if not isinstance(env, SegueVectorEnv):
        raise SegueError(f"{type(env).__name__} has no expert to ask; choose one of segue's own.")
    steps = -(-decisions // (ROUNDS * env.num_envs))
    count = steps * env.num_envs
    updates = [
        max(1, PASSES * count * 2 * (round_ + 1) // (BATCH * (ROUNDS + 1)))
        for round_ in range(ROUNDS)
    ]
    lesson = _Lesson(model, env, steps, seed)
    learner: AdvisedLearner | None = None
    regrets = []
    for round_ in range(ROUNDS):
        if progress:
            # The first answer takes longest: the expert solves the bins.
            progress(round_ / ROUNDS, f"asking the expert, round {round_ + 1} of {ROUNDS}")
        gathered = lesson.gather(own=OWN if round_ else 0.0)
        learner = learner or AdvisedLearner(model, gathered.scale, sum(updates), seed)
        regrets.append(learner.learn(gathered, updates[round_], BATCH))
        if progress:
            text = f"learning from the expert, round {round_ + 1} of {ROUNDS}"
            progress((round_ + 1) / ROUNDS, f"{text}, regret {regrets[-1]:.3f}")
    if critic:
        fit_critic(model, env, min(CRITIC_DECISIONS, decisions // 2), seed)
    return regrets


class _Lesson:
    """Plays, with the expert beside it, and keeps what it says."""

    def __init__(
        self,
        model: OnPolicyAlgorithm,
        env: SegueVectorEnv[Any],
        steps: int,
        seed: int,
    ) -> None:
        self._model, self._env, self._steps = model, env, steps
        self._generator = np.random.default_rng(seed)
        self._seen, _ = env.reset(seed=seed)
        self._kept: list[Lessons] = []

    def gather(self, own: float) -> Lessons:
        """Make the next decisions, a share `own` of them the agent's; all lessons so far."""
        env, rows = self._env, np.arange(self._env.num_envs)
        for _ in range(self._steps):
            said, masks = env.task.advice(env.batch, rows), env.action_masks()
            actions = said.actions
            if own:
                hers = self._generator.random((len(rows), *[1] * (actions.ndim - 1))) < own
                drawn = _chosen(self._model, self._seen, masks, deterministic=False)
                actions = np.where(hers, drawn, actions)
            self._kept.append(Lessons(self._seen, actions, masks, _regrets(said.values(actions))))
            self._seen, *_ = env.step(actions)
        self._kept = [_together(self._kept)]
        return self._kept[0]


def _regrets(values: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float32]:
    """What each choice loses against the best of its part, (k, choices of all parts)."""
    lost = [part.max(axis=1, keepdims=True) - part for part in values]
    joined = np.concatenate(lost, axis=1)
    return np.where(np.isfinite(joined), joined, 0.0).astype(np.float32)


def _together(lessons: Sequence[Lessons]) -> Lessons:
    """Put lessons one after the other."""
    parts = {
        name: np.concatenate([getattr(one, name) for one in lessons])
        for name in ("paths", "masks", "regrets")
    }
    return Lessons(_joined([one.observations for one in lessons]), **parts)


def fit_critic(
    model: OnPolicyAlgorithm, env: SegueVectorEnv[Any], decisions: int, seed: int
) -> float:
    """Teach the critic the returns of the policy as it is, so that what it has learnt is kept.

    A critic that knows nothing calls everything an advantage, and the first updates would undo the
    imitation. Only the layers that the actor does not use are taught.

    Parameters
    ----------
    model, env, seed
        As of `imitate_expert`.
    decisions : int
        How many are played for it, or more until an episode has ended.

    Returns
    -------
    float
        Share of the returns' variance that the critic explains.
    """
    observation, _ = env.reset(seed=seed)
    seen: list[Any] = []
    rewards: list[Any] = []
    ends: list[Any] = []
    # Only returns to the end of an episode tell anything.
    while len(rewards) * env.num_envs < decisions or not any(map(np.any, ends)):
        seen.append(observation)
        actions = _chosen(model, observation, env.action_masks(), deterministic=False)
        observation, reward, terminated, truncated, _ = env.step(actions)
        rewards.append(reward)
        ends.append(terminated | truncated)
    left, whole = returns_to_go(np.array(rewards), np.array(ends), model.gamma)
    kept = np.flatnonzero(whole)
    target = torch.as_tensor(left.reshape(-1)[kept], dtype=torch.float32)
    joined, policy = _joined(seen), model.policy
    own = [p for name, p in policy.named_parameters() if name.startswith(CRITIC)]
    optimiser, generator = torch.optim.Adam(own, lr=1e-3), np.random.default_rng(seed)
    # What comes before the critic's own layers stays as it is.
    extract: Any = policy.extract_features
    with torch.no_grad():
        parts = [
            extract(policy.obs_to_tensor(_rows(joined, rows))[0], policy.vf_features_extractor)
            for rows in np.array_split(kept, -(-len(kept) // 512))
        ]
    features = torch.cat(parts)
    errors: list[float] = []
    for _ in range(CRITIC_UPDATES):
        drawn = torch.as_tensor(generator.integers(len(kept), size=min(512, len(kept))))
        value = policy.value_net(policy.mlp_extractor.forward_critic(features[drawn]))
        loss = (value.squeeze(1) - target[drawn]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(loss.item())
    return 1.0 - float(np.mean(errors[-20:])) / float(target.var())


def returns_to_go(
    rewards: npt.NDArray[np.float64], ends: npt.NDArray[np.bool_], gamma: float = 1.0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Sum of the rewards from each step to the end of its episode, and whether that was seen.

    Parameters
    ----------
    rewards, ends : ndarray (steps, n)
        Of n environments: the rewards, and which steps ended an episode.
    gamma : float
        Discount.
    """
    left, whole = np.zeros(rewards.shape), np.zeros(rewards.shape, dtype=np.bool_)
    ahead, seen = np.zeros(rewards.shape[1]), np.zeros(rewards.shape[1], dtype=np.bool_)
    for step in reversed(range(len(rewards))):
        seen = seen | ends[step]
        ahead = rewards[step] + gamma * np.where(ends[step], 0.0, ahead)
        left[step], whole[step] = ahead, seen
    return left, whole


def _chosen(
    model: OnPolicyAlgorithm,
    observation: Any,
    masks: npt.NDArray[np.bool_],
    deterministic: bool = True,
) -> npt.NDArray[Any]:
    """What the agent itself holds best or, not deterministic, draws, (k, ...)."""
    extra: dict[str, Any] = {"action_masks": masks} if isinstance(model, MaskablePPO) else {}
    actions, _ = model.predict(observation, deterministic=deterministic, **extra)
    return np.asarray(actions)


def _rows(seen: Any, rows: npt.NDArray[np.int64]) -> Any:
    return {k: v[rows] for k, v in seen.items()} if isinstance(seen, dict) else seen[rows]


def _joined(seen: list[Any]) -> Any:
    """Put observations of many steps one after the other."""
    if isinstance(seen[0], dict):
        return {key: np.concatenate([one[key] for one in seen]) for key in seen[0]}
    return np.concatenate(seen)
