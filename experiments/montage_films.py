"""What editors make of bins of shots, and how near the bound they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
from stable_baselines3.common.base_class import BaseAlgorithm

from segue.envs.montage.env import Montage
from segue.envs.montage.optimum import Solution, solve
from segue.envs.montage.stages import Stages
from segue.envs.montage.types import MontageBatch
from segue.experiments.beat_measure import beat_f, free_pace, pace
from segue.experiments.statistics import bootstrap, improvement_interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Choose = Callable[[MontageBatch], Ints]

RANDOM_RUNS = 10


def compared(
    task: Montage, silent: Montage, agents: Mapping[str, Sequence[Choose]]
) -> dict[str, Any]:
    """Measure agents on every bin of a task, beside beam, expert, greedy and random editor.

    Parameters
    ----------
    task : Montage
        The bins.
    silent : Montage
        The same, its beats not paid for.
    agents : mapping of str to sequence of callable
        By name, one policy a seed; one name is "agent".

    Returns
    -------
    dict
        ``bins``, mean ``bound``, ``solver_seconds``, ``editors`` (each with ``share`` of the bound,
        an `Estimate` as a dict, ``beat_f``, ``pace`` and ``seconds`` an episode), ``free_pace``,
        ``silent_pace``, that of a beam that is not paid for the beats, and ``above_greedy``, the
        probability that an agent beats greedy on a bin. JSON-able.
    """
    solutions, seconds = solved(task)
    bounds = np.array([solution.relaxation.bound for solution in solutions])
    films = {name: [Films(task, choose) for choose in runs] for name, runs in agents.items()}
    films["beam"] = [Films(task, by_lines(solutions))]
    films["expert"] = [Films(task, lambda batch: task.expert(batch, np.arange(task.bank.bins)))]
    films["greedy"] = [Films(task, lambda batch: each(task.greedy, batch))]
    films["random"] = [Films(task, by_chance(task, seed)) for seed in range(RANDOM_RUNS)]
    return figures(films, bounds, task) | {
        "silent_pace": mean_pace([Films(silent, by_lines(solved(silent)[0]))]),
        "solver_seconds": seconds,
    }


class Films:
    """What one editor makes of every bin of a task, side by side.

    Attributes
    ----------
    returns : ndarray (bins,)
        Return of each film.
    bank : Bank
        The bins.
    batch : MontageBatch
        The finished timelines.
    seconds : float
        Wall-clock for one film, on average.
    """

    def __init__(self, task: Montage, choose: Choose) -> None:
        self.bank, bins = task.bank, task.bank.bins
        self.batch = task.allocate(bins)
        task.begin(self.batch, np.arange(bins), np.arange(bins, dtype=np.uint64))
        self.returns = np.zeros(bins)
        began = time.perf_counter()
        while not self.batch.terminated.all():
            task.step(self.batch, np.asarray(choose(self.batch), dtype=np.int64))
            self.returns += self.batch.reward
        self.seconds = (time.perf_counter() - began) / bins

    def cuts(self, row: int) -> Ints:
        """Beats on which the pieces of a film begin, the first left out."""
        return np.asarray(self.batch.timeline[row, 1 : int(self.batch.cuts[row]), 6])


def figures(films: Mapping[str, list[Films]], bounds: Floats, task: Montage) -> dict[str, Any]:
    """Take together what the editors made: see `compared`."""
    bank, generator = task.bank, np.random.default_rng(0)
    beats = bank.beat_frames / float(bank.rate)
    shares = {
        name: np.array([run.returns for run in runs]) / bounds for name, runs in films.items()
    }
    editors: dict[str, Any] = {}
    for name, runs in films.items():
        cuts = [run.cuts(row) for run in runs for row in range(bank.bins)]
        editors[name] = {
            "runs": len(runs),
            "share": asdict(bootstrap(shares[name], generator)),
            "beat_f": float(np.mean([beat_f(beats[one], beats[:-1]) for one in cuts])),
            "pace": mean_pace(runs),
            "seconds": float(np.mean([run.seconds for run in runs])),
        }
    free = free_pace(beats, bank.energy.astype(np.float64), float(bank.rate))
    return {
        "bins": bank.bins,
        "bound": float(bounds.mean()),
        "editors": editors,
        "free_pace": free,
        "random_cutter_f": random_cutter_f(films["beam"][0], beats, generator),
        "above_greedy": asdict(improvement_interval(shares["agent"], shares["greedy"], generator)),
    }


def mean_pace(runs: Sequence[Films]) -> float:
    """Mean `pace` of the films of some runs."""
    found = []
    for run in runs:
        beats = run.bank.beat_frames / float(run.bank.rate)
        for row in range(run.bank.bins):
            starts = np.append(0, run.cuts(row))
            found.append(pace(beats[starts], float(beats[-1]), run.bank.energy[starts]))
    return float(np.mean(found))


def random_cutter_f(films: Films, beats: Floats, generator: np.random.Generator) -> float:
    """Mean `beat_f` of as many cuts as the films have, anywhere in time."""
    found = []
    for row in range(len(films.returns)):
        cuts = np.sort(generator.uniform(beats[0], beats[-1], len(films.cuts(row))))
        found.append(beat_f(cuts, beats[:-1]))
    return float(np.mean(found))


def solved(task: Montage) -> tuple[list[Solution], float]:
    """Solutions of every bin, and the seconds that one takes, bound and beam together."""
    began = time.perf_counter()
    found = [
        solve(Stages(task.bank, task.reward, bin_, task.reuse)) for bin_ in range(task.bank.bins)
    ]
    return found, (time.perf_counter() - began) / len(found)


def by_model(model: BaseAlgorithm) -> Choose:
    """Deterministic actions of an agent."""

    def choose(batch: MontageBatch) -> Ints:
        assert isinstance(batch.observation, dict)
        seen = {key: part.copy() for key, part in batch.observation.items()}
        masks: dict[str, Any] = {"action_masks": batch.mask.astype(bool)}
        return np.asarray(model.predict(seen, deterministic=True, **masks)[0])

    return choose


def by_lines(solutions: Sequence[Solution]) -> Choose:
    """Actions that the solvers have found, one bin a row."""

    def choose(batch: MontageBatch) -> Ints:
        lines = [solution.actions for solution in solutions]
        at = [min(int(cut), len(line) - 1) for cut, line in zip(batch.cuts, lines, strict=True)]
        return np.array([line[place] for line, place in zip(lines, at, strict=True)])

    return choose


def by_chance(task: Montage, seed: int) -> Choose:
    """Uniformly random legal actions, each part by itself."""
    generator = np.random.default_rng(seed)

    def choose(batch: MontageBatch) -> Ints:
        parts = np.split(batch.mask, np.cumsum(task.sizes)[:-1], axis=1)
        drawn = [(part * (1.0 + generator.random(part.shape))).argmax(axis=1) for part in parts]
        return np.stack(drawn, axis=1)

    return choose


def each(one: Callable[[MontageBatch, int], Ints], batch: MontageBatch) -> Ints:
    """Actions of a policy that answers row by row; rows that are over get any."""
    actions = np.zeros((len(batch.cuts), 5), dtype=np.int64)
    for row in np.flatnonzero(~batch.terminated):
        actions[row] = one(batch, int(row))
    return actions
