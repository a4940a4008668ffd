"""Whether training, tuning and testing keep to seeds and pieces of their own; looked at, not said.

Pieces are whatever an environment draws its episodes from: bins, scenes, videos, cantus firmi.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import load_env_creator

from segue.envs.base.errors import SegueError
from segue.experiments.compare_runs import Group, Run
from segue.experiments.evaluation import TEST_SEED, random_action
from segue.experiments.learning import make_env
from segue.experiments.sweep_plan import (
    FIRST_SEED,
    VALIDATION_SEED,
    validation_episodes,
    validation_options,
)
from segue.experiments.train_config import TABULAR

Tell = Callable[[float, str], None]

PROBES = 256
"""Training episodes that test episodes are held against."""
LONGEST = 200
"""Steps of an episode that are looked at."""


@dataclass(frozen=True)
class Separation:
    """What is for training, tuning and testing on one environment.

    Attributes
    ----------
    training, tuning, testing : str
        Seeds and options of each.
    checked : str
        What was looked at.
    warnings : tuple of str
        A sentence for whatever is not kept apart; empty if all is.
    """

    training: str
    tuning: str
    testing: str
    checked: str
    warnings: tuple[str, ...]


def separation(groups: Sequence[Group], tell: Tell | None = None) -> Separation:
    """Look whether the runs of one environment were tested on what they had not seen.

    Parameters
    ----------
    groups : sequence of Group
        All tested on the same episodes.
    tell : callable or None
        Called with the share done and a text.

    Returns
    -------
    Separation
    """
    one = groups[0].runs[0]
    test = one.result.test_seeds
    tuning = range(VALIDATION_SEED, VALIDATION_SEED + validation_episodes(one.config))
    banks = bank_seeds(one.config.env)
    validation = {**one.test_options, **validation_options(one.config)}
    warnings = _seed_warnings(groups)
    reasons, alike = _same_banks(groups, banks), 0
    try:
        shared, alike, looked = _shared(groups, validation, tuning, tell)
        reasons |= shared
    except SegueError as error:
        looked = f"episodes were not held against each other ({error})"
    warnings += _agents_warnings(reasons)
    if alike:
        warnings.append(f"{alike} of {len(test)} test episodes are ones that tuning judges by.")
    training = ", ".join(f"{group.label}: agent's seeds {ranges(group.seeds)}" for group in groups)
    options = {str(_banks(run, banks, run.config.env_options)) for run in _runs(groups)}
    return Separation(
        training=f"{training}; {' or '.join(sorted(options))}",
        tuning=f"agent's seeds from {FIRST_SEED:,}, episodes {ranges(tuning)}; "
        f"{_banks(one, banks, validation)}",
        testing=f"episodes {ranges(test)}; {_banks(one, banks, one.test_options)}",
        checked=looked,
        warnings=tuple(warnings),
    )


def ranges(numbers: Iterable[int]) -> str:
    """Write whole numbers shortly, such as ``0-4, 7``."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)


def bank_seeds(env_id: str) -> dict[str, int]:
    """Options of an environment that seed its pieces, such as ``piece_seed``, and their defaults.

    Empty where the environment cannot be found.
    """
    try:
        creator: Any = gym.spec(env_id.rpartition(":")[2]).entry_point
        if isinstance(creator, str):
            creator = load_env_creator(creator)
        options = inspect.signature(creator).parameters
    except (gym.error.Error, ImportError, AttributeError, TypeError, ValueError):
        return {}
    return {
        name: option.default
        for name, option in options.items()
        if name.endswith("_seed") and isinstance(option.default, int)
    }


def fingerprint(env: gym.Env[Any, Any], seed: int) -> bytes:
    """Hash what an episode shows and pays under actions that are the same for every seed.

    Two episodes on the same piece have the same, unless chance plays a part in their steps.
    """
    digest = hashlib.blake2b(digest_size=16)
    env.action_space.seed(0)
    act = random_action(np.random.default_rng(0))
    observation, info = env.reset(seed=seed)
    for _ in range(LONGEST):
        _take(digest, observation)
        _take(digest, info.get("action_mask"))
        action = act(env, observation, info)
        observation, reward, terminated, truncated, info = env.step(action)
        _take(digest, float(reward))
        if terminated or truncated:
            break
    _take(digest, observation)
    return digest.digest()


