"""Optimum, bound, beam and expert of `segue/Montage-v0`."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from montage_bins import Array, even_bank, hand_bank

from segue.envs.montage import optimum
from segue.envs.montage.env import Montage, MontageEnv
from segue.envs.montage.relaxation import relaxed
from segue.envs.montage.stages import Stages
from segue.envs.montage.synthetic import synthetic_bank
from segue.envs.montage.types import Bank, MontageBatch
from segue.rewards.film import MONTAGE

# --- optimum and bound -------------------------------------------------------------------------

CARRIED = (
    "bin",
    "beat",
    "cuts",
    "used",
    "laid",
    "last_shot",
    "last_third",
    "last_mirrored",
    "mask",
)


def expand(task: Montage, batch: MontageBatch, rows: Array) -> tuple[MontageBatch, Array, Array]:
    """Step every legal action in each of `rows`: new batch, row it came from, rewards."""
    actions = np.array(list(product(*map(range, task.sizes))))
    begin = np.concatenate([[0], np.cumsum(task.sizes)[:-1]])
    legal = (batch.mask[rows][:, begin + actions] == 1).all(axis=2)
    origin, chosen = np.nonzero(legal)
    following = task.allocate(len(origin))
    for name in CARRIED:
        getattr(following, name)[:] = getattr(batch, name)[rows[origin]]
    task.step(following, actions[chosen])
    assert (following.terms[task.term_names.index("legality")] == 0).all()
    return following, rows[origin], following.reward.copy()


def exhaustive(task: Montage, bin_: int, merge: bool) -> float:
    """Best return over all action sequences, stepping the environment through every one.

    With `merge`, of prefixes that leave the environment in one and the same state only the best
    goes on.
    """
    batch = task.allocate(1)
    task.begin(batch, np.zeros(1, np.int64), np.array([bin_], dtype=np.uint64))
    value, best, rows = np.zeros(1), -np.inf, np.arange(1)
    while len(rows):
        batch, origin, reward = expand(task, batch, rows)
        value = value[origin] + reward
        best = max(best, value[batch.terminated].max(initial=-np.inf))
        rows = np.flatnonzero(~batch.terminated)
        if merge and len(rows):
            kept = ("beat", "last_shot", "last_third", "last_mirrored")
            state = np.column_stack([*(getattr(batch, name) for name in kept), batch.used])
            rows = rows[np.argsort(-value[rows], kind="stable")]
            rows = rows[np.unique(state[rows], axis=0, return_index=True)[1]]
    return float(best)


def drawn_weights(seed: int) -> dict[str, float]:
    """The preset for seed 0, other weights for others."""
    generator = np.random.default_rng(seed)
    return {name: float(generator.uniform(0.1, 2.0)) for name in MONTAGE.names if seed}


@pytest.mark.parametrize("seed", range(3))
def test_the_exact_optimum_is_that_of_brute_force(seed: int) -> None:
    task = Montage(synthetic_bank(2, 2, 2, seed), reward_weights=drawn_weights(seed))
    batch = task.allocate(1)
    task.begin(batch, np.zeros(1, np.int64), np.array([1], dtype=np.uint64))
    bound = task.bound(batch, 0)
    assert bound.exact
    assert bound.value == pytest.approx(exhaustive(task, 1, merge=False), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_exact_optimum_over_three_shots_and_four_beats(seed: int) -> None:
    task = Montage(synthetic_bank(1, 3, 4, seed), reward_weights=drawn_weights(seed))
    found = optimum.bound(task.bank, task.reward, 0)
    assert found.exact
    assert found.value == pytest.approx(exhaustive(task, 0, merge=True), abs=1e-9)


@pytest.mark.parametrize(
    "bank",
    [
        even_bank(10, 20, 9, beats=4),
        even_bank(10, 11, 2, beats=6),
        hand_bank([11, 26, 12], [10, 12, 10, 14]),
    ],
    ids=["one shot too short", "film stays empty", "uneven beats"],
)
def test_the_exact_optimum_where_shots_run_out(bank: Bank) -> None:
    # Without a cost for what stays empty the best film is not the longest.
    for weights in ({}, {"duration": 0.1}, {"duration": 0.0}):
        task = Montage(bank, reward_weights=weights)
        value = exhaustive(task, 0, merge=True)
        stages = Stages(bank, task.reward, 0)
        assert optimum.exact(stages) == pytest.approx(value, abs=1e-9)
        assert relaxed(stages, np.zeros(bank.shots))[0] >= value - 1e-9


def test_brute_force_may_merge_equal_states() -> None:
    task = Montage(synthetic_bank(1, 2, 2, 5))
    merged, full = (exhaustive(task, 0, merge=merge) for merge in (True, False))
    assert merged == pytest.approx(full, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_lagrangian_bound_is_above_the_optimum(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Montage(synthetic_bank(1, 4, 6, seed), reward_weights=drawn_weights(seed))
    stages = Stages(task.bank, task.reward, 0)
    value = optimum.exact(stages)
    monkeypatch.setattr(optimum, "EXACT_SHOTS", 0)
    found = optimum.bound(task.bank, task.reward, 0)
    assert not found.exact
    assert value - 1e-9 <= found.value <= value + 0.02 * abs(value)
    generator = np.random.default_rng(seed)
    for _ in range(20):
        multipliers = generator.exponential(0.1, 4)
        assert relaxed(stages, multipliers)[0] >= value - 1e-9


def sampled_returns(task: Montage, bin_: int, count: int) -> Array:
    """Returns of random legal play in one bin."""
    generator = np.random.default_rng(0)
    batch = task.allocate(count)
    task.begin(batch, np.arange(count), np.full(count, bin_, dtype=np.uint64))
    total = np.zeros(count)
    while not batch.terminated.all():
        parts = np.split(batch.mask, np.cumsum(task.sizes)[:-1], axis=1)
        drawn = [(part * (1 + generator.random(part.shape))).argmax(axis=1) for part in parts]
        task.step(batch, np.stack(drawn, axis=1))
        total += batch.reward
    return total


@pytest.mark.parametrize("seed", [5, 11])  # whose best line repeats a shot while that is free
def test_the_bound_holds_and_is_lowered_on_larger_bins(seed: int) -> None:
    task = Montage(synthetic_bank(1, 12, 32, seed))
    values = [optimum.bound(task.bank, task.reward, 0, iterations=n).value for n in (1, 100)]
    assert values[1] < values[0] - 0.02
    returns = sampled_returns(task, 0, 2000)
    env = MontageEnv(bank=task.bank)
    env.reset(seed=0)
    total, terminated = 0.0, False
    while not terminated:
        _, reward, terminated, _, _ = env.step(env.greedy_action())
        total += reward
    assert max(returns.max(), total) <= values[1]
    assert total > returns.mean()


def test_greedy_takes_the_greatest_reward_per_beat() -> None:
    task = Montage(synthetic_bank(2, 5, 8, 3))
    batch = task.allocate(1)
    task.begin(batch, np.zeros(1, np.int64), np.array([1], dtype=np.uint64))
    while not batch.terminated[0]:
        action = task.greedy(batch, 0)
        following, _, reward = expand(task, batch, np.zeros(1, np.int64))
        duration = following.terms[task.term_names.index("duration")]
        per_beat = (reward - duration) / (following.beat - batch.beat[0])
        before = int(batch.beat[0])
        task.step(batch, action[None])
        assert (batch.terms[task.term_names.index("legality")] == 0).all()
        earned = batch.reward[0] - batch.terms[task.term_names.index("duration"), 0]
        assert earned / (batch.beat[0] - before) == pytest.approx(per_beat.max(), abs=1e-12)
