"""Checks of what an environment renders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np

from segue.envs.base.references import resolve_options
from segue.experiments.contract.check import (
    Finding,
    NotCheckedError,
    Subject,
    advice,
    check,
    fault,
)
from segue.experiments.contract.playing import Actor, difference, first_difference, rollout, short

FRAMES = 8


def modes_of(env: gym.Env[Any, Any]) -> tuple[str, ...]:
    """Render modes that the metadata lists."""
    modes = env.metadata.get("render_modes")
    return tuple(modes) if isinstance(modes, list | tuple) else ()


def draws(subject: Subject) -> str:
    """Apply where pictures are rendered."""
    return "" if "rgb_array" in modes_of(subject.example) else "it has no render mode rgb_array"


@check("rendering", "rgb_array gives pictures, uint8 (height, width, 3)", draws)
def rendering(subject: Subject) -> Iterator[Finding]:
    """Render before and after some steps."""
    env = subject.make(render_mode="rgb_array")
    if env.render_mode != "rgb_array":
        yield fault(
            f"its render_mode is {env.render_mode!r} and not 'rgb_array' as asked; keep it."
        )
    _, info = env.reset(seed=0)
    pictures = [_picture(env)]
    actor = Actor(env, 0)
    kept = []
    for _ in range(FRAMES):
        kept.append(np.array(pictures[-1]))
        *_, terminated, truncated, info = _act(subject, env, actor, info)
        pictures.append(_picture(env))
        if terminated or truncated:
            break
    for picture in pictures:
        told = _unfit(picture)
        if told:
            yield fault(f"render gives {told}; give a uint8 array (height, width, 3).")
            return
    if any(difference(old, new, "picture") for old, new in zip(kept, pictures, strict=False)):
        yield fault("the next render changes the picture of the last one; return a copy.")
    if all(np.array_equal(pictures[0], picture) for picture in pictures):
        say = fault if subject.ours else advice
        yield say("its pictures do not change while it is played; draw the state.")


def _act(subject: Subject, env: gym.Env[Any, Any], actor: Actor, info: Any) -> Any:
    # Greedy play moves on, where random play may stay.
    greedy = subject.ours
    return env.step(env.get_wrapper_attr("greedy_action")() if greedy else actor.choose(env, info))


def _picture(env: gym.Env[Any, Any]) -> Any:
    try:
        return env.render()
    except gym.error.DependencyNotInstalled as error:
        raise NotCheckedError(_missing(error)) from error


def _missing(error: BaseException) -> str:
    return f"a library is missing: {str(error).rstrip('.')}"


def _unfit(picture: Any) -> str:
    if not isinstance(picture, np.ndarray):
        return short(picture)
    if picture.dtype != np.uint8:
        return f"dtype {picture.dtype}"
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        return f"shape {picture.shape}"
    return ""


@check("rendering changes nothing", "play goes on the same while it is rendered", draws)
def rendering_changes_nothing(subject: Subject) -> Iterator[Finding]:
    """Play once with pictures and once without."""

    class Rendered(gym.Wrapper[Any, Any, Any, Any]):
        def step(self, action: Any) -> Any:
            _picture(self.env)
            return self.env.step(action)

    shown = rollout(Rendered(subject.make(render_mode="rgb_array")), 41, 20)
    told = first_difference(shown, rollout(subject.make(), 41, 20))
    if told:
        yield fault(f"rendering changes the episode: {told}; let render only look.")


@check("not rendering", "without a render mode nothing is rendered")
def not_rendering(subject: Subject) -> Iterator[Finding]:
    """Make it without a mode, and our own with one that there is not."""
    env = subject.make()
    env.reset(seed=0)
    if env.render_mode is not None:
        yield advice(f"its render_mode is {env.render_mode!r} where none is asked for.")
        return
    if subject.ours:
        if env.render() is not None:
            yield fault("render gives a picture without a render mode; give None.")
        try:
            options = resolve_options({**subject.options, "render_mode": "nonsense"})
            type(env.unwrapped)(**options)
        except ValueError as error:
            if "render_mode" in str(error):
                return
        yield fault("it takes the render mode 'nonsense'; raise a ValueError.")


@check("text", "the render mode ansi gives text", lambda s: _speaks(s))
def text(subject: Subject) -> Iterator[Finding]:
    """Render as text."""
    env = subject.make(render_mode="ansi")
    env.reset(seed=0)
    shown = _picture(env)
    if not isinstance(shown, str):
        yield fault(f"render gives {short(shown)} in mode ansi; give a string.")


def _speaks(subject: Subject) -> str:
    return "" if "ansi" in modes_of(subject.example) else "it has no render mode ansi"


PICTURES = (rendering, rendering_changes_nothing, not_rendering, text)
