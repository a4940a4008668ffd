"""Checks of an environment's own vector form: row i is a single environment with the seed + i."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from segue.envs.base.single import SegueEnv
from segue.experiments.contract.check import Finding, Subject, advice, check, fault
from segue.experiments.contract.fits import misfit
from segue.experiments.contract.playing import difference, mask_of, mixed

Array = npt.NDArray[Any]

ROW_STEPS = 4000
"""Least steps of all rows together in a comparison."""
MOST_STEPS = 600
"""After which rows that never end are left."""
BEYOND = 2
"""Steps after every row has been over once."""
CLOSE = 1e-4
"""Relative difference that another precision explains."""


def has_rows(subject: Subject) -> str:
    """Apply where there is a vector form."""
    spec = subject.example.spec
    found = spec is not None and spec.vector_entry_point is not None
    return "" if found else "it has no vector form; segue steps its rows one after the other"


def modes(subject: Subject) -> Sequence[dict[str, Any]]:
    """Keyword arguments of each way of resetting rows that is checked."""
    return ({}, {"autoreset_mode": AutoresetMode.SAME_STEP}) if subject.our_rows else ({},)


class Singles:
    """Single environments side by side, reset as Gymnasium documents the mode of vector forms."""

    def __init__(self, subject: Subject, count: int, seed: int, same_step: bool) -> None:
        made = subject.make(short=True)
        inner = made.unwrapped
        self.envs: list[gym.Env[Any, Any]] = (
            # They share what is drawn and solved once.
            [SegueEnv(inner.task) for _ in range(count)]
            if isinstance(inner, SegueEnv)
            else [made, *(subject.make(short=True) for _ in range(count - 1))]
        )
        self.over = np.zeros(count, dtype=np.bool_)
        self.same_step = same_step
        begun = [env.reset(seed=seed + row) for row, env in enumerate(self.envs)]
        self.first = [observation for observation, _ in begun]
        self.infos = [info for _, info in begun]
        self.finals: dict[int, Any] = {}

    def step(self, actions: Array) -> tuple[list[Any], Array, Array, Array]:
        """Observations, rewards, terminated and truncated; `finals` holds final observations."""
        count = len(self.envs)
        observations, rewards = [], np.zeros(count)
        terminated, truncated = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        self.finals = {}
        for row, env in enumerate(self.envs):
            if self.over[row]:
                observation, info = env.reset()
            else:
                result = env.step(actions[row])
                observation, rewards[row], terminated[row], truncated[row], info = result
                if self.same_step and (terminated[row] or truncated[row]):
                    self.finals[row] = observation
                    earned = info.get("reward_terms")
                    observation, begun = env.reset()
                    info = begun if earned is None else {**begun, "reward_terms": earned}
            observations.append(observation)
            self.infos[row] = info
        self.over = np.zeros(count, np.bool_) if self.same_step else terminated | truncated
        return observations, rewards, terminated, truncated

    def masks(self) -> Array | None:
        """Masks of every row, (n, m)."""
        found = [mask_of(env, info) for env, info in zip(self.envs, self.infos, strict=True)]
        return None if any(mask is None for mask in found) else np.stack(found)  # type: ignore[arg-type]


def row_of(batch: Any, row: int) -> Any:
    """Take one row out of batched observations."""
    if isinstance(batch, dict):
        return {key: row_of(part, row) for key, part in batch.items()}
    if isinstance(batch, tuple):
        return tuple(row_of(part, row) for part in batch)
    return batch[row]


def _actions(vector: Any, singles: Singles, generator: np.random.Generator, ours: bool) -> Array:
    masks, space = singles.masks(), vector.single_action_space
    if masks is not None and ours:
        return mixed(masks, space, generator)
    drawn = [space.sample() for _ in range(vector.num_envs)]
    return np.array(drawn, dtype=vector.action_space.dtype)


@check("vector spaces", "its vector form has the single form's spaces, batched", has_rows)
def vector_spaces(subject: Subject) -> Iterator[Finding]:
    """Compare with Gymnasium's own vectorisation."""
    count = 3
    vector, single = subject.make_rows(count), subject.make(short=True)
    batch = gym.vector.utils.batch_space
    for kind in ("observation_space", "action_space"):
        alone = getattr(single, kind)
        if getattr(vector, f"single_{kind}") != alone:
            yield fault(f"single_{kind} of the vector form is not that of the single form.")
        elif getattr(vector, kind) != batch(alone, count):
            yield fault(f"{kind} of the vector form is not batch_space(single, num_envs).")
    mode = vector.metadata.get("autoreset_mode")
    if not isinstance(mode, AutoresetMode):
        yield fault(f"autoreset_mode in the vector form's metadata is {mode!r}; say which it is.")
    observation, info = vector.reset(seed=0)
    told = misfit(observation, vector.observation_space, "the vector form's observation")
    if told:
        yield fault(f"{told}; make both agree.")
    if not isinstance(info, dict):
        yield fault("the vector form's info is no dict.")


