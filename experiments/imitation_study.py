"""What demonstrations are worth: ``segue bench demonstrations``.

On one melody and one film environment, agents that learn from 1, 10 and 100 demonstrations of the
solver's beside those that have none, each a run of `segue train` a seed; and how many steps from
reward a PPO that has imitated first is spared. All are tested on pieces and scenes that no
training saw.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.agents.demonstrations import Episode, play_optimum, record
from segue.agents.demonstrations.minari_store import read_episodes, write_episodes
from segue.envs.base.atomic import atomic_path
from segue.experiments.evaluation import TEST_SEED, baselines
from segue.experiments.learning import make_env
from segue.experiments.train import train
from segue.experiments.train_config import TrainConfig, default_config

Progress = Callable[[float, str], None]

SEEDS = 10
COUNTS = (1, 10, 100)
"""Demonstrations that an agent is given."""
RATED = 40
"""Test episodes of a run."""
SHARE = 0.95
"""Of what PPO reaches at the end of its steps: the return whose first reaching is looked for."""
METHODS = ("bc", "dqfd", "gail", "bc-ppo")
"""Agents that are given demonstrations; ``bc-ppo`` is PPO that has imitated first."""


@dataclass(frozen=True)
class Place:
    """An environment of the study.

    Attributes
    ----------
    env : str
        Its id.
    train, test : mapping
        Arguments of the environment that is trained on, which has pieces or scenes for every
        demonstration and more, and of that which tests.
    """

    env: str
    train: Mapping[str, Any]
    test: Mapping[str, Any]


PLACES = (
    Place("segue/LeadSheet-v0", {"pieces": 512}, {"pieces": RATED, "piece_seed": 1000}),
    Place("segue/Multicam-v0", {"scenes": 256}, {"scenes": RATED, "scene_seed": 1000}),
)


@dataclass(frozen=True)
class Job:
    """One run of the study.

    Attributes
    ----------
    place : Place
        Where.
    method : str
        One of `METHODS`, ``"ppo"`` or ``"dagger"``.
    count : int
        Demonstrations; dagger asks for as many decisions as they hold; 0 for none.
    seed : int
        Of the draw of the demonstrations and of the agent.
    """

    place: Place
    method: str
    count: int
    seed: int

    @property
    def name(self) -> str:
        """Of its folder."""
        env = self.place.env.replace("/", "-")
        return f"{env}__{self.method}__{self.count}__{self.seed}"


def jobs(seeds: int) -> list[Job]:
    """List every run, the long ones first.

    Dagger asks the expert for many decisions at a time: it has a run for the most demonstrations.
    """
    found = []
    for place in PLACES:
        for seed in range(seeds):
            found += [Job(place, "ppo", 0, seed), Job(place, "dagger", max(COUNTS), seed)]
            found += [Job(place, method, count, seed) for count in COUNTS for method in METHODS]
    order = ("dqfd", "gail", "bc-ppo", "ppo", "dagger", "bc")
    return sorted(found, key=lambda job: order.index(job.method))


def study_config(job: Job, folder: Path) -> TrainConfig:
    """Settings of a run: those that come with segue, on a bank as large as there are lessons."""
    agent = {"ppo": "maskable-ppo", "bc-ppo": "maskable-ppo"}.get(job.method, job.method)
    config = default_config(job.place.env, agent)
    shown = _shown(job.place, folder, job.count, job.seed)
    steps = config.steps
    if job.method == "dagger":
        steps = sum(len(episode) for episode in read_episodes(shown))
    return replace(
        config,
        seed=job.seed,
        steps=steps,
        eval_episodes=RATED,
        demonstrations=str(shown) if job.method in METHODS else "",
        greedy_demonstrations=0,
        expert_decisions=0,
        env_options={**config.env_options, **job.place.train},
        test_options={**config.test_options, **job.place.test},
    )


def _shown(place: Place, folder: Path, count: int, seed: int) -> Path:
    """Folder of the demonstrations that a seed is given."""
    return folder / "shown" / f"{place.env.replace('/', '-')}__{count}__{seed}-v0"


def measure_demonstrations(
    folder: Path,
    command: Sequence[str],
    tell: Progress,
    seeds: int = SEEDS,
    workers: int | None = None,
) -> dict[str, Any]:
    """Run what has not been run yet, and gather what all runs gave.

    Parameters
    ----------
    folder : Path
        Holds the demonstrations and a run folder for each run; finished runs are not made again.
    command : sequence of str
        For the manifests.
    tell : callable
        Told the share done and what is being done.
    seeds : int
        Runs of each agent.
    workers : int or None
        Processes; None for one a core.

    Returns
    -------
    dict
        ``seeds``, ``places``: by environment ``optima`` of the test episodes, ``steps`` of PPO,
        returns of the ``baselines``, and ``runs``, by method and count a list of records, one a
        seed.
    """
    context = get_context("spawn")
    every = jobs(seeds)
    with ProcessPoolExecutor(workers or os.cpu_count(), context) as pool:
        tell(0.0, "recording demonstrations")
        recorded = [pool.submit(_record, place, folder, seeds) for place in PLACES]
        for future in as_completed(recorded):
            future.result()
        left = [job for job in every if not _result(folder, job).is_file()]
        running = [pool.submit(_run, job, folder, tuple(command)) for job in left]
        done = len(every) - len(left)
        tell(done / len(every), f"{done} of {len(every)} runs")
        for future in as_completed(running):
            future.result()
            done += 1
            tell(done / len(every), f"{done} of {len(every)} runs")
    return {
        "seeds": seeds,
        "places": {place.env: _gathered(place, folder, seeds) for place in PLACES},
    }


def _record(place: Place, folder: Path, seeds: int) -> None:
    """Let the solver play one episode in each training piece, and deal them out to the seeds."""
    missing = [
        (count, seed)
        for count in COUNTS
        for seed in range(seeds)
        if not _shown(place, folder, count, seed).is_dir()
    ]
    if not missing:
        return
    env = make_env(place.env, place.train)
    unwrapped: Any = env.unwrapped
    episodes: dict[int, Episode] = {}
    seed = 0
    # Episodes choose their piece by the seed: go on until enough have been met.
    while len(episodes) < max(COUNTS):
        env.reset(seed=seed)
        piece, _ = unwrapped.task.situation(unwrapped.batch, 0)
        if piece not in episodes:
            (episodes[piece],) = record(env, play_optimum, [seed], "optimum")
        seed += 1
    found = list(episodes.values())
    for count, seed in missing:
        drawn = np.random.default_rng([seed, count]).choice(len(found), count, replace=False)
        path = _shown(place, folder, count, seed)
        write_episodes(
            [found[i] for i in drawn],
            path,
            env_id=place.env,
            observation_space=env.observation_space,
            action_space=env.action_space,
        )


def _run(job: Job, folder: Path, command: tuple[str, ...]) -> None:
    """Make one run and write down what it gave."""
    torch.set_num_threads(1)
    path = folder / "runs" / job.name
    shutil.rmtree(path, ignore_errors=True)  # of a run that was stopped
    result = train(study_config(job, folder), path, command)
    figures: dict[str, Any] = {
        "returns": result.evaluation.returns.tolist(),
        "steps": result.steps,
        "seconds": result.seconds,
    }
    if job.method in ("ppo", "bc-ppo"):
        figures["curve"] = [result.curve.steps, result.curve.returns]
    _result(folder, job).parent.mkdir(exist_ok=True)
    with atomic_path(_result(folder, job)) as temporary:
        temporary.write_text(json.dumps(figures))


def _result(folder: Path, job: Job) -> Path:
    return folder / "results" / f"{job.name}.json"


def _gathered(place: Place, folder: Path, seeds: int) -> dict[str, Any]:
    """All runs in an environment, and what the test episodes are worth."""
    config = study_config(Job(place, "ppo", 0, 0), folder)
    env = make_env(place.env, {**config.env_options, **config.test_options})
    episodes = range(TEST_SEED, TEST_SEED + RATED)
    optima = []
    for episode in episodes:
        env.reset(seed=episode)
        optima.append(env.get_wrapper_attr("bound")().value)
    runs: dict[str, list[dict[str, Any]]] = {}
    for job in jobs(seeds):
        if job.place == place:
            key = f"{job.method} {job.count}"
            runs.setdefault(key, []).append(json.loads(_result(folder, job).read_text()))
    others = {other.name: other.returns.tolist() for other in baselines(env, episodes)}
    found = {"optima": optima, "steps": config.steps, "baselines": others, "runs": runs}
    return {name: _rounded(value) for name, value in found.items()}


def _rounded(value: Any) -> Any:
    """Four decimals are enough, and make a small file."""
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value
