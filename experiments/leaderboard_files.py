"""What each committed result file gives the leaderboard."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from segue.envs.base.errors import SegueError
from segue.experiments.compare_scores import BASELINES
from segue.experiments.env_results import COMMAND, read_results
from segue.experiments.imitation_table import shares
from segue.experiments.leaderboard_boards import RESAMPLES, Board, Line, line_of
from segue.experiments.melody_figures import TARGETS
from segue.experiments.statistics import Estimate

OPTIMUM = "IQM of the share of the exact optimum"
BOUND = "IQM of the share of the upper bound"

_SHOWN = MappingProxyType(
    {
        "bc": "behaviour cloning",
        "bc-ppo": "PPO after cloning",
        "ppo": "PPO",
        "dqfd": "DQfD",
        "gail": "GAIL",
        "dagger": "DAgger",
    }
)


def _bench(name: str) -> str:
    return f"segue bench {name} --out docs/results"


def demonstrations(path: Path) -> list[Board]:
    """Agents that learn from demonstrations, on held-out pieces and scenes."""
    found, record = [], _read(path)
    for env, place in record["places"].items():
        optima = np.array(place["optima"])
        lines = [
            line_of(name, np.array([returns]) / optima, learnt=False)
            for name, returns in place["baselines"].items()
        ]
        for key in place["runs"]:
            name, count = key.split(" ")
            told = f"{_SHOWN.get(name, name)}, {count} shown" if int(count) else _SHOWN[name]
            lines.append(line_of(told, shares(place, key)))
        test = f"{len(optima)} held-out episodes, {place['steps']:,} training steps"
        command = _bench("demonstrations")
        found.append(Board(env, test, OPTIMUM, path.name, command, tuple(lines)))
    return found


def montage(path: Path) -> list[Board]:
    """Editors on made-up bins, and on shots of a film."""
    found, record = [], _read(path)
    places = {"made_up": "made-up bins, held out", "footage": f"bins of {record['film']}"}
    names = {
        "agent": f"MaskablePPO, {record['steps']:,} steps after the expert",
        "before": "MaskablePPO of the made-up bins, which has not seen the film",
        "beam": "beam of 8, knows the bin",
        "expert": "expert, knows the bin",
    }
    for key, words in places.items():
        place = record[key]
        lines = []
        for name, editor in place["editors"].items():
            learnt = name in ("agent", "before")
            label = names.get(name, name)
            if key == "footage" and name == "agent":
                label = "the same, trained on, on other shots of the film"
            lines.append(
                Line(
                    label,
                    Estimate(**editor["share"]),
                    seeds=editor["runs"] if learnt else 0,
                    learnt=learnt,
                )
            )
        test = f"{place['bins']} {words}"
        found.append(
            Board("segue/Montage-v0", test, BOUND, path.name, _bench("montage"), tuple(lines))
        )
    return found


def counterpoint(path: Path) -> list[Board]:
    """Agents above Fux's cantus firmi, and above unseen ones."""
    record = _read(path)
    firmi = record["cantus_firmi"]
    random = np.array([one["random"] for one in firmi])
    optimum = np.array([one["optimum"] for one in firmi])
    greedy = (np.array([one["greedy"] for one in firmi]) - random) / (optimum - random)
    seeds = firmi[0]["q_learning"]["seeds"]
    lines = [
        line_of("random", np.zeros((1, len(firmi))), learnt=False),
        _mean("greedy", greedy.mean(), learnt=False),
    ]
    if all(one["q_learning"]["at_optimum"] == seeds for one in firmi):
        label = "Q-learning, a table a cantus firmus"
        lines.append(Line(label, Estimate(1.0, 1.0, 1.0), seeds=seeds))
    lines += [_from_gap(name, one) for name, one in record["agents"].items()]
    unseen = [_from_gap(name, one) for name, one in record["unseen"].items()]
    measure = "mean of (return - random) / (optimum - random)"
    unseen_words = f"{record['plan']['unseen']} cantus firmi that no agent has seen"
    source, command, env = path.name, _bench("counterpoint"), "segue/Counterpoint-v0"
    return [
        Board(env, "Fux's six cantus firmi", measure, source, command, tuple(lines)),
        Board(env, unseen_words, measure, source, command, tuple(unseen)),
    ]