@check("vector rows", "each row of its vector form plays as a single environment does", has_rows)
def vector_rows(subject: Subject) -> Iterator[Finding]:
    """Step both side by side, with every way of resetting that is offered."""
    for extra in modes(subject):
        found = list(_compared(subject, extra))
        yield from found
        if found:
            return


def _compared(subject: Subject, extra: dict[str, Any]) -> Iterator[Finding]:
    ours, count = subject.our_rows, subject.rows
    vector = subject.make_rows(count, **extra)
    if extra and vector.metadata["autoreset_mode"] != extra["autoreset_mode"]:
        yield fault("its vector form does not take the autoreset_mode that it is given.")
        return
    same = vector.metadata.get("autoreset_mode") == AutoresetMode.SAME_STEP
    vector.single_action_space.seed(3)
    singles = Singles(subject, count, 100, same)
    observation, _ = vector.reset(seed=100)
    told = rows_differ(observation, singles.first)
    if told:
        # Gymnasium's own CartPole seeds all rows at once; but never do they begin alike.
        rows = [row_of(observation, number) for number in range(count)]
        say = fault if ours or (_alike(rows) and not _alike(singles.first)) else advice
        yield say(
            f"row i does not begin as a single environment with the seed + i does: {told}; "
            "draw each row from a generator of its own."
        )
        return
    generator, ends, steps = np.random.default_rng(3), np.zeros(count, np.int64), 0
    # More than a whole episode in every row.
    beyond = 0
    while steps * count < ROW_STEPS or (ours and beyond < BEYOND and steps < MOST_STEPS):
        beyond += bool(ends.min() >= 1)
        actions = _actions(vector, singles, generator, ours)
        given = vector.step(actions)
        wanted = singles.step(actions)
        steps += 1
        ends += wanted[2] | wanted[3]
        told = _step_differs(given, wanted, singles, ours, same)
        if told:
            yield fault(f"after {steps} steps {told}; step both by one and the same rules.")
            return


def _alike(observations: list[Any]) -> bool:
    return not any(difference(observations[0], one, "row") for one in observations[1:])


def _step_differs(given: Any, wanted: Any, singles: Singles, ours: bool, same: bool) -> str:
    observation, reward, terminated, truncated, info = given
    for name, one, other in (
        ("terminated", terminated, wanted[2]),
        ("truncated", truncated, wanted[3]),
    ):
        if not np.array_equal(one, other):
            row = int(np.flatnonzero(np.asarray(one) != other)[0])
            return f"row {row} has {name} {one[row]}, a single environment {other[row]}"
    same_reward = np.array_equal if ours else _close
    if not same_reward(np.asarray(reward), wanted[1]):
        row = int(np.flatnonzero(np.asarray(reward) != wanted[1])[0])
        return f"row {row} earned {reward[row]:g}, a single environment {wanted[1][row]:g}"
    told = rows_differ(observation, wanted[0], not ours)
    if told:
        return told
    if ours:
        return _infos_differ(info, singles, same)
    return ""


