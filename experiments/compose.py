"""Composing a tune: a piece by mood, and Q-learning on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from segue.agents.tabular import GreedyPolicy, QLearningConfig, QTable, train_compiled
from segue.envs.base.errors import SegueError
from segue.envs.base.transition_model import TransitionModel
from segue.envs.lead_sheet.env import LeadSheetEnv
from segue.envs.lead_sheet.generator import draw_piece
from segue.envs.lead_sheet.types import Brief, Piece
from segue.envs.music.tune import Tune
from segue.experiments.evaluation import greedy_action, play, random_action, table_action

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Composition:
    """A composed tune and how good it is by its own reward.

    Attributes
    ----------
    tune : Tune
        The tune.
    value, optimum, random, greedy : float
        Return of the tune, the exact optimum, and the returns of the baselines.
    steps : int
        Notes, holds and rests that the agent tried.
    terms : mapping of str to float
        Sum of each weighted reward term.
    curve : ndarray (k, 2) float64
        Episodes played and mean return of the last chunk of them.
    by : str
        Who composed it.
    """

    tune: Tune
    value: float
    optimum: float
    random: float
    greedy: float
    steps: int
    terms: Mapping[str, float]
    curve: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    by: str = "Q-learning"

    @property
    def fraction(self) -> float:
        """Return as a fraction of the optimum."""
        return self.value / self.optimum


def q_learning_config(model: TransitionModel, seed: int, episodes: int) -> QLearningConfig:
    """Settings that suit a deterministic task of known horizon.

    The greatest reward of one step makes the first values optimistic; it is read off the reward's
    own tables, as is the length of the episode.
    """
    return QLearningConfig(
        episodes=episodes,
        seed=seed,
        horizon=model.horizon,
        initial_value_per_step=float(model.reward[model.legal].max()),
    )


def optimistic_table(model: TransitionModel, seed: int) -> QTable:
    """Q-table that believes every slot that is left to pay its greatest reward.

    The rewards of slots differ, so this is a closer bound than one for all of them, and Q-learning
    rules out what is worse the sooner.

    Parameters
    ----------
    model : TransitionModel
        Of episodes of one length, its states in the order of the slots.
    seed : int
        Of the agent.
    """
    table = QTable.empty(model.n_states, model.n_actions, seed)
    rewards = np.where(model.legal, model.reward, -np.inf).reshape(model.horizon, -1)
    left = rewards.max(axis=1)[::-1].cumsum()[::-1]
    states = np.repeat(left, model.n_states // model.horizon)
    table.q[:] = np.where(model.legal, states[:, None], -np.inf)
    return table


def compose(brief: Brief, seed: int, progress: Progress | None = None) -> Composition:
    """Compose a tune with tabular Q-learning on `segue/LeadSheet-v0`.

    Parameters
    ----------
    brief : Brief
        What is asked for: mood, bars, chords, key, metre, tempo, swing.
    seed : int
        Of the piece and of the agent; the same seed gives the same tune.
    progress : callable or None
        Called with the share done and what is being done.

    Raises
    ------
    SegueError
        For a negative seed, or as `draw_piece`.
    """
    check_seed(seed)
    piece = draw_piece(brief, np.random.default_rng(seed))
    return compose_piece(piece, seed, f"{brief.mood.capitalize()} No. {seed + 1}", progress)


def check_seed(seed: int) -> None:
    """Refuse a negative seed with a `SegueError`."""
    if seed < 0:
        raise SegueError(f"seed is {seed}; give a whole number from 0 on.")


def compose_piece(
    piece: Piece, seed: int, title: str, progress: Progress | None = None
) -> Composition:
    """Learn the melody of a piece with tabular Q-learning, and title it.

    Parameters
    ----------
    piece : Piece
        What the melody is written over.
    seed : int
        Of the agent.
    title : str
        Of the tune.
    progress : callable or None
        As for `compose`.
    """
    env = LeadSheetEnv(pieces=(piece,))
    env.reset(seed=seed)
    model = env.transition_model()
    config = q_learning_config(model, seed, episodes=5_000_000)
    optimum = env.optimum()

    def report(table: QTable) -> None:
        if progress:
            best = table.curve[-1] if len(table.curve) else 0.0
            progress(min(0.99, max(0.0, float(best) / optimum)), f"{table.episodes:,} episodes")

    table = optimistic_table(model, seed)
    table = train_compiled(model, config, table=table, progress=report)
    random_return, _ = play(env, random_action(np.random.default_rng(seed)), seed)
    greedy_return, _ = play(env, greedy_action, seed)
    value, terms = play(env, table_action(GreedyPolicy(table.q)), seed)
    episodes = np.arange(1, len(table.curve) + 1) * config.chunk_episodes
    return Composition(
        tune=env.tune(title),
        value=value,
        optimum=optimum,
        random=random_return,
        greedy=greedy_return,
        steps=table.steps,
        terms=terms,
        curve=np.stack([np.minimum(episodes, table.episodes), np.asarray(table.curve)], axis=1),
    )
