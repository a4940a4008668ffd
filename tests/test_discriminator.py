"""The discriminator: what its logits mean, what it reads, and its exact continuation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from segue.agents.deep.discriminator import Discriminator
from segue.agents.deep.tensor_tree import join, split
from segue.agents.demonstrations import Decisions
from segue.envs.base.errors import SegueError

torch.set_num_threads(1)

STATES = spaces.Discrete(4)
SPACES: dict[str, spaces.Space[Any]] = {
    "discrete": STATES,
    "integers": spaces.MultiDiscrete([4, 3]),
    "table of integers": spaces.MultiDiscrete([[4, 3], [2, 5]]),
    "floats": spaces.Box(-1.0, 1.0, (2, 3), np.float32),
    "bits": spaces.MultiBinary(5),
    "parts": spaces.Dict({"shots": spaces.Box(0.0, 1.0, (3, 2)), "clock": spaces.Discrete(6)}),
}


def made(space: spaces.Space[Any], dropout: float = 0.0, **settings: Any) -> Discriminator:
    torch.manual_seed(0)
    actions = settings.pop("actions", STATES)
    return Discriminator(
        space, actions, learning_rate=settings.pop("rate", 1e-2), dropout=dropout, seed=3
    )


def copied(count: int, right: float, seed: int) -> Decisions:
    """Decisions in random states; the state's own number with the chance `right`, else another."""
    generator = np.random.default_rng(seed)
    states = generator.integers(0, 4, count)
    wrong = (states + generator.integers(1, 4, count)) % 4
    return Decisions(states, np.where(generator.random(count) < right, states, wrong), None)


def drawn(space: spaces.Space[Any], count: int = 40) -> Decisions:
    space.seed(1)
    seen: Any = [space.sample() for _ in range(count)]
    if isinstance(space, spaces.Dict):
        seen = {key: np.stack([one[key] for one in seen]) for key in space}
    else:
        seen = np.stack(seen)
    return Decisions(seen, np.arange(count) % 4, None)


def test_logits_are_the_log_ratio_of_two_known_distributions() -> None:
    judge = made(STATES)
    demonstrated, agents = copied(20_000, 0.7, 0), copied(20_000, 0.25, 1)
    first, _ = judge.learn(demonstrated, agents, 20, 512)
    judge.learn(demonstrated, agents, 300, 512)
    loss, accuracy = judge.learn(demonstrated, agents, 100, 2048)
    states, actions = (part.ravel() for part in np.mgrid[:4, :4])
    found = judge.logits(Decisions(states, actions, None)).reshape(4, 4)
    wanted = np.where(np.eye(4, dtype=bool), math.log(0.7 / 0.25), math.log(0.1 / 0.25))
    np.testing.assert_allclose(found, wanted, atol=0.25)
    # The best there can be: half of .7 and of .75 told rightly; the cross-entropy of the mixture.
    assert accuracy == pytest.approx(0.725, abs=0.02)
    mixture = {"right": (0.7, 0.25), "wrong": (0.3, 0.75)}
    best = -sum(0.5 * (p * math.log(p / (p + q)) + q * math.log(q / (p + q)))
                for p, q in mixture.values())  # fmt: skip
    assert loss == pytest.approx(best, abs=0.02)
    assert best < loss + 0.02 < first


def test_more_demonstrated_states_are_liked_more() -> None:
    """States count, not decisions alone: an agent is drawn to where the demonstrator was."""
    generator = np.random.default_rng(0)
    demonstrated = Decisions(np.minimum(generator.integers(0, 8, 5_000), 3), np.zeros(5_000), None)
    agents = Decisions(generator.integers(0, 4, 5_000), np.zeros(5_000), None)
    judge = made(STATES)
    judge.learn(demonstrated, agents, 300, 512)
    found = judge.logits(Decisions(np.arange(4), np.zeros(4), None))
    np.testing.assert_allclose(found, np.log([0.5, 0.5, 0.5, 2.5]), atol=0.25)


