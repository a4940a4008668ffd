"""The contract that every registered environment keeps; a new id is covered by being registered."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium import spaces

import segue.envs
from segue.envs.base.single import SegueEnv
from segue.envs.base.task import Bound
from segue.envs.counterpoint.env import CounterpointEnv
from segue.experiments.contract import CHECKS, Check, Subject
from segue.experiments.contract.check import action_sizes
from segue.experiments.contract.playing import Actor, beyond, difference, rollout
from segue.rewards.counterpoint import COUNTERPOINT
from segue.rewards.film import MONTAGE
from segue.rewards.highlight import HIGHLIGHT
from segue.rewards.melody import LEAD_SHEET
from segue.rewards.multicam import MULTICAM
from segue.rewards.phrase import PHRASE

pytestmark = pytest.mark.filterwarnings("error")

SMALL: dict[str, dict[str, Any]] = {
    "segue/Counterpoint-v0": {"cantus": ((62, 65, 64, 62), (57, 60, 62, 60, 59, 57))},
    "segue/Highlight-v0": {"shots": 6, "videos": 5, "budget": 0.4},
    "segue/LeadSheet-v0": {"bars": 2, "pieces": 5},
    "segue/Melody-v0": {},
    "segue/Montage-v0": {"shots": 4, "beats": 8, "bins": 16},
    "segue/Multicam-v0": {"steps": 8, "scenes": 5},
}
"""Arguments that make episodes short, for the checks of more than a whole one."""

MODES = (
    ("segue/Montage-v0", "frames"),
    ("segue/Montage-v0", "sets"),
    ("segue/Melody-v0", "tokens"),
)
"""Ways of observing other than the default."""

PRESETS: dict[str, Any] = {
    "segue/Counterpoint-v0": COUNTERPOINT,
    "segue/Highlight-v0": HIGHLIGHT,
    "segue/LeadSheet-v0": LEAD_SHEET,
    "segue/Melody-v0": PHRASE,
    "segue/Montage-v0": MONTAGE,
    "segue/Multicam-v0": MULTICAM,
}

ROWS = 1024

RARE = {"duration", "lydian_tritone", "run", "return", "repetition", "monotony"}
RARE |= {"long_take", "stillness"}
"""Reward terms that random play does not come upon.

