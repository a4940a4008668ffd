"""Playing test episodes of a run once more, to see and hear what its agent makes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from segue.agents.deep import load_checkpoint
from segue.agents.tabular import QTable, load_newest
from segue.envs.base.errors import SegueError
from segue.envs.lead_sheet.env import LeadSheetEnv
from segue.envs.melody.env import MelodyEnv
from segue.envs.music.tune import Tune
from segue.experiments.compare_runs import Group, Run
from segue.experiments.compare_scores import Measure
from segue.experiments.episode_media import EpisodeMedia, episode_media
from segue.experiments.evaluation import Act, model_action
from segue.experiments.learning import make_env
from segue.experiments.run_folder import RunFolder
from segue.experiments.tabular_training import TabularTraining
from segue.experiments.train import make_agent, make_test_env
from segue.experiments.train_config import TABULAR, TrainConfig

FRAMES = 24
"""Most pictures of an episode."""
LONGEST = 100_000
"""Steps after which an episode is cut off."""


@dataclass(frozen=True)
class Chosen:
    """A test episode that is shown.

    Attributes
    ----------
    rank : str
        Such as ``"Best"`` or ``"Worst"`` of all test episodes of all runs of the agent.
    run : Run
        Who played it.
    episode : int
        Which of the run's test episodes.
    score : float
        See `segue.experiments.compare_scores.Measure`.
    """

    rank: str
    run: Run
    episode: int
    score: float

    @property
    def seed(self) -> int:
        """Of the episode."""
        return self.run.result.test_seeds[self.episode]

    @property
    def value(self) -> float:
        """Return that the run's result tells."""
        return self.run.result.returns[self.episode]


@dataclass(frozen=True, eq=False)
class Played:
    """What a replay gave.

    Attributes
    ----------
    value : float
        Return.
    steps : int
        Length of the episode.
    terms : mapping of str to float
        Sum of each reward term.
    media : EpisodeMedia
        What can be seen and heard of it.
    tune : Tune or None
        Where the environment writes one.
    """

    value: float
    steps: int
    terms: Mapping[str, float]
    media: EpisodeMedia
    tune: Tune | None


def choose(group: Group, measure: Measure, count: int) -> list[Chosen]:
    """Choose test episodes of an agent from its best to its worst, evenly by rank.

    Episodes of one seed with one return are one: the same work would be shown twice.

    Parameters
    ----------
    group : Group
        Runs of the agent.
    measure : Measure
        How returns become scores.
    count : int
        How many, at least 0; of one, it is the median.
    """
    scores = np.concatenate([measure.scores(run.result.returns) for run in group.runs])
    if count == 0:
        return []
    order = np.argsort(-scores, kind="stable").tolist()
    last = len(order) - 1
    steps = max(count - 1, 1)
    places = sorted({place * last // steps for place in range(count)}) if count > 1 else [last // 2]
    found: dict[tuple[int, float], Chosen] = {}
    for place in places:
        number, episode = divmod(order[place], len(group.runs[0].result.returns))
        run = group.runs[number]
        one = Chosen(_rank(place, last), run, episode, float(scores[order[place]]))
        key = one.seed, round(one.value, 9)
        if key in found:
            one = Chosen(f"{found[key].rank}, {one.rank.lower()}", run, episode, one.score)
        found[key] = one
    return list(found.values())


def _rank(place: int, last: int) -> str:
    names = {0: "Best", last // 2: "Median", last: "Worst"}
    if last < 2:
        names = {0: "Best", last: "Worst"} if last else {0: "The only episode"}
    return names.get(place, f"Number {place + 1} of {last + 1}")


def restored(config: TrainConfig, folder: RunFolder) -> tuple[Act, int, list[str]]:
    """Read the newest whole checkpoint of a run.

    Returns
    -------
    act : callable
        The agent.
    steps : int
        That it had made.
    damage : list of str
        A sentence for each newer checkpoint that is damaged.

    Raises
    ------
    SegueError
        If there is none, or it does not fit the run's settings.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            act, steps = _newest(config, folder.path / "checkpoints")
        except SegueError as error:
            raise SegueError(" ".join([*_damage(caught), str(error)])) from error
    return act, steps, _damage(caught)


def _newest(config: TrainConfig, place: Path) -> tuple[Act, int]:
    if config.agent in TABULAR:
        table = load_newest(QTable, place)
        return TabularTraining(config, make_test_env(config)).act(table), table.steps
    model, _ = make_agent(config, config.num_envs)
    load_checkpoint(model, place, to_learn=False)
    return model_action(model), model.num_timesteps


def _damage(caught: Iterable[warnings.WarningMessage]) -> list[str]:
    """Texts of the warnings that a checkpoint is passed over."""
    told = [str(one.message) for one in caught]
    return [text for text in told if text.casefold().endswith("the one before it is tried.")]


def replay(run: Run, act: Act, seed: int) -> Played:
    """Play the test episode of a seed: once to see how long it is, once more for its pictures.

    Raises
    ------
    SegueError
        If the environment cannot be made.
    """
    env = _drawn_env(run)
    try:
        observation, info = env.reset(seed=seed)
        actions: list[Any] = []
        total, sums, over = 0.0, dict.fromkeys(info.get("reward_terms", {}), 0.0), False
        while not over and len(actions) < LONGEST:
            actions.append(act(env, observation, info))
            observation, reward, terminated, truncated, info = env.step(actions[-1])
            total += float(reward)
            for name, value in info.get("reward_terms", {}).items():
                sums[name] += value
            over = terminated or truncated
        media = episode_media(env, actions, seed, FRAMES)
        inner = env.unwrapped
        tune = inner.tune() if isinstance(inner, LeadSheetEnv | MelodyEnv) else None
        return Played(total, len(actions), sums, media, tune)
    finally:
        env.close()


def _drawn_env(run: Run) -> gym.Env[Any, Any]:
    """Make the test environment, with pictures where it draws some."""
    env = make_env(run.config.env, run.test_options)
    if "rgb_array" not in (env.metadata.get("render_modes") or ()):
        return env
    env.close()
    return make_env(run.config.env, {**run.test_options, "render_mode": "rgb_array"})


__all__ = ["Chosen", "Played", "choose", "replay", "restored"]
