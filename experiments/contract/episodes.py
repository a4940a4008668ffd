"""Checks of whole episodes: that they end, what illegal actions do, bound and greedy play."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from math import isfinite
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from segue.experiments.contract.check import (
    Finding,
    Subject,
    advice,
    built_on_task,
    check,
    fault,
    raised,
)
from segue.experiments.contract.moments import has_masks
from segue.experiments.contract.playing import Actor, difference, legal, mask_of, parts_of, short

MOST_STEPS = 100_000
"""Of random play, in which an episode must end."""
CONSTANT_STEPS = 2_000
SEARCHED = 4_000
"""Steps of the search for a return above the bound, for each of `BOUND_SEEDS`."""
BOUND_SEEDS = 3


@check("episodes end", "random play comes to an end, and says at a time limit that it is one")
def episodes_end(subject: Subject) -> Iterator[Finding]:
    """Play randomly until three episodes are over, then one action only."""
    env = subject.make()
    actor, (_, info) = Actor(env, 0), env.reset(seed=0)
    lengths: list[tuple[int, bool]] = []
    length = 0
    for _ in range(MOST_STEPS):
        result = env.step(actor.choose(env, info))
        info, length = result[4], length + 1
        if result[2] or result[3]:
            lengths.append((length, bool(result[2])))
            length, info = 0, env.reset()[1]
            if len(lengths) == 3:
                break
    if not lengths:
        yield fault(
            f"no episode ended in {MOST_STEPS:,} random steps; register it with max_episode_steps."
        )
        return
    limit = env.spec.max_episode_steps if env.spec else None
    if limit and max(length for length, _ in lengths) > limit:
        yield fault(f"an episode went beyond its max_episode_steps, {limit}; stop counting anew.")
    if limit and all(one == (limit, True) for one in lengths):
        yield advice(
            f"every episode is terminated on its time limit, step {limit}; leave the limit to "
            "max_episode_steps, which truncates, or agents take it for an end of the task."
        )
    if not limit and not subject.ours and _goes_on(subject):
        yield advice(
            f"one action again and again did not end in {CONSTANT_STEPS:,} steps, and there is no "
            "max_episode_steps; register it with one, or a test of such an agent never ends."
        )


def _goes_on(subject: Subject) -> bool:
    env = subject.make()
    env.reset(seed=0)
    action = Actor(env, 0).any()
    for _ in range(CONSTANT_STEPS):
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            return False
    return True


@check("after the end", "after the end nothing moves and nothing is earned", built_on_task)
def after_the_end(subject: Subject) -> Iterator[Finding]:
    """Step on by wild actions."""
    env = subject.make(short=True)
    actor, (observation, info) = Actor(env, 0), env.reset(seed=0)
    over = False
    while not over:
        observation, _, over, _, info = env.step(actor.choose(env, info))
    wild = Actor(env, 1, wild=1.0)
    for _ in range(20):
        after, reward, over, _, told = env.step(wild.choose(env, info))
        moved = difference(observation, after, "observation")
        moved = moved or difference(info["action_mask"], told["action_mask"], "mask")
        if moved or not over or reward != 0.0 or any(told["reward_terms"].values()):
            yield fault(
                f"after the end {moved or f'a step earned {reward}, terminated {over}'}; leave "
                "rows that are over as they are."
            )
            return


@check("illegal actions", "an action that the mask forbids raises nothing", has_masks)
def illegal_actions(subject: Subject) -> Iterator[Finding]:
    """Take forbidden actions; of segue's own tasks, also ones outside the space."""
    env = subject.make()
    actor, (_, info) = Actor(env, 8, wild=1.0 if subject.ours else 0.0), env.reset(seed=8)
    for number in range(200):
        mask = mask_of(env, info)
        action = actor.choose(env, info)
        if not subject.ours and mask is not None and number % 2:
            forbidden = ~mask
            if all(part.any() for part in parts_of(forbidden, env.action_space)):
                action = legal(forbidden[None], env.action_space, actor.generator)[0]
        try:
            _, _, terminated, truncated, info = env.step(action)
        # What an environment raises is its own.
        except Exception as error:
            yield fault(f"action {short(action)}: {raised(error)} Give it a documented outcome.")
            return
        if terminated or truncated:
            info = env.reset()[1]


def has_bound(subject: Subject) -> str:
    """Apply where there is a bound."""
    return "" if subject.offers("bound") else "it has no bound()"


