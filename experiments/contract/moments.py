"""Checks of every step of a long play by random actions, all in one pass."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial, reduce
from typing import Any

import gymnasium as gym
import numpy as np

from segue.experiments.contract.check import (
    Applies,
    Check,
    Finding,
    Subject,
    action_sizes,
    advice,
    always,
    check,
    fault,
    raised,
)
from segue.experiments.contract.fits import misfit
from segue.experiments.contract.playing import Actor, parts_of, short

WILD = 0.34
"""Share of actions that need not be legal."""


@dataclass(frozen=True)
class Moment:
    """What one step, or one reset in between, gave.

    Attributes
    ----------
    env : gymnasium.Env
        Just after it.
    number : int
        Steps so far.
    reset : bool
        Whether it was a reset; reward and ends then stand for nothing.
    first, latest : mapping
        Infos of the first reset and of the first step.
    """

    env: gym.Env[Any, Any]
    ours: bool
    number: int
    reset: bool
    observation: Any
    reward: Any
    terminated: Any
    truncated: Any
    info: Mapping[str, Any]
    first: Mapping[str, Any]
    stepped: Mapping[str, Any]


Judge = Callable[[Moment], Iterator[Finding]]


def observations(moment: Moment) -> Iterator[Finding]:
    """Fit the observation into its space."""
    told = misfit(moment.observation, moment.env.observation_space, "the observation")
    if told:
        yield fault(f"{told}; make both agree.")


def rewards(moment: Moment) -> Iterator[Finding]:
    """Look at the reward's type and value."""
    reward = moment.reward
    if moment.reset:
        return
    number = isinstance(reward, int | float | np.integer | np.floating)
    if isinstance(reward, bool | np.bool_) or not number:
        yield fault(f"the reward is {short(reward)}; give a float.")
    elif not math.isfinite(reward):
        yield fault(f"the reward is {float(reward)}; keep it finite.")
    elif moment.ours and not isinstance(reward, float):
        yield fault(f"the reward is a {type(reward).__name__}; give a float.")


def ends(moment: Moment) -> Iterator[Finding]:
    """Look at the types of terminated and truncated."""
    if moment.reset:
        return
    for name in ("terminated", "truncated"):
        flag = getattr(moment, name)
        if not isinstance(flag, bool | np.bool_):
            yield fault(f"{name} is {short(flag)}; give True or False, as by bool(...).")
    if moment.ours and moment.truncated is not False:
        yield fault("truncated is True; what segue's Task ends is terminated.")


def info_keys(moment: Moment) -> Iterator[Finding]:
    """Compare the keys of every info with those of the first reset and step."""
    keys, first = list(moment.info), list(moment.first)
    if moment.reset or moment.ours:
        if keys != first:
            yield fault(f"info has the keys {keys} here, and {first} after the first reset.")
        return
    expected = list(moment.stepped)
    if set(keys) != set(expected):
        yield fault(
            f"info has the keys {keys} here, and {expected} after the first step; give the same "
            "ones at every step."
        )
    for name in ("action_mask", "reward_terms"):
        if (name in keys) != (name in first):
            yield fault(f"info has {name} after only one of reset and step; give it after both.")
    if set(expected) != set(first):
        yield advice(f"info has {expected} after a step but {first} after reset; give the same.")


def masks(moment: Moment) -> Iterator[Finding]:
    """Look at the mask of legal actions, by both conventions."""
    sizes = action_sizes(moment.env.action_space)
    if sizes is None:
        yield fault("it has masks, but its actions cannot be counted; use Discrete ones.")
        return
    given: dict[str, Any] = {}
    if "action_mask" in moment.info:
        given["info['action_mask']"] = moment.info["action_mask"]
    if moment.env.has_wrapper_attr("action_masks"):
        given["action_masks()"] = moment.env.get_wrapper_attr("action_masks")()
    for name, mask in given.items():
        wanted = np.dtype(np.int8 if name.startswith("info") else np.bool_)
        if not isinstance(mask, np.ndarray) or mask.dtype != wanted:
            kind = getattr(mask, "dtype", type(mask).__name__)
            yield fault(f"{name} is {kind}; give a NumPy array of {wanted}.")
        if np.shape(mask) != (sum(sizes),):
            yield fault(f"{name} has shape {np.shape(mask)}; give one entry an action: {sizes}.")
            return
        if not set(np.unique(mask).tolist()) <= {0, 1}:
            yield fault(f"{name} holds {short(np.unique(mask))}; 1 is legal and 0 is not.")
        over = not moment.reset and (moment.terminated or moment.truncated)
        if not over and not all(
            p.any() for p in parts_of(np.asarray(mask), moment.env.action_space)
        ):
            yield fault(f"{name} leaves no legal action, though the episode goes on; leave one.")
    if len(given) == 2 and not np.array_equal(*(np.asarray(mask) != 0 for mask in given.values())):
        yield fault("info['action_mask'] and action_masks() differ; make both from one mask.")
    if len(given) == 1 and "action_masks()" in given:
        yield advice("it has action_masks() but no info['action_mask'], which segue reads; add it.")


