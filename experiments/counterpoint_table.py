"""How near agents come to the exact optimum of `segue/Counterpoint-v0`.

Tabular Q-learning on each of Fux's cantus firmi; PPO and DQN, one agent over all six; and PPO
trained on drawn cantus firmi and Fux's, on drawn ones that it has not seen. A gap is ``(V* - V) /
(V* - V_random)``, V the return of the greedy legal policy; beside it stand the points lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from segue.agents.tabular import GreedyPolicy, QLearningConfig, rollout_return, train_compiled
from segue.envs.counterpoint.cantus_firmi import FUX, FUX_COUNTERPOINTS
from segue.envs.counterpoint.env import Counterpoint, CounterpointEnv
from segue.envs.counterpoint.generator import draw_cantus_firmi
from segue.envs.counterpoint.types import CantusFirmus
from segue.experiments.counterpoint_agents import (
    Floats,
    Plan,
    greedy,
    losses,
    masked_dqn,
    masked_ppo,
    train_dqn,
    train_ppo,
)
from segue.experiments.progress import Tell

TRAIN_SEED, TEST_SEED = 0, 1
"""Seeds of the drawn cantus firmi; what both give is left out of the training."""
RESAMPLES = 2_000


def measure_counterpoint(
    seeds: int = 20, plan: Plan | None = None, tell: Tell | None = None
) -> dict[str, Any]:
    """Train every agent and measure it.

    Parameters
    ----------
    seeds : int
        Seeds of tabular Q-learning.
    plan : Plan or None
        Budget of the deep agents; None is the published one.
    tell : callable or None
        Called with the share done and what is being done.

    Returns
    -------
    dict
        ``cantus_firmi``: for each of Fux's, its sizes, exact values and how Q-learning did.
        ``agents``: for ppo and dqn over the six, and ``unseen``: for ppo and the greedy baseline
        on unseen ones, what `summary` gives. ``plan``: the budget. JSON-able.
    """
    plan, tell = plan or Plan(), tell or _silent
    rows = []
    for index, name in enumerate(FUX):
        tell(0.05 * index / len(FUX), f"Q-learning: {name}")
        rows.append(_cantus_row(name, seeds))
    train, test = _drawn(plan)
    six, unseen = Counterpoint(), Counterpoint(cantus=test)
    gaps: dict[str, list[tuple[Floats, Floats]]] = {"ppo": [], "dqn": [], "unseen": []}
    for seed in range(plan.seeds):
        share = 0.05 + 0.95 * seed / plan.seeds
        tell(share, f"PPO on Fux's, seed {seed}")
        gaps["ppo"].append(losses(six, masked_ppo(train_ppo(tuple(FUX.values()), seed, plan))))
        tell(share + 0.2 / plan.seeds, f"DQN on Fux's, seed {seed}")
        gaps["dqn"].append(losses(six, masked_dqn(train_dqn(seed, plan))))
        tell(share + 0.5 / plan.seeds, f"PPO on drawn ones, seed {seed}")
        model = train_ppo((*FUX.values(), *train), seed, plan, drawn=True)
        gaps["unseen"].append(losses(unseen, masked_ppo(model)))
    baseline = losses(unseen, greedy(unseen))
    return {
        "cantus_firmi": rows,
        "agents": {name: summary(gaps[name], drawn=False) for name in ("ppo", "dqn")},
        "unseen": {
            "ppo": summary(gaps["unseen"], drawn=True),
            "greedy": summary([baseline], drawn=True),
        },
        "plan": {**vars(plan), "trained_on": len(train) + len(FUX)},
    }


def _silent(share: float, text: str) -> None:
    """Take no notice."""


def _drawn(plan: Plan) -> tuple[tuple[CantusFirmus, ...], tuple[CantusFirmus, ...]]:
    """Disjoint cantus firmi to train and to test on."""
    test = draw_cantus_firmi(plan.unseen, TEST_SEED)
    met = {cantus.pitches for cantus in test}
    train = draw_cantus_firmi(plan.drawn, TRAIN_SEED)
    return tuple(cantus for cantus in train if cantus.pitches not in met), test


def q_learning_config(seed: int) -> QLearningConfig:
    """Settings of tabular Q-learning.

    No reward exceeds 0, so that first values of 0 are optimistic and explore by themselves. The
    random actions of the first hundred episodes only make the seeds differ.
    """
    return QLearningConfig(seed=seed, epsilon_start=1.0, epsilon_episodes=100)


def _cantus_row(name: str, seeds: int) -> dict[str, Any]:
    """Exact values of one of Fux's cantus firmi, and Q-learning on it."""
    env = CounterpointEnv(cantus=name)
    env.reset(seed=0)
    model, solution = env.transition_model(), env.solution()
    steps, reached = [], 0
    for seed in range(seeds):
        table = train_compiled(model, q_learning_config(seed))
        reached += rollout_return(model, GreedyPolicy(table.q).actions()) == solution.optimum
        steps.append(table.steps)
    return {
        "name": name,
        "bars": model.horizon,
        "states": model.n_states,
        "legal_lines": solution.legal_lines,
        "optimal_lines": solution.optimal_lines,
        "optimum": solution.optimum,
        "random": solution.random_return,
        "greedy": _played(env, None),
        "fux": _played(env, FUX_COUNTERPOINTS.get(name, ())),
        "q_learning": {
            "seeds": seeds,
            "at_optimum": int(reached),
            "median_steps": float(np.median(steps)),
            "most_steps": int(max(steps)),
        },
    }


