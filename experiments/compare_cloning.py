"""Behaviour cloning, the baseline that every comparison has: found, or trained on the spot.

What is trained lies beside the compared runs, so that the next comparison finds it::

    cloning/<env>__<options>/demonstrations/    the solver's episodes, or greedy play's
                             0/, 1/, ...        one run a seed
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym

from segue.agents.demonstrations import play_greedy, play_optimum, record, write_episodes
from segue.agents.demonstrations.minari_header import DATASET, About
from segue.agents.demonstrations.recording import choice_sizes
from segue.envs.base.errors import SegueError
from segue.experiments.compare_runs import CLONING, Group, Run, find_runs, test_difference
from segue.experiments.learning import make_env
from segue.experiments.manifest import hide_home
from segue.experiments.run_result import RESULT
from segue.experiments.train import train
from segue.experiments.train_config import TABULAR, TrainConfig, default_config

Tell = Callable[[float, str], None]

AGENT = "bc"
EPISODES = 100
"""Demonstrations that cloning is shown."""
MOST_SEEDS = 5


def found_beside(runs: Sequence[Run]) -> list[Run]:
    """Find runs of cloning beside runs of one environment, tested on the same episodes."""
    parents = dict.fromkeys(run.path.resolve().parent for run in runs)
    found: dict[Path, Run] = {}
    for parent in parents:
        try:
            near, _ = find_runs([parent])
        except SegueError:
            continue  # What is damaged there was not asked for.
        for run in near:
            of_env = run.result.agent == AGENT and run.result.env == runs[0].result.env
            if of_env and not test_difference(runs[0], run):
                found[run.path.resolve()] = run
    return list(found.values())


def clone_beside(groups: Sequence[Group], command: Sequence[str], tell: Tell) -> list[Run]:
    """Train behaviour cloning for the environment of some runs, unless that was done before.

    It is shown `EPISODES` episodes of the environment's solver, or of greedy play where there is
    none, on what the largest group of deep agents was trained on, and tested as all are.

    Parameters
    ----------
    groups : sequence of Group
        Of one environment.
    command : sequence of str
        For the manifests.
    tell : callable
        Told the share done and a text.

    Returns
    -------
    list of Run
        One a seed: as many as the largest group has, `MOST_SEEDS` at most.

    Raises
    ------
    SegueError
        If there is nobody to clone, actions are not discrete, or what was trained before was
        tested on other episodes, as where the environment has changed since.
    """
    # A table is of one task only, which teaches nothing about others.
    deep = [group for group in groups if group.runs[0].config.agent not in TABULAR]
    one = max(deep or groups, key=lambda group: len(group.runs)).runs[0]
    seeds = range(min(MOST_SEEDS, max(len(group.runs) for group in groups)))
    options = dict(one.config.env_options) if deep else one.test_options
    place = groups[0].runs[0].path.resolve().parent / CLONING / _name(one, options)
    shown = _demonstrations(one.config.env, options, place / "demonstrations", tell)
    config = replace(
        default_config(one.config.env, AGENT),
        demonstrations=str(shown),
        env_options=options,
        test_options=one.config.test_options,
        eval_episodes=one.config.eval_episodes,
        eval_seed=one.config.eval_seed,
    )
    made = [_run(replace(config, seed=seed), place / str(seed), command, tell) for seed in seeds]
    found, _ = find_runs(made)
    if difference := test_difference(one, found[0]):
        raise SegueError(f"{place} is of other episodes ({difference}); remove it to train anew.")
    return found


def _name(run: Run, options: Mapping[str, Any]) -> str:
    """Name a folder for what is trained and tested on: other options are another folder."""
    told = repr((sorted(options.items()), sorted(run.test_options.items()), run.result.test_seeds))
    digest = hashlib.blake2b(told.encode(), digest_size=4).hexdigest()
    return f"{run.config.env.replace('/', '-').replace(':', '-')}__{digest}"


def _demonstrations(env_id: str, options: Mapping[str, Any], folder: Path, tell: Tell) -> Path:
    """Record who can be cloned, unless that has been done."""
    dataset = folder / DATASET
    if dataset.is_dir():
        return folder
    env = make_env(env_id, options)
    choice_sizes(env.action_space)
    name, player = _teacher(env)

    def told(done: int) -> None:
        tell(done / EPISODES, f"recording {done} of {EPISODES} episodes of {name} play")

    episodes = record(env, player, range(EPISODES), name, told)
    folder.mkdir(parents=True, exist_ok=True)
    write_episodes(
        episodes,
        dataset,
        env_id=env.spec.id if env.spec else env_id,
        observation_space=env.observation_space,
        action_space=env.action_space,
        about=About(dict(options), "", "", hide_home(f"{env_id}, {name}")),
    )
    env.close()
    return folder


def _teacher(env: gym.Env[Any, Any]) -> tuple[str, Callable[..., Any]]:
    env.reset(seed=0)
    for name, player in (("optimum", play_optimum), ("greedy", play_greedy)):
        try:
            player(env, None, None)
        except SegueError:
            continue
        return name, player
    name = env.spec.id if env.spec else type(env.unwrapped).__name__
    raise SegueError(
        f"{name} has neither a solver nor a greedy policy that could be cloned; train bc on "
        "demonstrations of your own and compare that."
    )


def _run(config: TrainConfig, path: Path, command: Sequence[str], tell: Tell) -> Path:
    if (path / RESULT).is_file():
        return path
    shutil.rmtree(path, ignore_errors=True)  # of one that was stopped
    train(config, path, command, lambda share, text: tell(share, f"{AGENT} {config.seed}: {text}"))
    return path


__all__ = ["clone_beside", "found_beside"]