def rows_differ(batch: Any, rows: list[Any], roughly: bool = False) -> str:
    """Say how rows differ from single observations; empty where they are equal."""
    for number, row in enumerate(rows):
        here = row_of(batch, number)
        if roughly and isinstance(row, np.ndarray) and _close(np.asarray(here), row):
            continue
        told = difference(_array(here), _array(row), f"observation of row {number}")
        if told:
            return told
    return ""


def _array(value: Any) -> Any:
    # A row of an integer array is a NumPy number, a single environment may give Python's.
    return value.item() if isinstance(value, np.generic) else value


def _close(one: Array, other: Array) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=CLOSE, atol=CLOSE))


def _infos_differ(info: dict[str, Any], singles: Singles, same: bool) -> str:
    masks = np.stack([one["action_mask"] for one in singles.infos])
    told = difference(np.ascontiguousarray(info["action_mask"]), masks, "mask of all rows")
    if told:
        return told
    names = singles.infos[0]["reward_terms"]
    terms = {name: np.array([one["reward_terms"][name] for one in singles.infos]) for name in names}
    told = difference(dict(info["reward_terms"]), terms, "reward terms of all rows")
    if told or not same:
        return told
    if ("final_obs" in info) != bool(singles.finals):
        return "final_obs is given where no row ended, or the other way round"
    if singles.finals and info["_final_obs"].sum() != len(singles.finals):
        return "_final_obs marks other rows than those that ended"
    for row, final in singles.finals.items():
        if not info["_final_obs"][row]:
            return f"_final_obs does not mark row {row}, which ended"
        told = difference(row_of(info["final_obs"], row), final, f"final_obs of row {row}")
        if told:
            return told
    return ""


@check("vector autoreset", "rows that are over are reset as its autoreset_mode says", has_rows)
def vector_autoreset(subject: Subject) -> Iterator[Finding]:
    """Watch what is returned around the ends of episodes."""
    vector = subject.make_rows(subject.rows if not subject.our_rows else 4)
    mode = vector.metadata.get("autoreset_mode")
    if mode not in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
        return
    space = vector.action_space
    space.seed(0)
    vector.reset(seed=0)
    over = np.zeros(vector.num_envs, np.bool_)
    for _ in range(1000):
        observation, reward, terminated, truncated, info = vector.step(space.sample())
        told = misfit(observation, vector.observation_space, "the vector form's observation")
        if told:
            yield fault(f"{told}; make both agree.")
            return
        ended = np.asarray(terminated) | np.asarray(truncated)
        if mode == AutoresetMode.NEXT_STEP and (
            np.asarray(reward)[over].any() or ended[over].any()
        ):
            yield fault(
                "the step after a row's end, which resets it, must earn 0 and end nothing, by "
                "NEXT_STEP in its metadata."
            )
            return
        if mode == AutoresetMode.SAME_STEP and ended.any() and "final_obs" not in info:
            yield fault("the step that ends a row lacks info['final_obs'], by SAME_STEP.")
            return
        over = ended


@check("vector same seed", "two vector forms with one seed agree exactly", has_rows)
def vector_same_seed(subject: Subject) -> Iterator[Finding]:
    """Step two side by side by the same actions."""
    one, other = subject.make_rows(4), subject.make_rows(4)
    space = one.action_space
    space.seed(1)
    left, right = one.reset(seed=9), other.reset(seed=9)
    for number in range(ROW_STEPS // 20):
        told = difference(left[:-1], right[:-1], "step")
        if told:
            yield fault(f"after {number} steps {told}; draw from what the seed sets.")
            return
        actions = space.sample()
        left, right = one.step(actions), other.step(actions)


VECTORS = (vector_spaces, vector_rows, vector_same_seed, vector_autoreset)