def terms(moment: Moment) -> Iterator[Finding]:
    """Add the reward terms up."""
    given = moment.info.get("reward_terms")
    if not isinstance(given, Mapping):
        yield fault(f"info['reward_terms'] is {short(given)}; map each term to its weighted value.")
        return
    names = list(moment.first.get("reward_terms", ()))
    if list(given) != names:
        yield fault(f"the reward terms are {list(given)}, and {names} after the first reset.")
    values = list(given.values())
    if not all(isinstance(v, int | float | np.number) and math.isfinite(v) for v in values):
        yield fault(f"info['reward_terms'] is {short(given)}; give finite numbers.")
        return
    if moment.reset:
        if any(values):
            yield fault("reward terms after reset are not 0, but nothing was earned yet.")
        return
    # Added one by one: from Python 3.12 on, `sum` compensates rounding and would differ.
    total = reduce(operator.add, values, 0.0)
    scale = max(1.0, *(abs(float(v)) for v in values)) if values else 1.0
    exact = total == moment.reward
    if not exact and (moment.ours or abs(total - float(moment.reward)) > 1e-5 * scale):
        yield fault(
            f"the reward terms add up to {total:g}, but the reward is {float(moment.reward):g}; "
            "give each term's weighted value, all of them."
        )


def has_masks(subject: Subject) -> str:
    """Apply where there are masks, by either convention."""
    found = "action_mask" in subject.first[1] or subject.offers("action_masks")
    return "" if found else "it has no info['action_mask'] nor action_masks()"


def has_terms(subject: Subject) -> str:
    """Apply where there are reward terms."""
    if "reward_terms" in subject.first[1]:
        return ""
    env = subject.make()
    _, info = env.reset(seed=0)
    stepped = env.step(Actor(env, 0).choose(env, info))[4]
    return "" if "reward_terms" in stepped else "it has no info['reward_terms']"


JUDGES: dict[str, Judge] = {
    "observations": observations,
    "rewards": rewards,
    "ends": ends,
    "info keys": info_keys,
    "masks": masks,
    "reward terms": terms,
}


@dataclass
class _Pass:
    """What the judges said: each sentence with the step it was first said at, and how often."""

    found: dict[str, dict[Finding, list[int]]] = field(
        default_factory=lambda: {name: {} for name in JUDGES}
    )
    number: int = 0
    error: Exception | None = None

    def hear(self, moment: Moment) -> None:
        """Ask every judge."""
        for name, judge in JUDGES.items():
            if name == "masks" and not _masked(moment):
                continue
            if name == "reward terms" and not _told_terms(moment):
                continue
            try:
                said = list(judge(moment))
            # What a judge chokes on is no sound value.
            except Exception as error:
                said = [fault(f"its {name} cannot be judged ({type(error).__name__}: {error}).")]
            for one in said:
                self.found[name].setdefault(one, []).append(moment.number)


def _masked(moment: Moment) -> bool:
    infos = (moment.info, moment.first)
    return any("action_mask" in info for info in infos) or moment.env.has_wrapper_attr(
        "action_masks"
    )


def _told_terms(moment: Moment) -> bool:
    # Their absence at a reset, or at a step, is told by the keys.
    return "reward_terms" in moment.info


@lru_cache(maxsize=2)
def _watched(subject: Subject) -> _Pass:
    """Play `subject.steps` steps, all judges looking on."""
    done = _Pass()
    try:
        env = subject.make()
        actor = Actor(env, 0, WILD)
        observation, info = env.reset(seed=0)
        first, stepped = dict(info), None
        begun = _moment(subject, env, 0, observation, info, first, first)
        done.hear(begun)
        while done.number < subject.steps:
            result = env.step(actor.choose(env, info))
            done.number += 1
            info = result[4]
            stepped = dict(info) if stepped is None else stepped
            done.hear(
                Moment(env, subject.ours, done.number, False, *result, first=first, stepped=stepped)
            )
            if result[2] or result[3]:
                observation, info = env.reset()
                done.hear(_moment(subject, env, done.number, observation, info, first, stepped))
    except Exception as error:
        done.error = error
    return done


def _moment(
    subject: Subject,
    env: gym.Env[Any, Any],
    number: int,
    observation: Any,
    info: Mapping[str, Any],
    first: Mapping[str, Any],
    stepped: Mapping[str, Any],
) -> Moment:
    return Moment(
        env, subject.ours, number, True, observation, 0.0, False, False, info, first, stepped
    )


def _said(name: str, subject: Subject) -> Iterator[Finding]:
    """What the judge of a name said, each sentence once."""
    watched = _watched(subject)
    kinds: dict[str, int] = {}
    for finding, steps in watched.found[name].items():
        # Sentences that differ only in their numbers are one fault.
        kind = re.sub(r"[-+]?\d[\d.e+-]*", "0", finding.sentence)
        kinds[kind] = kinds.get(kind, 0) + 1
        if kinds[kind] == 1:
            where = "from the start" if steps[0] == 0 else f"first at step {steps[0]}"
            yield Finding(finding.severity, f"{where}: {finding.sentence}")


@check("steps", "1,000 steps by random actions raise nothing")
def steps(subject: Subject) -> Iterator[Finding]:
    """Tell what the long play raised."""
    watched = _watched(subject)
    if watched.error is not None:
        yield fault(f"after {watched.number} random steps {raised(watched.error)}")


def _of(name: str, demands: str, applies: Applies = always) -> Check:
    return Check(name, demands, partial(_said, name), applies)


MOMENTS = (
    steps,
    _of("observations", "every observation has the space's dtype and shape and lies in it"),
    _of("rewards", "every reward is a finite number"),
    _of("ends", "terminated and truncated are bools"),
    _of("info keys", "info has the same keys at every step"),
    _of("reward terms", "info['reward_terms'] add up to the reward", has_terms),
    _of("masks", "both masks of legal actions agree, and leave an action", has_masks),
)
