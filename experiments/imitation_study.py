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
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.agents.demonstrations import Episode, play_optimum, record
from segue.agents.demonstrations.minari_store import read_episodes, write_episodes
from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments.evaluation import TEST_SEED, baselines
from segue.experiments.learning import make_env
from segue.experiments.train import train
from segue.experiments.train_config import TrainConfig, default_config

Progress = Callable[[float, str], None]

METHODS = ("bc", "dqfd", "gail", "bc-ppo")
"""Agents that are given demonstrations; ``bc-ppo`` is PPO that has imitated first."""


@dataclass(frozen=True)
class DemonstrationStudy:
    """Settings of the study; its own are in ``configs/study__demonstrations.yaml``.

    Attributes
    ----------
    seeds : int
        Runs of each agent.
    counts : tuple of int
        Demonstrations that an agent is given, ascending.
    episodes : int
        Test episodes of a run.
    share : float
        Of the way from random play to what PPO reaches at the end of its steps: the return whose
        first reaching is looked for.
    """

    seeds: int
    counts: tuple[int, ...]
    episodes: int
    share: float

    def __post_init__(self) -> None:
        if min(self.seeds, self.episodes, *self.counts, 1) < 1 or not self.counts:
            raise SegueError("seeds, episodes and counts of the study must be at least one each.")
        if not 0 < self.share <= 1:
            raise SegueError(f"share of the study is {self.share}; give one above 0, up to 1.")


@dataclass(frozen=True)
class Place:
    """An environment of the study.

    Attributes
    ----------
    env : str
        Its id.
    train, test : mapping
        Arguments of the environment that is trained on, the number of its pieces or scenes
        first, which are enough for every demonstration and more; and of that which tests.
    """

    env: str
    train: Mapping[str, Any]
    test: Mapping[str, Any]

    def tested(self, episodes: int) -> dict[str, Any]:
        """Arguments of the environment that tests, with as many pieces or scenes as episodes."""
        bank = next(iter(self.train))
        return {bank: episodes, **self.test}


PLACES = (
    Place("segue/LeadSheet-v0", {"pieces": 512}, {"piece_seed": 1000}),
    Place("segue/Multicam-v0", {"scenes": 256}, {"scene_seed": 1000}),
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


def jobs(study: DemonstrationStudy) -> list[Job]:
    """List every run, the long ones first.

    Dagger asks the expert for many decisions at a time: it has a run for the most demonstrations.
    """
    found = []
    for place in PLACES:
        for seed in range(study.seeds):
            found += [Job(place, "ppo", 0, seed), Job(place, "dagger", max(study.counts), seed)]
            found += [Job(place, each, count, seed) for count in study.counts for each in METHODS]
    order = ("dqfd", "gail", "bc-ppo", "ppo", "dagger", "bc")
    return sorted(found, key=lambda job: order.index(job.method))


def study_config(job: Job, folder: Path, episodes: int) -> TrainConfig:
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
        eval_episodes=episodes,
        demonstrations=str(shown) if job.method in METHODS else "",
        greedy_demonstrations=0,
        expert_decisions=0,
        env_options={**config.env_options, **job.place.train},
        test_options={**config.test_options, **job.place.tested(episodes)},
    )


def _shown(place: Place, folder: Path, count: int, seed: int) -> Path:
    """Folder of the demonstrations that a seed is given."""
    return folder / "shown" / f"{place.env.replace('/', '-')}__{count}__{seed}-v0"


def measure_demonstrations(
    folder: Path,
    command: Sequence[str],
    tell: Progress,
    study: DemonstrationStudy,
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
    study : DemonstrationStudy
        How much of it.
    workers : int or None
        Processes; None for one a core.

    Returns
    -------
    dict
        Fields of the study, and ``places``: by environment ``optima`` of the test episodes,
        ``steps`` of PPO, returns of the ``baselines``, and ``runs``, by method and count a list of
        records, one a seed.
    """
    context = get_context("spawn")
    every = jobs(study)
    with ProcessPoolExecutor(workers or os.cpu_count(), context) as pool:
        tell(0.0, "recording demonstrations")
        recorded = [pool.submit(_record, place, folder, study) for place in PLACES]
        for future in as_completed(recorded):
            future.result()
        left = [job for job in every if not _result(folder, job).is_file()]
        running = [pool.submit(_run, job, folder, tuple(command), study.episodes) for job in left]
        done = len(every) - len(left)
        tell(done / len(every), f"{done} of {len(every)} runs")
        for future in as_completed(running):
            future.result()
            done += 1
            tell(done / len(every), f"{done} of {len(every)} runs")
    return {
        **asdict(study),
        "places": {place.env: _gathered(place, folder, study) for place in PLACES},
    }


def _record(place: Place, folder: Path, study: DemonstrationStudy) -> None:
    """Let the solver play one episode in each training piece, and deal them out to the seeds."""
    missing = [
        (count, seed)
        for count in study.counts
        for seed in range(study.seeds)
        if not _shown(place, folder, count, seed).is_dir()
    ]
    if not missing:
        return
    env = make_env(place.env, place.train)
    unwrapped: Any = env.unwrapped
    episodes: dict[int, Episode] = {}
    seed = 0
    # Episodes choose their piece by the seed: go on until enough have been met.
    while len(episodes) < max(study.counts):
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


def _run(job: Job, folder: Path, command: tuple[str, ...], episodes: int) -> None:
    """Make one run and write down what it gave."""
    torch.set_num_threads(1)
    path = folder / "runs" / job.name
    shutil.rmtree(path, ignore_errors=True)  # of a run that was stopped
    result = train(study_config(job, folder, episodes), path, command)
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


def _gathered(place: Place, folder: Path, study: DemonstrationStudy) -> dict[str, Any]:
    """All runs in an environment, and what the test episodes are worth."""
    config = study_config(Job(place, "ppo", 0, 0), folder, study.episodes)
    env = make_env(place.env, {**config.env_options, **config.test_options})
    episodes = range(TEST_SEED, TEST_SEED + study.episodes)
    optima = []
    for episode in episodes:
        env.reset(seed=episode)
        optima.append(env.get_wrapper_attr("bound")().value)
    runs: dict[str, list[dict[str, Any]]] = {}
    for job in jobs(study):
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
