"""How near montages come to the bound: ``segue bench montage``.

On held-out bins, each return as a share of that bin's bound: the beam that knows the whole bin,
with its time, the expert, the greedy and the random editor, and the trained one, a run a seed.
Beside it how many cuts lie on the beats, and how much of the pace that cuts on any frame could
keep is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from stable_baselines3.common.base_class import BaseAlgorithm

from segue.agents.deep import load_checkpoint
from segue.envs.montage.env import Montage
from segue.envs.montage.optimum import Solution, solve
from segue.envs.montage.stages import Stages
from segue.envs.montage.types import MontageBatch
from segue.experiments.beat_measure import beat_f, free_pace, pace
from segue.experiments.statistics import bootstrap, improvement_interval
from segue.experiments.train import make_agent, resume, train
from segue.experiments.train_config import TrainConfig, default_config

Progress = Callable[[float, str], None]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Choose = Callable[[MontageBatch], Ints]

ENV, AGENT = "segue/Montage-v0", "maskable-ppo"
SEEDS = 10
RANDOM_RUNS = 10
EDITORS = {
    "beam": "beam of 8, knows the bin",
    "expert": "expert, knows the bin",
    "greedy": "greedy",
    "random": "random",
    "agent": "MaskablePPO",
}


def measure_montage(
    folder: Path, command: Sequence[str], tell: Progress, seeds: int = SEEDS
) -> dict[str, Any]:
    """Train the agents, and measure what every editor makes of the held-out bins.

    Parameters
    ----------
    folder : Path
        Holds a run folder for each agent; what is there is gone on with.
    command : sequence of str
        For the manifests.
    tell : callable
        Told the share done and what is being done.
    seeds : int
        Agents.

    Returns
    -------
    dict
        ``bins``, ``seeds``, mean ``bound``, ``solver_seconds``, ``editors`` (each with ``share``
        of the bound, an `Estimate` as a dict, ``beat_f``, ``pace`` and, but for the random one,
        ``seconds`` an episode), ``free_pace``, ``silent_pace``, that of a beam that is not paid
        for the beats, and ``above_greedy``, the probability that an agent
        beats greedy on a bin. JSON-able.
    """
    config = default_config(ENV, AGENT)
    options: Mapping[str, Any] = {**config.env_options, **config.test_options}
    task = Montage(**options)
    films: dict[str, list[Films]] = {"agent": []}
    for seed in range(seeds):

        def told(share: float, text: str, seed: int = seed) -> None:
            tell(0.9 * (seed + share) / seeds, f"seed {seed}: {text}")

        one = replace(config, seed=seed)
        model = trained(one, folder / f"agent__{seed}", command, told)
        films["agent"].append(Films(task, by_model(model)))
    tell(0.9, "solving the held-out bins")
    solutions, seconds = solved(task)
    bounds = np.array([solution.relaxation.bound for solution in solutions])
    tell(0.95, "playing the others")
    films["beam"] = [Films(task, by_lines(solutions))]
    films["expert"] = [Films(task, lambda batch: task.expert(batch, np.arange(task.bank.bins)))]
    films["greedy"] = [Films(task, lambda batch: each(task.greedy, batch))]
    films["random"] = [Films(task, by_chance(task, seed)) for seed in range(RANDOM_RUNS)]
    silent = Montage(**{**options, "reward_weights": {"sync": 0.0}})
    return figures(films, bounds, task) | {
        "silent_pace": mean_pace([Films(silent, by_lines(solved(silent)[0]))]),
        "seeds": seeds,
        "solver_seconds": seconds,
        "steps": config.steps,
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
    """Take together what the editors made: see `measure_montage`."""
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


def trained(
    config: TrainConfig, folder: Path, command: Sequence[str], tell: Progress
) -> BaseAlgorithm:
    """Train an agent in a run folder, or go on with what is there."""
    if (folder / "config.yaml").is_file():
        resume(folder, config.steps, tell)
    else:
        train(config, folder, command, tell)
    model, _ = make_agent(config, config.num_envs)
    load_checkpoint(model, folder / "checkpoints")
    return model


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


def montage_markdown(found: Mapping[str, Any]) -> str:
    """Write what `measure_montage` gave as a Markdown table."""
    lines = [
        "| editor | runs | share of the bound, IQM (95 % interval) | cuts on beats, F at 70 ms "
        "| pace, of the beam's without beats | pace, of cuts on any frame | time a film |",
        f"| --- |{' ---: |' * 6}",
    ]
    for name, title in EDITORS.items():
        row = found["editors"][name]
        share = row["share"]
        seconds = found["solver_seconds"] if name == "beam" else row["seconds"]
        kept = [100 * row["pace"] / found[key] for key in ("silent_pace", "free_pace")]
        lines.append(
            f"| {title} | {row['runs']} | {100 * share['value']:.1f} % "
            f"({100 * share['low']:.1f} to {100 * share['high']:.1f}) | {row['beat_f']:.3f} "
            f"| {kept[0]:.1f} % | {kept[1]:.1f} % | {1000 * seconds:,.0f} ms |"
        )
    above = found["above_greedy"]
    notes = (
        f"{found['bins']} held-out bins, {found['steps']:,} training steps a seed. The bound is an "
        f"upper one, {found['bound']:.3f} on average; the time of the beam is that of bound and "
        "beam together. Pace: how well the lengths of the pieces suit the energy of the music, as "
        "a share of what the beam keeps on the same bins when it is not paid for the beats, and of "
        "what cuts of endless footage that may fall on any frame could keep. Cuts anywhere "
        f"in time, as many as the beam's, have F {found['random_cutter_f']:.3f}. Probability that "
        f"MaskablePPO beats greedy on a bin: {above['value']:.3f} "
        f"({above['low']:.3f} to {above['high']:.3f})."
    )
    return "\n".join((*lines, "", notes, ""))
