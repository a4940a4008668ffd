"""Checks of vector forms that are built on segue's `Task`, of which everything is demanded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode

from segue.envs.base.references import resolve_options
from segue.experiments.contract.check import Finding, Subject, check, fault
from segue.experiments.contract.playing import difference, mixed
from segue.experiments.contract.vectors import has_rows, rows_differ


def has_our_rows(subject: Subject) -> str:
    """Apply where the vector form is built on segue's `Task`."""
    if has_rows(subject):
        return has_rows(subject)
    return "" if subject.our_rows else "its vector form is not a SegueVectorEnv"


@check("vector agrees with Gymnasium's", "rows equal Gymnasium's own vectorisation", has_our_rows)
def vector_as_gymnasiums(subject: Subject) -> Iterator[Finding]:
    """Compare with `SyncVectorEnv`, infos counted."""
    ours, theirs = (
        gym.make_vec(subject.env_id, num_envs=5, vectorization_mode=mode, **_short(subject))
        for mode in ("vector_entry_point", "sync")
    )
    if ours.metadata["autoreset_mode"] != theirs.metadata["autoreset_mode"]:
        yield fault("its autoreset_mode is not Gymnasium's default, NEXT_STEP.")
    generator = np.random.default_rng(0)
    left: Any = ours.reset(seed=4)
    right: Any = theirs.reset(seed=4)
    for number in range(50):
        told = difference(left[:-1], right[:-1], "step")
        for name in ("action_mask", "reward_terms"):
            told = told or _infos_unlike(left[-1][name], right[-1][name], name)
        if told:
            yield fault(f"after {number} steps {told}.")
            break
        actions = mixed(left[-1]["action_mask"], ours.single_action_space, generator)
        left, right = ours.step(actions), theirs.step(actions)
    theirs.close()


def _short(subject: Subject) -> dict[str, Any]:
    return resolve_options({**subject.options, **subject.short})


def _infos_unlike(one: Any, other: Any, name: str) -> str:
    if isinstance(one, dict):
        told = (_infos_unlike(one[key], other[key], f"{name}[{key!r}]") for key in one)
        return next((text for text in told if text), "")
    # Gymnasium gathers rows of a mask as objects in some versions.
    rows = np.stack(list(other)) if np.ndim(one) > 1 else np.asarray(other)
    return "" if np.array_equal(one, rows) else f"info['{name}'] differs"


@check("vector seeds", "seeds of rows may be listed", has_our_rows)
def vector_seeds(subject: Subject) -> Iterator[Finding]:
    """Reset with a list of seeds."""
    vector, env = subject.make_rows(3, short=False), subject.make()
    observation, _ = vector.reset(seed=[8, 1, 5])
    told = rows_differ(observation, [env.reset(seed=seed)[0] for seed in (8, 1, 5)])
    if told:
        yield fault(f"reset(seed=[8, 1, 5]) does not seed each row by its own: {told}.")


@check("vector state", "a saved vector form goes on exactly", has_our_rows)
def vector_state(subject: Subject) -> Iterator[Finding]:
    """Load its state into another one, several times, and play both."""
    for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
        vector, other = (subject.make_rows(7, autoreset_mode=mode).unwrapped for _ in range(2))
        try:
            vector.state_dict()
            yield fault("state_dict works before any reset; raise a ValueError.")
        except ValueError:
            pass
        generator = np.random.default_rng(0)
        space = vector.single_action_space
        vector.reset(seed=6)
        for wait in (3, 5, 9):
            for _ in range(wait):
                vector.step(mixed(vector.action_masks(), space, generator))
            saved = vector.state_dict()
            kept = {key: array.copy() for key, array in saved.items()}
            other.load_state_dict(saved)
            told = ""
            for _ in range(25):
                actions = mixed(vector.action_masks(), space, generator)
                told = told or difference(vector.step(actions), other.step(actions), "step")
            told = told or difference(vector.reset(), other.reset(), "reset")
            told = told or difference(saved, kept, "saved state, which was not to change,")
            if told:
                yield fault(f"after load_state_dict(state_dict()) {told}; save all that matters.")
                return


@check("vector rendering", "its vector form renders every row", has_our_rows)
def vector_rendering(subject: Subject) -> Iterator[Finding]:
    """Render two rows, and none without a mode."""
    vector = subject.make_rows(2, short=False, render_mode="rgb_array")
    vector.reset(seed=0)
    pictures = vector.render()
    if pictures is None or len(pictures) != 2:
        yield fault("its vector form does not give one picture a row.")
        return
    for picture in pictures:
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            yield fault(
                f"a row's picture is {picture.dtype} {picture.shape}; give uint8 (h, w, 3)."
            )
            return
    if subject.make_rows(2, short=False).render() is not None:
        yield fault("its vector form renders without a render mode; give None.")
    try:
        subject.make_rows(2, short=False, autoreset_mode=AutoresetMode.DISABLED)
    except ValueError:
        return
    yield fault("its vector form takes autoreset_mode DISABLED; raise a ValueError.")


OUR_VECTORS = (vector_as_gymnasiums, vector_seeds, vector_state, vector_rendering)
