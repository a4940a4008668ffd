"""The table of `segue.experiments.imitation_study`, from what its runs gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.experiments.figures import learning_curve
from segue.experiments.imitation import CRITIC_DECISIONS
from segue.experiments.statistics import bootstrap, improvement_interval

Floats = npt.NDArray[np.float64]

TITLES = {
    "bc": "behaviour cloning",
    "dqfd": "DQfD",
    "gail": "GAIL",
    "bc-ppo": "cloning, then PPO",
    "ppo": "PPO",
    "dagger": "DAgger",
}
LAST = 0.1
"""Part of a curve that its end is the mean of."""


def imitation_markdown(figures: Mapping[str, Any]) -> str:
    """Write what `measure_demonstrations` gave as Markdown."""
    parts: list[str] = []
    counts = figures["counts"]
    for env, place in figures["places"].items():
        parts += [f"## `{env}`", "", *_reached(place, counts), "", *_better(place, counts), ""]
        parts += [*_spared(place, counts, figures["share"]), ""]
    picture = "![Returns in training, by the number of demonstrations](demonstrations.svg)"
    first = next(iter(figures["places"]))
    shown = f"*Returns of `{first}` while PPO learns, after it has imitated.*"
    return "\n".join((*_explained(figures), "", *parts, picture, "", shown, ""))


def shares(place: Mapping[str, Any], key: str) -> Floats:
    """Return of every run and test episode as a share of the optimum, (runs, episodes)."""
    returns = np.array([run["returns"] for run in place["runs"][key]])
    return np.asarray(returns / np.array(place["optima"]))


def first_reached(run: Mapping[str, Any], target: float) -> float:
    """Steps after which the return of a run first was `target`; infinity where it never was."""
    steps, returns = (np.array(part) for part in run["curve"])
    reached = np.flatnonzero(returns >= target)
    return float(steps[reached[0]]) if len(reached) else np.inf


def steps_to_target(
    place: Mapping[str, Any], counts: Sequence[int], share: float
) -> tuple[float, dict[str, list[float]]]:
    """Return to be reached, and the steps from reward that each run of PPO needed for it.

    The return is `share` of the way from random play to where PPO without demonstrations ends, in
    the mean of its seeds. The steps of those that imitated first include what the critic saw
    played.
    """
    plain = place["runs"]["ppo 0"]
    ends = [
        np.mean(run["curve"][1][-max(1, round(LAST * len(run["curve"][1]))) :]) for run in plain
    ]
    random = float(np.mean(place["baselines"]["random"]))
    target = random + share * (float(np.mean(ends)) - random)
    found = {"ppo 0": [first_reached(run, target) for run in plain]}
    for count in counts:
        key = f"bc-ppo {count}"
        found[key] = [first_reached(run, target) + CRITIC_DECISIONS for run in place["runs"][key]]
    return target, found


def imitation_picture(figures: Mapping[str, Any]) -> str:
    """Draw how the return grows with the steps from reward, by the number of demonstrations.

    Parameters
    ----------
    figures : mapping
        What `measure_demonstrations` gave; of the first environment.

    Returns
    -------
    str
        SVG: means over the seeds, beside the means of the optimum and of greedy play.
    """
    place = next(iter(figures["places"].values()))
    series = {}
    for count in (0, *figures["counts"]):
        key = f"bc-ppo {count}" if count else "ppo 0"
        curves = [run["curve"] for run in place["runs"][key]]
        length = min(len(steps) for steps, _ in curves)
        seen = CRITIC_DECISIONS if count else 0
        steps = np.array(curves[0][0][:length]) + seen
        returns = np.mean([values[:length] for _, values in curves], axis=0)
        series[f"{count} shown" if count else "PPO, none shown"] = (steps, returns)
    lines = {
        "optimum": float(np.mean(place["optima"])),
        "greedy": float(np.mean(place["baselines"]["greedy"])),
    }
    return learning_curve(series, "steps from reward", "return in training", lines)


def _explained(figures: Mapping[str, Any]) -> Sequence[str]:
    return (
        f"Returns on held-out pieces and scenes as a share of the exact optimum, in per cent: "
        f"interquartile mean over {figures['seeds']} seeds and all test episodes, with its 95 % "
        "stratified-bootstrap interval. Demonstrations are the solver's, on pieces that are also "
        "trained on; each seed draws its own. Of 100 shown, cloning alone keeps 5 on LeadSheet to "
        "tell when to stop and none on Multicam, and cloning before PPO 10.",
    )


def _reached(place: Mapping[str, Any], counts: Sequence[int]) -> list[str]:
    """What the agents reach, by the number of demonstrations."""
    optima = np.array(place["optima"])
    lines = [
        f"| agent | {' | '.join(f'{count} shown' for count in counts)} |",
        f"| --- |{' ---: |' * len(counts)}",
    ]
    for name, returns in place["baselines"].items():
        value = 100 * float(np.mean(np.array(returns) / optima))
        lines.append(f"| {name} (mean) | {' | '.join([f'{value:.1f}'] * len(counts))} |")
    for method in ("ppo", "bc", "dqfd", "gail", "bc-ppo", "dagger"):
        cells = []
        for count in counts:
            key = "ppo 0" if method == "ppo" else f"{method} {count}"
            cells.append(_cell(place, key) if key in place["runs"] else "")
        note = {"ppo": ", none shown", "dagger": ", as many asked"}.get(method, "")
        lines.append(f"| {TITLES[method]}{note} | {' | '.join(cells)} |")
    return lines


def _cell(place: Mapping[str, Any], key: str) -> str:
    found = bootstrap(100 * shares(place, key), np.random.default_rng(0))
    return f"{found.value:.1f} ({found.low:.1f} to {found.high:.1f})"


def _better(place: Mapping[str, Any], counts: Sequence[int]) -> list[str]:
    """How likely the others beat behaviour cloning."""
    lines = [
        f"| probability of beating cloning | {' | '.join(f'{c} shown' for c in counts)} |",
        f"| --- |{' ---: |' * len(counts)}",
    ]
    for method in ("dqfd", "gail", "bc-ppo"):
        cells = []
        for count in counts:
            ours, theirs = shares(place, f"{method} {count}"), shares(place, f"bc {count}")
            found = improvement_interval(ours, theirs, np.random.default_rng(0))
            cells.append(f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})")
        lines.append(f"| {TITLES[method]} | {' | '.join(cells)} |")
    return lines


def _spared(place: Mapping[str, Any], counts: Sequence[int], share: float) -> list[str]:
    """Steps that PPO needs, with and without demonstrations."""
    target, found = steps_to_target(place, counts, share)
    plain = float(np.median(found["ppo 0"]))
    lines = [
        f"Steps from reward until the training return is {target:.3f}, {100 * share:.0f} % of the "
        f"way from random play to where PPO ends ({place['steps']:,} steps), medians over the "
        f"seeds; those that imitated first count {CRITIC_DECISIONS:,} in which the critic watched.",
        "",
        "| shown | steps | of PPO's | never got there |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for key, steps in found.items():
        median = float(np.median(steps))
        never = int(np.isinf(steps).sum())
        shown = key.split()[1]
        lines.append(
            f"| {shown} | {median:,.0f} | {100 * median / plain:.0f} % | {never} of {len(steps)} |"
        )
    return lines
