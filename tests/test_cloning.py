"""Behaviour cloning: batches, what is held out, masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from test_agents_deep import Chain

from segue.agents.deep import NativeVecEnv, build
from segue.agents.deep import cloning as module
from segue.agents.deep.cloning import clone, hold_out, log_likelihood, log_likelihoods
from segue.agents.demonstrations import Decisions, Episode
from segue.envs.base.errors import SegueError

torch.set_num_threads(1)

STATES = np.eye(3, dtype=np.float32)
MASK = np.array([True, True, True, False])


def make(name: str = "maskable-ppo") -> Any:
    kept = {"policy_kwargs": {"net_arch": [16]}}
    return build(name, NativeVecEnv(Chain(2)), seed=0, hyperparameters=kept)


def copies(count: int, right: float = 1.0, seed: int = 0) -> Decisions:
    """Decisions that copy the state with the chance `right`, and do the next thing else."""
    generator = np.random.default_rng(seed)
    states = generator.integers(0, 3, count)
    actions = (states + (generator.random(count) >= right)) % 3
    return Decisions(STATES[states], actions, np.tile(MASK, (count, 1)))


def chances(model: Any) -> np.ndarray:
    with torch.no_grad():
        given = model.policy.get_distribution(torch.as_tensor(STATES)).distribution.probs
    return np.asarray(given.numpy())


def test_it_finds_the_shares_of_what_was_done() -> None:
    model = make()
    losses = clone(model, copies(2_000, 0.8), epochs=40, learning_rate=3e-3)
    wanted = 0.8 * np.eye(4)[:3] + 0.2 * np.eye(4)[[1, 2, 0]]
    masked = chances(model) * MASK
    np.testing.assert_allclose(masked / masked.sum(1, keepdims=True), wanted, atol=0.04)
    assert losses[-1] == pytest.approx(-0.8 * np.log(0.8) - 0.2 * np.log(0.2), abs=0.03)
    assert len(losses) == 40


@pytest.mark.parametrize(
    ("count", "sizes"), [(40, [40]), (256, [256]), (257, [129, 128]), (600, [200, 200, 200])]
)
def test_no_batch_is_larger_than_asked_for(
    count: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[np.ndarray] = []

    def seen(policy: Any, decisions: Decisions, rows: np.ndarray) -> torch.Tensor:
        drawn.append(rows)
        return log_likelihood(policy, decisions, rows)

    monkeypatch.setattr(module, "log_likelihood", seen)
    clone(make(), copies(count), epochs=2, batch_size=256)
    assert [len(rows) for rows in drawn] == 2 * sizes
    first = np.concatenate(drawn[: len(sizes)])
    assert sorted(first.tolist()) == list(range(count))
    assert first.tolist() != np.concatenate(drawn[len(sizes) :]).tolist()


def test_the_weights_that_others_are_likeliest_with_are_kept() -> None:
    """What is held out is done otherwise than what is learnt, so that the first epoch is best."""
    held_out = copies(50, right=0.4, seed=2)
    model = make()
    losses = clone(model, copies(50), epochs=30, learning_rate=0.01, held_out=held_out)
    best = int(np.argmin(losses))
    assert best < 29
    assert losses[-1] > losses[best] + 0.1
    assert -log_likelihoods(model.policy, held_out).mean() == pytest.approx(losses[best], abs=1e-6)
    stopped = make()
    clone(stopped, copies(50), epochs=best + 1, learning_rate=0.01)
    np.testing.assert_array_equal(chances(stopped), chances(model))


def test_masks_are_heeded_and_likelihoods_are_of_all_decisions() -> None:
    shown = copies(2_500)
    model, plain = make(), make("a2c")
    found = log_likelihoods(model.policy, shown)
    given = chances(model) * MASK
    given = given / given.sum(1, keepdims=True)
    wanted = np.log(given[shown.observations.argmax(1), shown.actions])  # type: ignore[union-attr]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    unmasked = Decisions(shown.observations, shown.actions, None)
    assert (log_likelihoods(model.policy, unmasked) < found).all()
    np.testing.assert_array_equal(
        log_likelihoods(plain.policy, unmasked), log_likelihoods(plain.policy, shown)
    )


def test_weight_decay_keeps_weights_small() -> None:
    sizes = []
    for decay in (0.0, 5.0):
        model = make()
        clone(model, copies(50), epochs=60, learning_rate=0.01, weight_decay=decay)
        sizes.append(float(model.policy.action_net.weight.detach().norm()))
    assert sizes[1] < 0.7 * sizes[0]


@pytest.mark.parametrize(
    ("count", "share", "apart"),
    [(1, 0.5, 0), (10, 0.1, 1), (10, 0.0, 0), (4, 1.0, 3), (100, 0.1, 10)],
)
def test_whole_episodes_are_held_out(count: int, share: float, apart: int) -> None:
    episodes = [
        Episode(np.zeros((3, 1)), np.zeros(2, np.int64), np.array([number, 0.0]), True)
        for number in range(count)
    ]
    kept, held_out = hold_out(episodes, share, seed=3)
    assert len(held_out) == apart
    assert sorted(one.total for one in [*kept, *held_out]) == list(range(count))
    assert [one.total for one in kept] == sorted(one.total for one in kept)
    other = hold_out(episodes, share, seed=4)[1]
    if count == 100:
        assert [one.total for one in other] != [one.total for one in held_out]


def test_nothing_to_imitate_is_told() -> None:
    with pytest.raises(SegueError, match="no demonstrations"):
        clone(make(), copies(0), epochs=1)
