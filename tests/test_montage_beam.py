"""Beam, expert and director of `segue/Montage-v0`: montages whose returns are really reached."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.montage import expert, optimum
from segue.envs.montage.beam import actions_of, beam
from segue.envs.montage.choices import choices
from segue.envs.montage.director import directed_bank
from segue.envs.montage.env import Montage
from segue.envs.montage.relaxation import relax
from segue.envs.montage.stages import Stages, end_of
from segue.envs.montage.synthetic import synthetic_bank
from segue.envs.montage.types import MontageBatch

Ints = npt.NDArray[np.int64]


def begin(task: Montage, bin_: int, count: int = 1) -> MontageBatch:
    batch = task.allocate(count)
    task.begin(batch, np.arange(count), np.full(count, bin_, dtype=np.uint64))
    return batch


def play(task: Montage, bin_: int, actions: Ints) -> float:
    batch, total = begin(task, bin_), 0.0
    for action in actions:
        assert not batch.terminated[0]
        task.step(batch, action[None])
        assert batch.terms[task.term_names.index("legality"), 0] == 0.0
        total += float(batch.reward[0])
    assert batch.terminated[0]
    return total


def expert_return(task: Montage, bin_: int) -> float:
    batch, total = begin(task, bin_), 0.0
    while not batch.terminated[0]:
        task.step(batch, task.expert(batch, np.zeros(1, dtype=np.int64)))
        total += float(batch.reward[0])
    return total


def greedy_return(task: Montage, bin_: int) -> float:
    batch, total = begin(task, bin_), 0.0
    while not batch.terminated[0]:
        task.step(batch, task.greedy(batch, 0)[None])
        total += float(batch.reward[0])
    return total


@pytest.mark.parametrize("seed", range(3))
def test_a_beam_finds_the_optimum_of_small_bins(seed: int) -> None:
    task = Montage(synthetic_bank(1, 5, 10, seed))
    stages = Stages(task.bank, task.reward, 0)
    value = optimum.exact(stages)
    solution = optimum.solve(stages, width=64)
    assert solution.relaxation.bound >= value - 1e-9
    assert solution.line.value == pytest.approx(value, abs=1e-9)
    # What the beam says it earns is what the environment pays for its actions.
    assert play(task, 0, solution.actions) == pytest.approx(value, abs=1e-9)
    assert sorted(set(solution.actions[:, 0])) == sorted(solution.line.used)


def test_beam_and_expert_are_near_the_bound_and_above_greedy() -> None:
    task = Montage(synthetic_bank(3, 16, 32, 11))
    shares = []
    for bin_ in range(3):
        stages = Stages(task.bank, task.reward, bin_)
        guide = relax(stages, lower=0.0, iterations=100)
        values = [beam(stages, guide, width).value for width in (1, 8, 32)]
        assert values[0] <= values[1] + 1e-9
        assert max(values) <= guide.bound + 1e-6
        expert, greedy = expert_return(task, bin_), greedy_return(task, bin_)
        shares.append([values[1], expert, greedy] / np.float64(guide.bound))
        assert task.bound(begin(task, bin_), 0).value >= max(*values, expert, greedy) - 1e-9
    of_beam, of_expert, of_greedy = np.mean(shares, axis=0)
    assert of_beam > 0.985
    assert of_expert > 0.97
    assert of_greedy < of_expert - 0.02


def test_the_expert_answers_many_rows_as_it_answers_one() -> None:
    task = Montage(synthetic_bank(3, 6, 16, 5))
    batch = task.allocate(6)
    task.begin(batch, np.arange(6), np.array([0, 1, 2, 0, 1, 2], dtype=np.uint64))
    generator = np.random.default_rng(0)
    for _ in range(3):
        rows = np.flatnonzero(~batch.terminated)
        together = task.expert(batch, rows)
        for row, action in zip(rows, together, strict=True):
            np.testing.assert_array_equal(task.expert(batch, np.array([row]))[0], action)
        parts = np.split(batch.mask, np.cumsum(task.sizes)[:-1], axis=1)
        drawn = [(part * (1 + generator.random(part.shape))).argmax(axis=1) for part in parts]
        task.step(batch, np.stack(drawn, axis=1))


def test_advice_tells_what_every_choice_is_worth_on_a_path() -> None:
    task = Montage(synthetic_bank(2, 6, 16, 5))
    batch = task.allocate(8)
    task.begin(batch, np.arange(8), np.arange(8, dtype=np.uint64))
    generator, rows = np.random.default_rng(0), np.arange(8)
    for _ in range(2):
        said = task.advice(batch, rows)
        best, top = said.actions, said.total.reshape(8, -1).max(axis=1)
        # Along the best action every part has the value of the whole.
        for values, choice in zip(said.values(best), best.T, strict=True):
            np.testing.assert_allclose(values.max(axis=1), top)
            np.testing.assert_allclose(values[rows, choice], top)
        parts = np.split(batch.mask, np.cumsum(task.sizes)[:-1], axis=1)
        drawn = [(part * (1 + generator.random(part.shape))).argmax(axis=1) for part in parts]
        path = np.stack(drawn, axis=1)
        found = said.values(path)
        assert [part.shape[1] for part in found] == list(task.sizes)
        np.testing.assert_array_equal(np.isfinite(np.concatenate(found, axis=1)), batch.mask > 0)
        # A part is worth what the best of the next one is, once it is chosen.
        for values, choice, later in zip(found, path.T, found[1:], strict=False):
            np.testing.assert_allclose(values[rows, choice], later.max(axis=1))
        # The last part's worth is the reward of the whole action and what is hoped for after it.
        before = batch.beat.copy()
        task.step(batch, path)
        guides = [task._guide(int(number)) for number in batch.bin]
        ends = end_of(batch.last_shot, batch.last_third, batch.last_mirrored)
        previous = batch.timeline[rows, np.maximum(batch.cuts - 2, 0), 0]
        previous = np.where(batch.cuts > 1, previous, -1)
        for row in np.flatnonzero(~batch.terminated):
            ahead = guides[row].ahead(batch.beat[row], ends[row], previous[row])
            worth = batch.reward[row] + float(ahead)
            assert found[4][row, path[row, 4]] == pytest.approx(worth, abs=1e-5)
        assert (batch.beat > before).all()


def test_choices_pay_what_the_environment_pays() -> None:
    task = Montage(synthetic_bank(2, 6, 16, 7))
    batch = task.allocate(40)
    task.begin(batch, np.arange(40), np.arange(40, dtype=np.uint64))
    generator = np.random.default_rng(1)
    for _ in range(3):
        rows = np.arange(40)
        found = choices(task.bank, task.reward, expert.cursors(task.bank, batch, rows))
        worth = found.worth()
        worth[batch.used] = -np.inf
        flat = worth.reshape(40, -1)
        # Any action that is legal, not only the best; craft is the best for it.
        picked = (np.isfinite(flat) * (1 + generator.random(flat.shape))).argmax(axis=1)
        actions = found.actions(picked)
        live = ~batch.terminated
        task.step(batch, actions)
        duration = batch.terms[task.term_names.index("duration")]
        legality = batch.terms[task.term_names.index("legality")]
        assert (legality == 0.0).all()
        np.testing.assert_allclose(
            (batch.reward - duration)[live], flat[rows, picked][live], atol=1e-12
        )


def test_the_actions_of_a_line_lead_from_end_to_end() -> None:
    task = Montage(synthetic_bank(1, 8, 16, 2))
    stages = Stages(task.bank, task.reward, 0)
    line = beam(stages, relax(stages, 0.0, 30), width=4)
    batch = begin(task, 0)
    for action, (beat, end, _) in zip(actions_of(stages, line), line.path, strict=True):
        assert batch.beat[0] == beat
        task.step(batch, action[None])
        ended = (batch.last_shot[0] * 3 + batch.last_third[0]) * 2 + batch.last_mirrored[0]
        assert ended == end


@pytest.mark.parametrize(("shots", "beats"), [(16, 32), (6, 16), (4, 32)])
def test_the_hidden_film_is_legal_and_better_than_chance(shots: int, beats: int) -> None:
    hidden = directed_bank(4, shots, beats, seed=3)
    task = Montage(hidden.bank)
    generator = np.random.default_rng(0)
    for bin_ in range(4):
        value = play(task, bin_, hidden.actions[bin_])
        assert value == pytest.approx(hidden.returns[bin_], abs=1e-9)
        batch = begin(task, bin_, 300)
        total = np.zeros(300)
        while not batch.terminated.all():
            parts = np.split(batch.mask, np.cumsum(task.sizes)[:-1], axis=1)
            drawn = [(part * (1 + generator.random(part.shape))).argmax(axis=1) for part in parts]
            task.step(batch, np.stack(drawn, axis=1))
            total += batch.reward
        assert value > total.max()
        assert value <= task.bound(batch, 0).value + 1e-9


def test_directed_bins_repeat_by_their_seed() -> None:
    one, same, other = (directed_bank(2, 6, 16, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.bank.features, same.bank.features)
    np.testing.assert_array_equal(one.returns, same.returns)
    assert not np.array_equal(one.returns, other.returns)
    with pytest.raises(SegueError, match="shots"):
        directed_bank(1, 2, 32, 0)