Duration is paid only where the shots run out, which takes a bin with too little in it. Nor do
consonances above the last notes of Fux's Lydian cantus firmus make a Lydian tritone. And noise
does not run up a scale, come back to a motif, strike a pitch five times running or do so
throughout. Nor does it stay on one camera for long, nor do made-up shots stand quite still.
"""


def case(name: str, mode: str = "") -> Any:
    options = {"observation_mode": mode} if mode else {}
    shown = f"{name.split('/')[1]}{'-' if mode else ''}{mode}"
    return pytest.param(Subject(name, options, SMALL[name], ROWS), id=shown)


CASES = [*map(case, segue.envs.IDS), *(case(*mode) for mode in MODES)]


@pytest.fixture(scope="module", params=CASES)
def subject(request: pytest.FixtureRequest) -> Any:
    """Each registered id, one after the other, so that a long play serves several checks."""
    return request.param


def made(subject: Subject) -> SegueEnv[Any]:
    env = subject.make().unwrapped
    assert isinstance(env, SegueEnv)
    return env


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name.replace(" ", "-"))
def test_every_check_of_the_contract(check: Check, subject: Subject) -> None:
    if check.name == "text":
        return  # The only thing that segue's environments do not offer.
    assert check.applies(subject) == ""
    # Called without `examine`, so that a warning is an error here.
    assert list(check.find(subject)) == []


def test_every_registered_segue_id_is_listed() -> None:
    found = {name for name in gym.registry if name.startswith("segue/")}
    assert found == set(segue.envs.IDS)


def test_an_id_with_its_module_can_be_made(subject: Subject) -> None:
    env = gym.make(f"segue.envs:{subject.env_id}", **subject.options)
    assert env.spec is not None
    assert env.spec.id == subject.env_id
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    assert type(env.unwrapped).__doc__
    assert subject.ours
    assert subject.our_rows


def test_plays_that_are_compared_reach_a_second_episode(subject: Subject) -> None:
    if subject.env_id in ("segue/LeadSheet-v0", "segue/Multicam-v0"):
        return  # Their episodes are longer than 50 steps.
    assert sum(len(part) == 2 for part in rollout(made(subject), 11, 50, wild=0.1)) > 1


def test_random_play_comes_upon_the_reward_terms(subject: Subject) -> None:
    parts = rollout(made(subject), 0, 1000, wild=0.34)
    terms = parts[0][1]["reward_terms"]
    earned = [part[4]["reward_terms"] for part in parts if len(part) == 5]
    seen = {term for each in earned for term, value in each.items() if value != 0.0}
    assert seen >= set(terms) - RARE


def substitute(action: Any, mask: npt.NDArray[Any], space: spaces.Space[Any]) -> Any:
    """What the class docstrings say an action stands for: the first legal one, or part."""
    sizes = action_sizes(space)
    assert sizes is not None
    if isinstance(space, spaces.Discrete):
        kept = 0 <= action < sizes[0] and mask[action]
        return int(action) if kept else int(np.flatnonzero(mask)[0])
    parts = zip(action, np.split(mask, np.cumsum(sizes)[:-1]), strict=True)
    return np.array(
        [a if 0 <= a < len(m) and m[a] else int(np.flatnonzero(m)[0]) for a, m in parts]
    )


def test_illegal_actions_have_the_documented_outcome(subject: Subject) -> None:
    one, other = made(subject), made(subject)
    weight = PRESETS[subject.env_id].weights["legality"]
    generator = np.random.default_rng(4)
    one.reset(seed=9), other.reset(seed=9)
    illegal = 0
    for _ in range(400):
        action = beyond(1, one.action_space, generator)[0]
        kept = substitute(action, one.action_masks(), one.action_space)
        changed = not np.array_equal(action, kept)
        illegal += changed
        left, right = one.step(action), other.step(kept)
        assert difference(left[0], right[0], "observation") == ""
        assert left[2] == right[2]
        terms = dict(right[4]["reward_terms"])
        assert terms["legality"] == 0.0
        if changed:
            terms["legality"] = -weight
        assert left[4]["reward_terms"] == terms
        np.testing.assert_array_equal(left[4]["action_mask"], right[4]["action_mask"])
        if left[2]:
            one.reset(), other.reset()
    assert illegal > 50


def far_off(env: SegueEnv[Any], bound: Bound) -> float:
    """Two fifths of the bound; where only costs are paid, what random play is expected to pay."""
    if isinstance(env, CounterpointEnv):
        return env.solution().random_return
    return 0.4 * bound.value


@pytest.mark.parametrize("policy", ["random", "greedy"])
def test_the_bound_is_not_exceeded_and_not_far_off(subject: Subject, policy: str) -> None:
    env = made(subject)
    actor = Actor(env, 0)
    for seed in range(2):
        env.reset(seed=seed)
        bound = env.bound()
        for _ in range(8 if policy == "random" else 1):
            _, info = env.reset(seed=seed)
            total, terminated = 0.0, False
            while not terminated:
                greedy = policy == "greedy"
                action = env.greedy_action() if greedy else actor.choose(env, info)
                if greedy:
                    assert env.action_space.contains(action)
                    np.testing.assert_array_equal(
                        substitute(action, env.action_masks(), env.action_space), action
                    )
                _, reward, terminated, _, info = env.step(action)
                total += reward
            assert total <= bound.value + 1e-9
            # A bound that stands far off says nothing.
            assert policy == "random" or total > far_off(env, bound)
        assert bound == env.bound()