def _played(env: CounterpointEnv, line: Sequence[int] | None) -> float | None:
    """Return of a line of MIDI pitches, or of the greedy one; None for no line."""
    if line is not None and not line:
        return None
    env.reset()
    total = 0.0
    for bar in range(len(env.cantus_firmus.pitches)):
        chosen = env.greedy_action() if line is None else line[bar] - env.cantus_firmus.final
        total += env.step(chosen)[1]
    return total


def summary(runs: Sequence[tuple[Floats, Floats]], drawn: bool) -> dict[str, Any]:
    """Mean gap with its interval, mean points lost, and the gap of each seed.

    Parameters
    ----------
    runs : sequence of (gaps, points)
        Of each seed, as `losses` gives them.
    drawn : bool
        The cantus firmi are a sample, as the seeds are: the interval, a 95 % percentile bootstrap,
        is one over both. Otherwise they are all that there are, and it is one over seeds.
    """
    gaps, points = (np.stack(part) for part in zip(*runs, strict=True))
    generator, pieces = np.random.default_rng(0), np.arange(gaps.shape[1])[None, None]
    seeds = generator.integers(len(gaps), size=(RESAMPLES, len(gaps), 1))
    if drawn:
        pieces = generator.integers(gaps.shape[1], size=(RESAMPLES, 1, gaps.shape[1]))
    low, high = np.quantile(gaps[seeds, pieces].mean(axis=(1, 2)), [0.025, 0.975])
    return {
        "gap": float(gaps.mean()),
        "interval": [float(low), float(high)],
        "points": float(points.mean()),
        "at_optimum": float((points == 0.0).mean()),
        "gap_by_seed": gaps.mean(axis=1).tolist(),
    }


def counterpoint_markdown(figures: Mapping[str, Any]) -> str:
    """Write what `measure_counterpoint` gave as two Markdown tables."""
    lines = [
        "| cantus firmus | bars | states | legal lines | V* | optimal lines | V_random | greedy "
        "| Fux's own | Q-learning at V* | its steps, median (most) |",
        f"| --- |{' ---: |' * 10}",
    ]
    for row in figures["cantus_firmi"]:
        learnt = row["q_learning"]
        fux = "" if row["fux"] is None else f"{row['fux']:g}"
        lines.append(
            f"| {row['name'].capitalize()} | {row['bars']} | {row['states']} "
            f"| {row['legal_lines']:,} | {row['optimum']:g} | {row['optimal_lines']} "
            f"| {row['random']:.1f} | {row['greedy']:g} | {fux} "
            f"| {learnt['at_optimum']} of {learnt['seeds']} "
            f"| {learnt['median_steps']:,.0f} ({learnt['most_steps']:,}) |"
        )
    plan = figures["plan"]
    lines += ["", "| agent | trained on | steps | tested on | gap (95 %) | points | at V* |"]
    lines.append("| --- | --- | ---: | --- | ---: | ---: | ---: |")
    six, both = "Fux's six", f"Fux's and {plan['trained_on'] - len(FUX):,} drawn"
    unseen = f"{plan['unseen']} unseen"
    for name, trained, steps, tested, found in (
        ("PPO, masked", six, f"{plan['ppo_steps']:,}", six, figures["agents"]["ppo"]),
        ("DQN", six, f"{plan['dqn_steps']:,}", six, figures["agents"]["dqn"]),
        ("PPO, masked", both, f"{plan['drawn_steps']:,}", unseen, figures["unseen"]["ppo"]),
        ("greedy", "", "", unseen, figures["unseen"]["greedy"]),
    ):
        low, high = (100 * bound for bound in found["interval"])
        lines.append(
            f"| {name} | {trained} | {steps} | {tested} "
            f"| {100 * found['gap']:.2f} % ({low:.2f} to {high:.2f}) "
            f"| {found['points']:.2f} | {100 * found['at_optimum']:.0f} % |"
        )
    seeds = f"PPO and DQN: means over {plan['seeds']} seeds"
    return "\n".join((*lines, "", f"{seeds} and all cantus firmi, greedy legal play.", ""))


if __name__ == "__main__":
    from segue.experiments.progress import progress_bar

    with progress_bar("counterpoint") as shown:
        measured = measure_counterpoint(tell=shown)
    print(counterpoint_markdown(measured))
