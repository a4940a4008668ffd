"""How agents do on environments that are not segue's, beside the scores known for them.

Every agent is trained as by ``segue train`` with the settings that come with segue. The optima of
FrozenLake and Taxi are computed from their transition tables; CartPole counts as solved from 475 of
500 on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.experiments.progress import Tell
from segue.experiments.statistics import bootstrap, mean
from segue.experiments.train import train
from segue.experiments.train_config import NEED_DEMONSTRATIONS, default_config

FEW = 100
"""Demonstrations on an environment whose number is not told."""
NEAR = 0.95
"""Share of an exact optimum from which on it counts as reached."""


@dataclass(frozen=True)
class StrangersStudy:
    """Settings of the table; its own are in ``configs/study__strangers.yaml``.

    Attributes
    ----------
    seeds : int
        Runs of each agent, seeds 0 and on.
    envs, agents : tuple of str
        Ids and names; those that need demonstrations get some.
    teacher : str
        Agent whose episodes are these.
    demonstrations : mapping of str to int
        How many, by environment.
    steps : int or None
        Of each run; None for what its settings say.
    """

    seeds: int
    envs: tuple[str, ...]
    agents: tuple[str, ...]
    teacher: str
    demonstrations: Mapping[str, int]
    steps: int | None = None

    def __post_init__(self) -> None:
        if min(self.seeds, self.steps or 1, *self.demonstrations.values()) < 1:
            raise SegueError("seeds, demonstrations and steps of the table must be at least one.")


@dataclass(frozen=True)
class Known:
    """What is known of an environment.

    Attributes
    ----------
    least : float
        Mean return from which on it counts as solved.
    optimum : float or None
        Greatest expected return, where it can be computed.
    """

    least: float
    optimum: float | None


def known_score(env_id: str) -> Known:
    """Give the score that an environment is known by.

    The optimum by backward induction (Bellman 1957), up to the environment's time limit, where it
    shows its transition table ``P``, as Gymnasium's toy texts do; else its reward threshold.

    Raises
    ------
    SegueError
        If it has neither.
    """
    env, spec = gym.make(env_id), gym.spec(env_id)
    table, start = (getattr(env.unwrapped, name, None) for name in ("P", "initial_state_distrib"))
    env.close()
    if table is not None and start is not None and spec.max_episode_steps is not None:
        optimum = float(np.asarray(start) @ optimal_values(table, spec.max_episode_steps))
        return Known(NEAR * optimum, optimum)
    if spec.reward_threshold is None:
        raise SegueError(f"{env_id} names no score from which on it is solved; choose another.")
    return Known(spec.reward_threshold, None)


def optimal_values(
    table: Mapping[int, Mapping[int, Sequence[tuple[float, int, float, bool]]]], steps: int
) -> npt.NDArray[np.float64]:
    """Greatest expected return from each state, (states,), with so many steps to go.

    Parameters
    ----------
    table : mapping
        By state and action the outcomes: probability, next state, reward, whether it ends there.
    steps : int
        Time limit.
    """
    rows = [
        (state, action, *outcome)
        for state, actions in table.items()
        for action, outcomes in actions.items()
        for outcome in outcomes
    ]
    state, action, chance, following, reward, ends = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    values = np.zeros(len(table))
    for _ in range(steps):
        q = np.zeros((len(table), action.max() + 1))
        np.add.at(q, (state, action), chance * (reward + values[following] * ~ends))
        values = q.max(axis=1)
    return values


def measure_strangers(
    command: Sequence[str],
    tell: Tell,
    study: StrangersStudy,
) -> dict[str, Any]:
    """Train each agent on each environment, once a seed.

    Parameters
    ----------
    command : sequence of str
        What was called, for the runs' manifests.
    tell : callable
        Called with the share done and a text.
    study : StrangersStudy
        How much of it.

    Returns
    -------
    dict
        ``seeds``; ``known`` by environment, ``least`` and ``optimum``; ``runs``, a list of dicts
        with ``env``, ``agent`` and either ``refused``, the sentence, or ``steps`` (mean),
        ``seconds`` (mean), ``returns`` (mean test return of each run), ``random`` (that of random
        play), ``mean``, ``low``, ``high`` (95 % interval over the seeds) and ``reached``.
        JSON-able.
    """
    known = {env: known_score(env) for env in study.envs}
    runs: list[dict[str, Any]] = []
    whole = len(study.envs) * len(study.agents)
    for env in study.envs:
        with TemporaryDirectory(prefix="segue-strangers-") as name:
            workshop = _Workshop(Path(name), env, command, study)
            for agent in study.agents:

                def say(seed: int, env: str = env, agent: str = agent) -> None:
                    tell((len(runs) + seed / study.seeds) / whole, f"{agent} on {env}, seed {seed}")

                runs.append({"env": env, "agent": agent} | workshop.run(agent, study.seeds, say))
                if "mean" in runs[-1]:
                    runs[-1]["reached"] = bool(runs[-1]["mean"] >= known[env].least)
    return {
        "seeds": study.seeds,
        "known": {env: vars(score) for env, score in known.items()},
        "runs": runs,
    }


class _Workshop:
    """Trains the agents of one environment in a folder."""

    def __init__(
        self, folder: Path, env: str, command: Sequence[str], study: StrangersStudy
    ) -> None:
        self._folder, self._env = folder, env
        self._command, self._study = command, study
        self._episodes: Path | None = None

    def run(self, agent: str, seeds: int, say: Callable[[int], None]) -> dict[str, Any]:
        """Train an agent with each seed; what it reached, or why it cannot be trained."""
        results = []
        try:
            for seed in range(seeds):
                say(seed)
                results.append(self._train(agent, seed, self._folder / f"{agent}-{seed}"))
        except SegueError as error:
            return {"refused": str(error)}
        returns = np.array([result.evaluation.mean for result in results])
        estimate = bootstrap(returns[:, None], np.random.default_rng(0), mean)
        return {
            "steps": float(np.mean([result.steps for result in results])),
            "seconds": float(np.mean([result.seconds for result in results])),
            "returns": returns.tolist(),
            "random": results[0].others[0].mean,
            "mean": float(estimate.value),
            "low": estimate.low,
            "high": estimate.high,
        }

    def _train(self, agent: str, seed: int, folder: Path) -> Any:
        config = replace(default_config(self._env, agent), seed=seed)
        if self._study.steps is not None:
            config = replace(config, steps=self._study.steps)
        if agent in NEED_DEMONSTRATIONS:
            config = replace(config, demonstrations=str(self._demonstrations()))
        return train(config, folder, self._command)

    def _demonstrations(self) -> Path:
        """Record episodes of the teacher, once."""
        # Imported late: they load what reads film.
        from segue.experiments.players import Recording
        from segue.experiments.recording import record_verb

        if self._episodes is None:
            teacher = self._folder / f"{self._study.teacher}-0"
            if not teacher.is_dir():
                teacher = self._folder / "teacher"
                self._train(self._study.teacher, 0, teacher)
            self._episodes = self._folder / "demonstrations"
            count = self._study.demonstrations.get(self._env, FEW)
            asked = Recording(self._env, str(teacher), count, 0)
            record_verb(asked, self._episodes, self._command)
        return self._episodes


def strangers_markdown(figures: Mapping[str, Any]) -> str:
    """Write what `measure_strangers` gave as Markdown."""
    count = figures["seeds"]
    lines = [
        "# Agents on environments of others",
        "",
        f"Mean test return over {count} seeds, with the 95 % bootstrap interval of that mean. Each "
        "agent has the settings that come with segue, and is tested on episodes that it was not "
        "trained on, with its best action at every step.",
        "",
    ]
    for env, score in figures["known"].items():
        lines += [_said(env, score), "", *_table(env, figures["runs"]), ""]
    return "\n".join(lines)


def _said(env: str, score: Mapping[str, float | None]) -> str:
    least, optimum = score["least"], score["optimum"]
    if optimum is None:
        return f"**{env}** counts as solved from {least:g} on, as Gymnasium has it."
    return (
        f"**{env}**: the best possible is {optimum:.4f}, computed from its transition table within "
        f"its time limit; it counts as reached from {least:.3f} on ({NEAR:.0%} of it)."
    )


def _table(env: str, runs: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "| agent | return | interval | random | reached | steps | seconds | command |",
        "| --- | ---: | --- | ---: | --- | ---: | ---: | --- |",
    ]
    for run in runs:
        if run["env"] != env:
            continue
        command = f"`segue train {env} --agent {run['agent']}`"
        if "refused" in run:
            lines.append(f"| {run['agent']} | | {run['refused']} | | | | | {command} |")
            continue
        lines.append(
            f"| {run['agent']} | {run['mean']:.3f} | {run['low']:.3f} to {run['high']:.3f} | "
            f"{run['random']:.3f} | {'yes' if run['reached'] else 'no'} | {run['steps']:,.0f} | "
            f"{run['seconds']:.0f} | {command} |"
        )
    return lines


__all__ = ["Known", "known_score", "measure_strangers", "optimal_values", "strangers_markdown"]