@pytest.mark.parametrize("name", sorted(SPACES))
def test_every_kind_of_observation_counts(name: str) -> None:
    space = SPACES[name]
    judge, decisions = made(space), drawn(space)
    first = judge.logits(decisions)
    assert first.shape == (40,)
    assert first.dtype == np.float32
    parts = decisions.observations if isinstance(decisions.observations, dict) else {"": 0}
    for key in parts:
        other: Any = drawn(space, 41).observations
        moved = (
            decisions.observations | {key: other[key][1:]}  # type: ignore[operator]
            if isinstance(decisions.observations, dict)
            else other[1:]
        )
        assert not np.array_equal(judge.logits(Decisions(moved, decisions.actions, None)), first)
    again = Decisions(decisions.observations, (decisions.actions + 1) % 4, None)
    assert not np.array_equal(judge.logits(again), first)


def test_every_part_of_an_action_counts() -> None:
    judge = made(STATES, actions=spaces.MultiDiscrete([4, 3]))
    actions = np.array([[1, 2], [1, 1], [2, 2]])
    found = judge.logits(Decisions(np.zeros(3, np.int64), actions, None))
    assert len(set(found.tolist())) == 3


@pytest.mark.parametrize("name", ["integers", "floats"])
def test_what_is_left_out_makes_no_difference_and_the_rest_makes_up(name: str) -> None:
    space = SPACES[name]
    judge, decisions = made(space, dropout=0.75), drawn(space)
    (seen,), done = judge._inputs(decisions)
    kept = torch.ones_like(seen)
    kept[:, 1] = 0.0
    moved = seen.clone()
    moved[:, 1] = (moved[:, 1] + 1) % 3
    with torch.no_grad():
        assert torch.equal(
            judge.network([seen], done, [kept]), judge.network([moved], done, [kept])
        )
        assert not torch.equal(judge.network([seen], done), judge.network([moved], done))
    shares = judge._kept(torch.Size((4_000, 5)))
    assert set(shares.unique().tolist()) == {0.0, 4.0}
    assert float(shares.mean()) == pytest.approx(1.0, abs=0.05)


def told_apart(dropout: float, seed: int) -> float:
    """How often a decision by the rule is judged above one by chance, after twenty were shown.

    By the rule, each of the first four of eight integers tends to equal the action.
    """
    generator = np.random.default_rng(seed)

    def some(count: int, share: float) -> Decisions:
        actions, seen = generator.integers(0, 4, count), generator.integers(0, 4, (count, 8))
        equal = generator.random((count, 4)) < share
        seen[:, :4] = np.where(equal, actions[:, None], seen[:, :4])
        return Decisions(seen, actions, None)

    judge = made(spaces.MultiDiscrete([4] * 8), dropout, rate=1e-3)
    judge.learn(some(20, 0.7), some(2_000, 0.0), 300, 256)
    by_rule, by_chance = judge.logits(some(500, 0.7)), judge.logits(some(500, 0.0))
    return float((by_rule[:, None] > by_chance).mean())


def test_leaving_out_helps_to_judge_decisions_that_were_not_shown() -> None:
    right = [np.mean([told_apart(dropout, seed) for seed in range(3)]) for dropout in (0.0, 0.5)]
    assert right[0] > 0.6
    assert right[1] > right[0] + 0.06


def test_it_goes_on_bit_for_bit() -> None:
    space = SPACES["parts"]
    decisions, others = drawn(space), drawn(space, 60)
    whole = made(space, 0.5)
    whole.learn(decisions, others, 5, 16)
    arrays: dict[str, Any] = {}
    state = split(whole.state_dict(), arrays)
    arrays = {name: array.copy() for name, array in arrays.items()}
    torch.manual_seed(8)
    resumed = Discriminator(space, STATES, learning_rate=1e-2, dropout=0.5, seed=9)
    resumed.load_state_dict(join(state, arrays))
    one, other = (judge.learn(decisions, others, 5, 16) for judge in (whole, resumed))
    assert one == other
    np.testing.assert_array_equal(whole.logits(decisions), resumed.logits(decisions))


def test_what_it_cannot_read_is_told() -> None:
    with pytest.raises(SegueError, match=r"sheet.*images"):
        made(spaces.Dict({"sheet": spaces.Box(0, 255, (36, 48, 3), np.uint8)}))
    with pytest.raises(SegueError, match="not discrete"):
        made(STATES, actions=spaces.Box(-1.0, 1.0, (2,)))
    with pytest.raises(SegueError, match=r"dropout is 1\.0"):
        made(STATES, dropout=1.0)
