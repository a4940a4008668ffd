"""Shots that come again in `segue/Montage-v0`, and what that costs."""

from __future__ import annotations

import numpy as np
import pytest
from montage_bins import act, even_bank, masks, start

from segue.envs.montage import optimum
from segue.envs.montage.env import Montage
from segue.envs.montage.observation import SHOT_WIDTH
from segue.envs.montage.relaxation import relaxed
from segue.envs.montage.stages import Stages
from segue.envs.montage.synthetic import synthetic_bank
from segue.rewards.film import MONTAGE, MONTAGE_WITH_REUSE


def test_a_shot_may_come_again_only_where_it_is_allowed() -> None:
    bank = even_bank(80, 9, 80)
    once, again = start(bank), start(bank, reuse=True)
    for env in (once, again):
        env.step(act(0))
    assert masks(once)[0] == [0, 0, 1]
    # Too short for a beat it stays.
    assert masks(again)[0] == [1, 0, 1]
    assert "reuse" not in once.task.term_names
    assert again.task.term_names == MONTAGE_WITH_REUSE.names == (*MONTAGE.names, "reuse")


def test_a_repeat_costs_by_how_lately_the_shot_was_seen() -> None:
    env = start(even_bank(80, 80, 80), reuse=True, reward_weights={"reuse": 2.0})
    shots, found, seen = [0, 0, 1, 2, 0, 1, 1, 2], [], []
    for shot in shots:
        columns = env.batch.observation["shots"][0].reshape(3, SHOT_WIDTH)  # type: ignore[call-overload]
        seen.append(columns[shot, -2].item())
        info = env.step(act(shot))[4]
        found.append(info["reward_terms"]["reuse"])
    recency = [0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3, 1.0, 1 / 4]
    assert seen == pytest.approx(recency)
    assert found == pytest.approx([-2.0 * part / 8 for part in recency])
    env.reset()
    assert env.batch.laid.tolist() == [[0, 0, 0]]


def test_the_bound_holds_where_shots_return() -> None:
    task = Montage(synthetic_bank(2, 5, 12, 3), reuse=True)
    generator = np.random.default_rng(0)
    for bin_ in range(2):
        batch = task.allocate(500)
        task.begin(batch, np.arange(500), np.full(500, bin_, dtype=np.uint64))
        total = np.zeros(500)
        while not batch.terminated.all():
            parts = np.split(batch.mask, np.cumsum(task.sizes)[:-1], axis=1)
            drawn = [(part * (1 + generator.random(part.shape))).argmax(axis=1) for part in parts]
            task.step(batch, np.stack(drawn, axis=1))
            total += batch.reward
        stages = Stages(task.bank, task.reward, bin_, reuse=True)
        solution = optimum.solve(stages)
        bound = task.bound(batch, 0) if batch.bin[0] == bin_ else None
        assert bound is not None
        assert not bound.exact
        assert total.max() <= bound.value
        # The beam counts immediate repeats only, so what it reaches may be less than it hopes.
        assert solution.line.value <= bound.value + 1e-6
        reached = played(task, bin_, solution.actions)
        assert total.max() < reached <= bound.value


def played(task: Montage, bin_: int, actions: np.ndarray) -> float:  # type: ignore[type-arg]
    batch = task.allocate(1)
    task.begin(batch, np.zeros(1, dtype=np.int64), np.array([bin_], dtype=np.uint64))
    total = 0.0
    for action in actions:
        task.step(batch, action[None])
        total += float(batch.reward[0])
    assert batch.terminated[0]
    return total


def test_an_immediate_repeat_is_charged_by_the_relaxation() -> None:
    bank = even_bank(40, beats=8)
    task = Montage(bank, reuse=True)
    stages = Stages(bank, task.reward, 0, reuse=True)
    free = Stages(bank, task.reward.with_weights({"reuse": 0.0}), 0, reuse=True)
    multipliers = np.zeros(1)
    # One shot alone, which fills half of the film at most: it must come again.
    assert relaxed(stages, multipliers)[0] < relaxed(free, multipliers)[0]
    batch = task.allocate(1)
    task.begin(batch, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.uint64))
    total = 0.0
    while not batch.terminated[0]:
        task.step(batch, task.expert(batch, np.zeros(1, dtype=np.int64)))
        total += float(batch.reward[0])
    assert total == pytest.approx(task.bound(batch, 0).value, abs=1e-5)