def highlight(path: Path) -> list[Board]:
    """Q-learning on each of some videos, beside rules."""
    record = _read(path)
    videos = record["videos"]
    gaps = np.array([one["q_learning"]["gaps"] for one in videos]).T
    lines = [line_of("Q-learning, a table a video", 1.0 - gaps)]
    for name, told in (
        ("random", "random"),
        ("first_come", "first come"),
        ("densest", "densest first"),
    ):
        scores = np.array([[one[name] / one["optimum"] for one in videos]])
        lines.append(line_of(told, scores, learnt=False))
    test = f"{len(videos)} made-up videos, which the agent learns themselves"
    command = _bench("highlight")
    return [Board("segue/Highlight-v0", test, OPTIMUM, path.name, command, tuple(lines))]


def rl_tuner(path: Path) -> list[Board]:
    """Melodies by the rules of RL Tuner: how many of the targets they reach."""
    lines = []
    for name, runs in _read(path).items():
        reached = np.array([[_reached(rule, run.get(rule)) for rule in TARGETS] for run in runs])
        scores = reached.mean(axis=1, keepdims=True)
        learnt = name.startswith("PPO")
        low, value, high = (float(of(scores)) for of in (np.min, np.mean, np.max))
        score = Estimate(value, low, high)
        lines.append(
            Line(
                name,
                score,
                seeds=len(runs) if learnt else 0,
                learnt=learnt,
                has_interval=False,
            )
        )
    measure = f"share of the {len(TARGETS)} targets of RL Tuner's rules that a seed reaches, mean"
    test = "100,000 melodies an agent, by the rules instead of the return"
    command = _bench("rl-tuner")
    return [Board("segue/Melody-v0", test, measure, path.name, command, tuple(lines))]


def strangers(path: Path) -> list[Board]:
    """Agents on environments of others."""
    found, record = [], _read(path)
    for env, known in record["known"].items():
        # Without a computed optimum, 1 is the score from which the environment counts as solved.
        optimum = known["optimum"] or known["least"]
        runs = [run for run in record["runs"] if run["env"] == env and "mean" in run]
        if not runs:
            continue
        zero = min(0.0, runs[0]["random"])
        lines = [_mean("random", (runs[0]["random"] - zero) / (optimum - zero), learnt=False)]
        for run in runs:
            ends = ((run[key] - zero) / (optimum - zero) for key in ("mean", "low", "high"))
            command = f"segue train {env} --agent {run['agent']}"
            count = len(run["returns"])
            lines.append(Line(run["agent"], Estimate(*ends), seeds=count, command=command))
        best = "the optimum" if known["optimum"] else "the score that counts as solved"
        share = f"mean return as a share of {best}, {optimum:.4g}"
        if zero:
            share += f", with random play, {zero:.4g}, as 0"
        test = "Test episodes of each seed"
        command = _bench("strangers")
        found.append(Board(env, test, share, path.name, command, tuple(lines)))
    return found


def environments(path: Path) -> list[Board]:
    """One policy of each kind, as on the environments' pages."""
    found = []
    for result in read_results(path).values():
        lines = []
        for row in result.rows:
            of = f" of the first {len(row.returns)}"
            some = of if len(row.returns) < len(result.bounds) else ""
            learnt = row.label not in BASELINES
            label = f"{row.label}, {row.learnt}{some}" if learnt else row.label
            lines.append(line_of(label, result.shares(row)[None], learnt, row.command))
        test = f"{len(result.bounds)} test episodes of the environment's page"
        measure = f"IQM of the {result.measure.name}"
        found.append(Board(result.env, test, measure, path.name, COMMAND, tuple(lines)))
    return found


READERS: Mapping[str, Callable[[Path], list[Board]]] = MappingProxyType(
    {
        "demonstrations.json": demonstrations,
        "montage.json": montage,
        "counterpoint.json": counterpoint,
        "highlight.json": highlight,
        "rl-tuner.json": rl_tuner,
        "environments.json": environments,
        "strangers.json": strangers,
    }
)
"""By name of the file, in the order of the tables of an environment."""


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SegueError(f"{path} is no JSON ({error}); make it anew.") from error


def _mean(label: str, value: float, learnt: bool) -> Line:
    one = Estimate(float(value), float(value), float(value))
    return Line(label, one, learnt=learnt, has_interval=False)


def _from_gap(name: str, record: Mapping[str, Any]) -> Line:
    low, high = record["interval"]
    learnt, seeds = name not in BASELINES, len(record["gap_by_seed"])
    score = Estimate(1.0 - record["gap"], 1.0 - high, 1.0 - low)
    shown = {"ppo": "MaskablePPO", "dqn": "DQN"}.get(name, name)
    return Line(shown, score, seeds=seeds if learnt else 0, learnt=learnt)


def _reached(rule: str, value: float | None) -> bool:
    sign, edge = TARGETS[rule]
    if value is None:
        return False
    return value >= edge if sign == ">=" else value <= edge


__all__ = ["READERS", "RESAMPLES"]