@check("bound", "no play that was found returns more than bound() says", has_bound)
def bound(subject: Subject) -> Iterator[Finding]:
    """Ask for the bound, then search for play above it: random, greedy, and by small changes."""
    for seed in range(BOUND_SEEDS):
        env = subject.make()
        env.reset(seed=seed)
        ask: Any = env.get_wrapper_attr("bound")
        if not callable(ask):
            yield fault(f"bound is {short(ask)}; make it a method that gives a Bound.")
            return
        asked = ask()
        value, exact = getattr(asked, "value", None), getattr(asked, "exact", None)
        if not isinstance(value, int | float) or not isinstance(exact, bool | np.bool_):
            yield fault(f"bound() gives {short(asked)}; give a segue.envs.base.task.Bound.")
            return
        if not isfinite(value):
            yield advice("bound() is not finite, so that results are no fractions of it.")
            return
        how, best = _best_found(subject, env, seed)
        if best > value + 1e-9 * max(1.0, abs(value)):
            yield fault(
                f"bound() says {value:g} for seed {seed}, but {how} play returned {best:g}; raise "
                "it or find the mistake in the rewards."
            )
            return
        if ask() != asked:
            yield fault("bound() changes while the episode is played; give that of its start.")
            return


def _best_found(subject: Subject, env: gym.Env[Any, Any], seed: int) -> tuple[str, float]:
    """Who found the best return of the episode of a seed, and the return."""
    found = []
    if env.has_wrapper_attr("greedy_action"):
        greedy: Any = env.get_wrapper_attr("greedy_action")
        found.append(("greedy", _returned(env, seed, lambda step, info: greedy())[0]))
    actor = Actor(env, seed)
    best, line = _returned(env, seed, lambda step, info: actor.choose(env, info))
    spent, tried = len(line), 1
    generator = np.random.default_rng(seed)
    while spent < SEARCHED and tried < 200:
        # Half of the tries change the best line so far in a few places.
        changed = generator.random(len(line)) < 2 / len(line)
        anew = bool(tried % 2)

        kept = {} if anew else {int(step): line[step] for step in np.flatnonzero(~changed)}
        total, played = _returned(env, seed, partial(_kept_or_drawn, env, actor, kept))
        spent, tried = spent + len(played), tried + 1
        if total > best:
            best, line = total, played
    return max([*found, ("random", best)], key=lambda one: one[1])


def _kept_or_drawn(
    env: gym.Env[Any, Any], actor: Actor, kept: Mapping[int, Any], step: int, info: Any
) -> Any:
    return kept[step] if step in kept else actor.choose(env, info)


def _returned(env: gym.Env[Any, Any], seed: int, choose: Any) -> tuple[float, list[Any]]:
    """Play an episode to its end, or so many steps: its return and its actions."""
    _, info = env.reset(seed=seed)
    actions: list[Any] = []
    total, over = 0.0, False
    while not over and len(actions) < SEARCHED:
        actions.append(choose(len(actions), info))
        _, reward, terminated, truncated, info = env.step(actions[-1])
        total += float(reward)
        over = terminated or truncated
    return total, actions


def has_greedy(subject: Subject) -> str:
    """Apply where there is a greedy baseline."""
    return "" if subject.offers("greedy_action") else "it has no greedy_action()"


@check("greedy", "greedy_action() gives a legal action of the space", has_greedy)
def greedy(subject: Subject) -> Iterator[Finding]:
    """Play greedily."""
    env = subject.make()
    _, info = env.reset(seed=0)
    for _ in range(200):
        action = env.get_wrapper_attr("greedy_action")()
        mask = mask_of(env, info)
        if not env.action_space.contains(action):
            yield fault(f"greedy_action() gives {short(action)}, which is not in the space.")
            return
        if mask is not None and not _allowed(action, mask, env.action_space):
            yield fault(f"greedy_action() gives {short(action)}, which the mask forbids.")
            return
        _, _, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            info = env.reset()[1]


def _allowed(action: Any, mask: Any, space: spaces.Space[Any]) -> bool:
    start = np.atleast_1d(getattr(space, "start", 0))
    chosen = np.atleast_1d(action) - start
    return all(part[one] for part, one in zip(parts_of(mask, space), chosen, strict=True))


EPISODES = (episodes_end, after_the_end, illegal_actions, bound, greedy)