def _take(digest: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        for key in sorted(value):
            _take(digest, value[key])
    elif isinstance(value, tuple):
        for part in value:
            _take(digest, part)
    elif isinstance(value, np.ndarray | int | float | np.generic):
        digest.update(np.ascontiguousarray(value).tobytes())
    else:
        digest.update(repr(value).encode())


def _runs(groups: Sequence[Group]) -> list[Run]:
    return [run for group in groups for run in group.runs]


def _trained_on(run: Run) -> dict[str, Any]:
    """Options of what a run learnt on; a table is of the task that it is tested on."""
    return run.test_options if run.config.agent in TABULAR else dict(run.config.env_options)


def _banks(run: Run, banks: Mapping[str, int], options: Mapping[str, Any]) -> str:
    """Say what seeds the pieces."""
    if not banks:
        return f"no option of {run.config.env} seeds its pieces"
    return ", ".join(f"{name} {options.get(name, default)}" for name, default in banks.items())


def _seed_warnings(groups: Sequence[Group]) -> list[str]:
    found = []
    for group in groups:
        for run in group.runs:
            config, test = run.config, set(run.result.test_seeds)
            drawn = range(config.seed, config.seed + max(config.num_envs, 1))
            if test.intersection(drawn) or test.intersection(
                range(config.seed, config.seed + config.greedy_demonstrations)
            ):
                found.append(f"{run.path} was trained on seeds that it is tested on.")
            if config.seed >= FIRST_SEED:
                found.append(
                    f"The seed of {run.path}, {config.seed}, is of those that tuning uses, "
                    f"{FIRST_SEED:,} and above."
                )
            if min(test) < TEST_SEED or max(test) >= VALIDATION_SEED:
                found.append(
                    f"{run.path} was tested on seeds {ranges(test)}, not on those for tests, "
                    f"{TEST_SEED:,} to {VALIDATION_SEED - 1:,}."
                )
    return found


def _same_banks(groups: Sequence[Group], banks: Mapping[str, int]) -> dict[str, str]:
    """Find agents whose pieces are seeded alike in training and testing; a reason by label."""
    found = {}
    for group in groups:
        run = group.runs[0]
        ours, theirs = _trained_on(run), run.test_options
        if run.config.agent in TABULAR:
            found[group.label] = "a table is of the very task that it is tested on"
        elif banks and all(ours.get(name) == theirs.get(name) for name in banks):
            found[group.label] = f"pieces of one seed, {_banks(run, banks, theirs)}"
    return found


def _shared(
    groups: Sequence[Group],
    validation: Mapping[str, Any],
    tuning: Sequence[int],
    tell: Tell | None,
) -> tuple[dict[str, str], int, str]:
    """Hold test episodes against training and tuning episodes.

    Returns
    -------
    of_training : dict of str to str
        By label of an agent: how many test episodes it was trained on; without those of none.
    of_tuning : int
        Test episodes that tuning judges by.
    looked : str
        What was done.
    """
    one = groups[0].runs[0]
    test = _prints(one, one.test_options, one.result.test_seeds)
    found: dict[str, str] = {}
    seen: dict[str, set[bytes]] = {}
    for number, group in enumerate(groups):
        if tell:
            tell(number / len(groups), "holding test episodes against training episodes")
        options = _trained_on(group.runs[0])
        key = repr(sorted(options.items()))
        if key not in seen:
            seen[key] = set(_prints(group.runs[0], options, range(PROBES)))
        alike = sum(one_print in seen[key] for one_print in test)
        if alike:
            found[group.label] = f"{alike} of {len(test)} test episodes are training episodes"
    judged = set(_prints(one, validation, tuning))
    looked = (
        f"every test episode was held against {PROBES} training episodes and {len(tuning)} "
        "tuning episodes, step by step under the same actions."
    )
    return found, sum(one_print in judged for one_print in test), looked


def _agents_warnings(reasons: Mapping[str, str]) -> list[str]:
    """Name the agents of each reason together."""
    together: dict[str, list[str]] = {}
    for label, reason in reasons.items():
        together.setdefault(reason, []).append(label)
    return [
        f"{', '.join(labels)}: {reason}; scores tell what was learnt of them, not how it carries "
        "over to others."
        for reason, labels in together.items()
    ]


def _prints(run: Run, options: Mapping[str, Any], seeds: Iterable[int]) -> list[bytes]:
    env = make_env(run.config.env, options)
    try:
        return [fingerprint(env, seed) for seed in seeds]
    finally:
        env.close()


__all__ = ["Separation", "bank_seeds", "fingerprint", "ranges", "separation"]
