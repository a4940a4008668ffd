"""Checks of what an environment is made of: its class, spaces, what reset and step give back."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from segue.experiments.contract.check import Finding, Subject, advice, check, fault
from segue.experiments.contract.fits import misfit
from segue.experiments.contract.playing import Actor, difference, play, short

RETURNED = ("observation", "reward", "terminated", "truncated", "info")


@check("made", "gymnasium.make makes it, and reset begins an episode", gate=True)
def made(subject: Subject) -> Iterator[Finding]:
    """Make, reset with a seed and without, look at the class."""
    env = subject.make()
    inner: object = env.unwrapped
    if not isinstance(inner, gym.Env):
        yield fault("its class is no gymnasium.Env; derive it from that.")
    for kind in ("observation_space", "action_space"):
        if not isinstance(getattr(env, kind, None), spaces.Space):
            yield fault(f"its {kind} is no gymnasium.Space; set one in __init__.")
    env.reset()
    env.reset(seed=0)
    env.reset(seed=1, options={})
    if inspect.getdoc(type(env.unwrapped)) in (None, inspect.getdoc(gym.Env)):
        yield advice("its class has no docstring; say there what an agent sees, does and earns.")


@check("returns", "reset gives (observation, info), step five values", gate=True)
def returns(subject: Subject) -> Iterator[Finding]:
    """Count and type what comes back, unwrapped, since wrappers hide it behind errors."""
    env: Any = subject.make().unwrapped
    begun = env.reset(seed=0)
    if not isinstance(begun, tuple) or len(begun) != 2:
        yield fault(f"reset gives {short(begun)}; give an observation and an info dict.")
        return
    if not isinstance(begun[1], dict):
        yield fault(f"the info of reset is {short(begun[1])}; give a dict, {{}} if it is empty.")
    result = env.step(Actor(env, 0).choose(env, begun[1]))
    if not isinstance(result, tuple) or len(result) != len(RETURNED):
        count = f"{len(result)} values" if isinstance(result, tuple) else short(result)
        yield fault(f"step gives {count}; give {', '.join(RETURNED)}.")
    elif not isinstance(result[4], dict):
        yield fault(f"the info of step is {short(result[4])}; give a dict, {{}} if it is empty.")


@check("first observation", "what reset gives lies in the observation space")
def first_observation(subject: Subject) -> Iterator[Finding]:
    """Fit the observations of several seeds."""
    env = subject.make()
    for seed in range(8):
        told = misfit(env.reset(seed=seed)[0], env.observation_space, "the observation")
        if told:
            yield fault(f"after reset(seed={seed}) {told}; make both agree.")
            return


@check("spaces", "its spaces are sound and stay what they are")
def constant_spaces(subject: Subject) -> Iterator[Finding]:
    """Compare the spaces of two instances, and before and after a while."""
    env, other = subject.make(), subject.make()
    for kind in ("observation_space", "action_space"):
        space = getattr(env, kind)
        yield from _sound(space, kind)
        if space != getattr(other, kind):
            yield fault(f"two instances differ in their {kind}; let only arguments decide it.")
    before = (repr(env.observation_space), repr(env.action_space))
    for seed in range(3):
        _, info = env.reset(seed=seed)
        for _ in play(env, Actor(env, seed), 20, info):
            pass
        if (repr(env.observation_space), repr(env.action_space)) != before:
            yield fault("a space changed while it was played; keep both as they were made.")
            return


def _sound(space: spaces.Space[Any], kind: str) -> Iterator[Finding]:
    if isinstance(space, spaces.Dict):
        for key, part in space.spaces.items():
            yield from _sound(part, f"{kind}[{key!r}]")
    if isinstance(space, spaces.Box):
        if np.isnan(np.asarray(space.low, float)).any() or (space.low > space.high).any():
            yield fault(f"{kind} has bounds that are NaN or the wrong way round; mend them.")
        elif (space.low == space.high).any():
            yield advice(f"{kind} has a number that can only be {space.low.min()}; leave it out.")
    sample = space.sample()
    if not space.contains(sample):
        yield fault(f"{kind} does not contain its own sample {short(sample)}; mend its bounds.")


@check("gymnasium", "Gymnasium's own check_env accepts it")
def gymnasium(subject: Subject) -> Iterator[Finding]:
    """Run the checker that Gymnasium's own environments pass."""
    env = subject.make()
    wrapped = bool(env.spec and env.spec.additional_wrappers)
    try:
        # Strangers' pictures have checks of their own, which know of missing libraries.
        check_env(env if wrapped else env.unwrapped, skip_render_check=not subject.ours)
    except AssertionError as error:
        yield fault(f"check_env says: {first_line(error)}")


@check("metadata", "its metadata lists its render modes and their frames per second")
def metadata(subject: Subject) -> Iterator[Finding]:
    """Look at render_modes and render_fps."""
    given = subject.example.unwrapped.metadata
    modes = given.get("render_modes") if isinstance(given, dict) else None
    if not isinstance(modes, list | tuple) or not all(isinstance(mode, str) for mode in modes):
        yield fault(
            f"metadata['render_modes'] is {short(modes)}; list the render modes there, [] for none."
        )
        return
    fps = given.get("render_fps")
    if modes and (isinstance(fps, bool) or not isinstance(fps, int | float) or not fps > 0):
        yield advice(f"metadata['render_fps'] is {short(fps)}; say how fast a film of it runs.")


@check("close", "close may be called twice, and a new one works afterwards")
def close(subject: Subject) -> Iterator[Finding]:
    """Close before and after an episode has begun."""
    subject.make().close()
    env = subject.make()
    env.reset(seed=0)
    env.close()
    try:
        env.close()
    except Exception as error:
        yield fault(f"the second close raised {type(error).__name__}; let it do nothing.")
    subject.make().reset(seed=0)


@check("actions kept", "an action that it was given is neither changed nor held on to")
def actions_kept(subject: Subject) -> Iterator[Finding]:
    """Hand actions over as arrays, and write over them afterwards."""
    env, other = subject.make(), subject.make()
    if not env.action_space.shape:
        return
    _, info = env.reset(seed=4)
    other.reset(seed=4)
    actor = Actor(env, 4)
    for _ in range(50):
        action = actor.choose(env, info)
        handed, kept = np.array(action), np.array(action)
        seen = env.step(handed)
        if not np.array_equal(handed, kept):
            yield fault("step changed the array that it was given as action; copy it first.")
            return
        again, info = other.step(kept.copy()), seen[4]
        handed[...] = env.action_space.sample()
        if difference(seen[:4], again[:4], "step"):
            yield fault("it holds on to the action's array, which the agent uses again; copy it.")
            return
        if seen[2] or seen[3]:
            info = env.reset()[1]
            other.reset()


def first_line(error: BaseException) -> str:
    """First line of an error's text, as a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    with suppress(IndexError):
        return lines[0].rstrip(".") + "."
    return f"{type(error).__name__}."
