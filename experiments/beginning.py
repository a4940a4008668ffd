"""How a deep agent begins: with demonstrations, with an expert, or with nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from sb3_contrib import MaskablePPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from segue.agents.deep.cloning import clone, hold_out
from segue.agents.demonstrations import Episode, decisions_of, play_greedy, record
from segue.envs.base.errors import SegueError
from segue.envs.base.vector import SegueVectorEnv
from segue.experiments.imitation import CRITIC_DECISIONS, EXPERT_ENVS, fit_critic, imitate_expert
from segue.experiments.learning import make_env, make_vector_env
from segue.experiments.train_config import IMITATORS, SHOWN, TrainConfig

Progress = Callable[[float, str], None]

CRITIC_ENVS = 64
"""Environments side by side in which the critic watches."""


@dataclass(frozen=True)
class Begun:
    """How an agent began.

    Attributes
    ----------
    losses : list of float
        Epoch by epoch or round by round: nats of a demonstrated decision, or mean regret by the
        expert; empty where it learns from demonstrations while it acts.
    agreement : mapping of str to float
        See `agreement`; empty where no demonstrations were held out.
    """

    losses: list[float] = field(default_factory=list)
    agreement: Mapping[str, float] = field(default_factory=dict)


def begin(model: BaseAlgorithm, config: TrainConfig, progress: Progress | None = None) -> Begun:
    """Teach a new agent what its settings say it should know before it learns from reward.

    Parameters
    ----------
    model : BaseAlgorithm
        New.
    config : TrainConfig
        Its settings.
    progress : callable or None
        Called with the share done and a text.

    Returns
    -------
    Begun

    Raises
    ------
    SegueError
        If demonstrations are missing or do not fit, or the environment has no expert.
    """
    if config.agent == "dagger":
        return _ask(model, config, config.steps, progress)
    if config.demonstrations:
        # Imported late: it loads what reads film.
        from segue.experiments.demonstration_sources import load_demonstrations

        env = make_env(config.env, config.env_options)
        episodes = load_demonstrations(Path(config.demonstrations), env)
        return _show(model, config, episodes, progress)
    if config.expert_decisions:
        return _ask(model, config, config.expert_decisions, progress)
    if config.greedy_demonstrations:
        seeds = range(config.seed, config.seed + config.greedy_demonstrations)
        told = _of(progress, len(seeds), "recording greedy demonstrations")
        env = make_env(config.env, config.env_options)
        return _show(model, config, record(env, play_greedy, seeds, "greedy", told), progress)
    return Begun()


def _show(
    model: BaseAlgorithm,
    config: TrainConfig,
    episodes: Sequence[Episode],
    progress: Progress | None,
) -> Begun:
    """Give demonstrations to an agent: some learn from them as they go, the others imitate."""
    if config.agent in SHOWN:
        model.demonstrate(episodes)  # type: ignore[attr-defined]
        return Begun()
    if not isinstance(model, OnPolicyAlgorithm):
        raise SegueError(
            f"{config.agent} cannot imitate; choose dqfd, or leave demonstrations out."
        )
    settings = dict(config.cloning)
    share = settings.pop("held_out", 0.0)
    kept, apart = hold_out(episodes, share, config.seed) if share else (episodes, [])
    losses = clone(
        model,
        decisions_of(kept),
        held_out=decisions_of(apart) if apart else None,
        seed=config.seed,
        progress=progress,
        **settings,
    )
    if config.agent not in IMITATORS:
        env = make_vector_env(config.env, CRITIC_ENVS, config.env_options).unwrapped
        if isinstance(env, SegueVectorEnv):
            fit_critic(model, env, CRITIC_DECISIONS, config.seed)
    return Begun(losses, agreement(model, apart) if apart else {})


def agreement(model: OnPolicyAlgorithm, episodes: Sequence[Episode]) -> dict[str, float]:
    """Tell how often an agent would have done in an episode what was done there.

    Parameters
    ----------
    model : OnPolicyAlgorithm
        The agent; its likeliest action counts.
    episodes : sequence of Episode
        Demonstrations that it has not learnt from.

    Returns
    -------
    dict of str to float
        Shares in [0, 1]: of ``decisions``, those with more than one legal action; and of
        ``changes``, those where something else was done than in the decision before, such as a
        cut to another camera. Left out where there are none.
    """
    hits: dict[str, list[bool]] = {"decisions": [], "changes": []}
    for episode in episodes:
        shown = decisions_of([episode])
        masked = isinstance(model, MaskablePPO) and shown.masks is not None
        extra: dict[str, Any] = {"action_masks": shown.masks} if masked else {}
        done, _ = model.predict(shown.observations, deterministic=True, **extra)
        same = (done == shown.actions).reshape(len(episode), -1).all(axis=1)
        free = np.ones(len(same), bool) if shown.masks is None else shown.masks.sum(axis=1) > 1
        moved = np.diff(shown.actions.reshape(len(episode), -1), axis=0).any(axis=1)
        hits["decisions"] += same[free].tolist()
        hits["changes"] += same[1:][moved & free[1:]].tolist()
    return {name: float(np.mean(found)) for name, found in hits.items() if found}


def _ask(
    model: BaseAlgorithm, config: TrainConfig, decisions: int, progress: Progress | None
) -> Begun:
    """Let an agent ask the environment's expert."""
    assert isinstance(model, OnPolicyAlgorithm)
    options = {**config.env_options, **config.expert_options}
    teachers = _teachers(config.env, json.dumps(options, sort_keys=True))
    critic = config.agent not in IMITATORS
    return Begun(imitate_expert(model, teachers, decisions, config.seed, progress, critic))


@lru_cache(maxsize=1)
def _teachers(env_id: str, options: str) -> gym.vector.VectorEnv[Any, Any, Any]:
    """Environments in which the expert is asked; other seeds need not solve them anew."""
    return make_vector_env(env_id, EXPERT_ENVS, json.loads(options)).unwrapped


def _of(progress: Progress | None, count: int, text: str) -> Callable[[int], None] | None:
    return None if progress is None else lambda done: progress(done / count, text)
