"""How near tabular Q-learning comes to the exact optimum of `segue/Highlight-v0`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from segue.agents.tabular import GreedyPolicy, QLearningConfig, rollout_return, train_compiled
from segue.envs.base.transition_model import TransitionModel
from segue.envs.highlight.env import HighlightEnv
from segue.envs.highlight.types import KEEP
from segue.experiments.progress import Tell

VIDEOS = 10
"""Drawn videos that are learnt, each by itself."""


def measure_highlight(seeds: int = 20, tell: Tell | None = None) -> dict[str, Any]:
    """Train Q-learning on drawn videos and measure it.

    Parameters
    ----------
    seeds : int
        Seeds of Q-learning on each video.
    tell : callable or None
        Called with the share done and what is being done.

    Returns
    -------
    dict
        ``videos``: for each, its sizes, exact values, baselines and how Q-learning did;
        ``seeds``. JSON-able.
    """
    env = HighlightEnv(videos=VIDEOS)
    rows: dict[str, Any] = {}
    seed = 0
    while len(rows) < VIDEOS:
        # Episodes choose their video by the seed: go on until every one was met.
        env.reset(seed=seed)
        if env.video.name not in rows:
            if tell is not None:
                tell(len(rows) / VIDEOS, f"Q-learning: {env.video.name}")
            rows[env.video.name] = _row(env, seed, seeds)
        seed += 1
    return {"videos": [rows[name] for name in sorted(rows)], "seeds": seeds}


def q_learning_config(model: TransitionModel, seed: int) -> QLearningConfig:
    """Settings of tabular Q-learning.

    First values are optimistic by the greatest reward of one step, so that they explore by
    themselves. The random actions of the first hundred episodes only make the seeds differ.
    """
    return QLearningConfig(
        seed=seed,
        epsilon_start=1.0,
        epsilon_episodes=100,
        initial_value_per_step=float(model.reward[model.legal].max()),
        horizon=model.horizon,
    )


def _row(env: HighlightEnv, episode: int, seeds: int) -> dict[str, Any]:
    """Exact values of the video of an episode, baselines, and Q-learning on it."""
    model, solution = env.transition_model(), env.solution()
    gaps, steps = [], []
    for seed in range(seeds):
        table = train_compiled(model, q_learning_config(model, seed))
        value = rollout_return(model, GreedyPolicy(table.q).actions())
        gaps.append(max(solution.gap(value), 0.0))
        steps.append(table.steps)
    return {
        "name": env.video.name,
        "shots": model.horizon,
        "states": model.n_states,
        "optimum": solution.optimum,
        "random": solution.random_return,
        "first_come": _played(env, episode, lambda: KEEP * int(env.action_masks()[KEEP])),
        "densest": _played(env, episode, env.greedy_action),
        "q_learning": {
            "gaps": gaps,
            "worst_gap": max(gaps),
            "within_1_percent": sum(gap <= 0.01 for gap in gaps),
            "median_steps": float(np.median(steps)),
        },
    }


def _played(env: HighlightEnv, episode: int, act: Callable[[], int]) -> float:
    """Return of an episode."""
    env.reset(seed=episode)
    total, terminated = 0.0, False
    while not terminated:
        _, reward, terminated, _, _ = env.step(act())
        total += reward
    return total


def highlight_markdown(figures: Mapping[str, Any]) -> str:
    """Write what `measure_highlight` gave as a Markdown table."""
    lines = [
        "| video | shots | states | V* | random | first come | densest first "
        "| Q-learning within 1 % | its worst gap | its steps, median |",
        f"| --- |{' ---: |' * 9}",
    ]
    for row in figures["videos"]:
        learnt = row["q_learning"]
        shares = " | ".join(
            f"{100 * row[key] / row['optimum']:.1f} %"
            for key in ("random", "first_come", "densest")
        )
        lines.append(
            f"| {row['name']} | {row['shots']} | {row['states']:,} | {row['optimum']:.4f} "
            f"| {shares} | {learnt['within_1_percent']} of {figures['seeds']} "
            f"| {100 * learnt['worst_gap']:.3f} % | {learnt['median_steps']:,.0f} |"
        )
    return "\n".join((*lines, "", "Baselines are shares of V*, which is exact.", ""))
