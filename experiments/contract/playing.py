"""Playing an environment by seeded random actions, and comparing what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from segue.envs.base.single import SegueEnv
from segue.experiments.contract.check import action_sizes

Array = npt.NDArray[Any]

FAR = (-(2**40), -33, 31, 32, 64, 2**40)
"""Actions far from any space, at the edges of machine words too."""


def mask_of(env: gym.Env[Any, Any], info: Any) -> Array | None:
    """Mask of legal actions, bool (m,): that of `info`, else the method's; None without one.

    One of a wrong shape is none.
    """
    sizes = action_sizes(env.action_space)
    if sizes is None:
        return None
    given = info.get("action_mask") if isinstance(info, Mapping) else None
    if given is None and env.has_wrapper_attr("action_masks"):
        given = env.get_wrapper_attr("action_masks")()
    if given is None or np.shape(given) != (sum(sizes),):
        return None
    mask: Array = np.asarray(given) != 0
    return mask


class Actor:
    """Draws actions, the same ones for the same seed and masks.

    Parameters
    ----------
    env : gymnasium.Env
        Whose actions they are; its own action space draws nothing.
    seed : int
        Of the draws.
    wild : float
        Share of actions that need not be legal. Where the environment is built on segue's `Task`
        they reach beyond the space.
    """

    def __init__(self, env: gym.Env[Any, Any], seed: int, wild: float = 0.0) -> None:
        self.space = deepcopy(env.action_space)
        self.space.seed(seed)
        self.generator = np.random.default_rng(seed)
        self.wild = wild
        self.beyond = isinstance(env.unwrapped, SegueEnv)

    def choose(self, env: gym.Env[Any, Any], info: Any) -> Any:
        """Draw the next action: by the mask, where there is one."""
        mask = mask_of(env, info)
        if self.wild and self.generator.random() < self.wild:
            return beyond(1, self.space, self.generator)[0] if self.beyond else self.any()
        if mask is None or not all(part.any() for part in parts_of(mask, self.space)):
            return self.any()
        return legal(mask[None], self.space, self.generator)[0]

    def any(self) -> Any:
        """Draw an action of the space, legal or not."""
        return self.space.sample()


def parts_of(mask: Array, space: spaces.Space[Any]) -> list[Array]:
    """Masks of the parts of an action."""
    sizes = action_sizes(space)
    assert sizes is not None
    return np.split(mask, np.cumsum(sizes)[:-1], axis=-1)


def legal(masks: Array, space: spaces.Space[Any], generator: np.random.Generator) -> Array:
    """Draw one legal action for each row of `masks` (n, m): (n,) or (n, parts)."""
    weights = [part.astype(np.float64) for part in parts_of(masks, space)]
    drawn = [(p * (1 + generator.random(p.shape))).argmax(axis=1) for p in weights]
    return _shaped(np.stack(drawn, axis=1), space)


def beyond(count: int, space: spaces.Space[Any], generator: np.random.Generator) -> Array:
    """Draw actions from a range that reaches beyond the space on both sides."""
    sizes = np.array(action_sizes(space))
    drawn = generator.integers(-3, sizes + 3, size=(count, len(sizes)))
    far = generator.random(drawn.shape) < 0.05
    return _shaped(np.where(far, generator.choice(FAR, drawn.shape), drawn), space)


def mixed(masks: Array, space: spaces.Space[Any], generator: np.random.Generator) -> Array:
    """Draw mostly legal actions, some from beyond the space among them."""
    drawn = legal(masks, space, generator)
    wild = generator.random(len(masks)) < 0.1
    chosen = wild if drawn.ndim == 1 else wild[:, None]
    return np.where(chosen, beyond(len(masks), space, generator), drawn)


def _shaped(drawn: Array, space: spaces.Space[Any]) -> Array:
    if isinstance(space, spaces.Discrete):
        return np.asarray(drawn[:, 0] + space.start)
    assert isinstance(space, spaces.MultiDiscrete)
    return np.asarray(drawn + space.start)


def play(env: gym.Env[Any, Any], actor: Actor, steps: int, info: Any) -> Iterator[tuple[Any, ...]]:
    """Yield copies of what each step and each reset after an episode's end gives.

    `info` is that of the last reset or step.
    """
    for _ in range(steps):
        action = actor.choose(env, info)
        result = env.step(action)
        info = result[4]
        yield copied(tuple(result))
        if result[2] or result[3]:
            begun = env.reset()
            info = begun[1]
            yield copied(tuple(begun))


def rollout(
    env: gym.Env[Any, Any], seed: int, steps: int, wild: float = 0.0
) -> list[tuple[Any, ...]]:
    """Reset with a seed and play; everything that was given, as copies."""
    begun = env.reset(seed=seed)
    return [copied(tuple(begun)), *play(env, Actor(env, seed, wild), steps, begun[1])]


def copied(value: Any) -> Any:
    """Copy records deeply; what cannot be copied stands for itself."""
    if isinstance(value, Mapping):
        return {key: copied(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return (
            type(value)(copied(part) for part in value) if type(value) in (tuple, list) else value
        )
    if isinstance(value, np.ndarray):
        return value.copy()
    try:
        return deepcopy(value)
    # An object of others may refuse in any way.
    except Exception:
        return value


def first_difference(left: Sequence[Any], right: Sequence[Any]) -> str:
    """Say where two plays differ first; empty where they are equal."""
    names = {2: ("observation", "info"), 5: ("observation", "reward", "end", "truncation", "info")}
    for number, (one, other) in enumerate(zip(left, right, strict=False)):
        if len(one) != len(other):
            return f"at step {number} only one of them began a new episode"
        parts = names.get(len(one), tuple(map(str, range(len(one)))))
        for name, a, b in zip(parts, one, other, strict=True):
            told = difference(a, b, name)
            if told:
                return f"at step {number} {told}"
    return "" if len(left) == len(right) else "one of them began more episodes"


def difference(left: Any, right: Any, name: str) -> str:
    """Say how two nested records differ, dtypes and shapes counted; empty where they are equal."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        if left.keys() != right.keys():
            return f"the keys of the {name} are {list(left)} and {list(right)}"
        return _first(difference(left[key], right[key], f"{name}[{key!r}]") for key in left)
    if isinstance(left, tuple | list) and isinstance(right, tuple | list):
        if len(left) != len(right):
            return f"the {name} has {len(left)} and {len(right)} parts"
        pairs = enumerate(zip(left, right, strict=True))
        return _first(difference(a, b, f"{name}[{number}]") for number, (a, b) in pairs)
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return _of_arrays(left, right, name)
    return "" if _equal(left, right) else f"the {name} is {short(left)} and {short(right)}"


def _first(told: Iterator[str]) -> str:
    return next((text for text in told if text), "")


def _of_arrays(left: Array, right: Array, name: str) -> str:
    if left.dtype != right.dtype:
        return f"the {name} has dtype {left.dtype} and {right.dtype}"
    if left.shape != right.shape:
        return f"the {name} has shape {left.shape} and {right.shape}"
    if np.array_equal(left, right, equal_nan=left.dtype.kind in "fc"):
        return ""
    return f"the {name} is {short(left)} and {short(right)}"


def _equal(left: Any, right: Any) -> bool:
    by_identity: Any = object.__eq__
    if isinstance(left, bool | np.bool_ | int | float | np.number | str | bytes):
        return bool(left == right) or (left != left and right != right)
    if type(left) is not type(right):
        return False
    # Objects that compare by identity say nothing by it.
    if type(left).__eq__ is by_identity:
        return True
    try:
        return bool(left == right)
    except Exception:
        return True


def short(value: Any) -> str:
    """Show a value in one line of at most 80 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
