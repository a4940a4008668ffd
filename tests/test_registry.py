"""The contract that every registered environment keeps; a new id is covered by being registered."""

from __future__ import annotations

import operator
import pickle
from functools import reduce
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env as gymnasium_check
from gymnasium.vector import AutoresetMode
from stable_baselines3 import A2C
from stable_baselines3.common.env_checker import check_env as sb3_check

import segue.envs
from segue.envs.base.single import SegueEnv
from segue.envs.base.task import Bound
from segue.envs.counterpoint.env import CounterpointEnv
from segue.rewards.counterpoint import COUNTERPOINT
from segue.rewards.film import MONTAGE
from segue.rewards.highlight import HIGHLIGHT
from segue.rewards.melody import LEAD_SHEET
from segue.rewards.multicam import MULTICAM
from segue.rewards.phrase import PHRASE

pytestmark = pytest.mark.filterwarnings("error")

FRAMES = {"observation_mode": "frames"}
CASES = [pytest.param(name, {}, id=name.split("/")[1]) for name in segue.envs.IDS]
CASES.append(pytest.param("segue/Montage-v0", FRAMES, id="Montage-v0-frames"))
SETS, TOKENS = {"observation_mode": "sets"}, {"observation_mode": "tokens"}
CASES.append(pytest.param("segue/Montage-v0", SETS, id="Montage-v0-sets"))
CASES.append(pytest.param("segue/Melody-v0", TOKENS, id="Melody-v0-tokens"))
every_env = pytest.mark.parametrize(("name", "options"), CASES)

SMALL: dict[str, dict[str, Any]] = {
    "segue/Counterpoint-v0": {"cantus": ((62, 65, 64, 62), (57, 60, 62, 60, 59, 57))},
    "segue/Highlight-v0": {"shots": 6, "videos": 5, "budget": 0.4},
    "segue/LeadSheet-v0": {"bars": 2, "pieces": 5},
    "segue/Melody-v0": {},
    "segue/Montage-v0": {"shots": 4, "beats": 8, "bins": 16},
    "segue/Multicam-v0": {"steps": 8, "scenes": 5},
}
"""Arguments that make episodes short, for the tests of more than a whole one."""

LONGEST = {
    "segue/Counterpoint-v0": 6,
    "segue/Highlight-v0": 6,
    "segue/LeadSheet-v0": 16,
    "segue/Melody-v0": 32,
    "segue/Montage-v0": 4,
    "segue/Multicam-v0": 8,
}
"""Steps of the longest of these episodes."""

PRESETS: dict[str, Any] = {
    "segue/Counterpoint-v0": COUNTERPOINT,
    "segue/Highlight-v0": HIGHLIGHT,
    "segue/LeadSheet-v0": LEAD_SHEET,
    "segue/Melody-v0": PHRASE,
    "segue/Montage-v0": MONTAGE,
    "segue/Multicam-v0": MULTICAM,
}

Array = npt.NDArray[Any]


def make(name: str, options: dict[str, Any], **more: Any) -> SegueEnv[Any]:
    env = gym.make(name, **options, **more).unwrapped
    assert isinstance(env, SegueEnv)
    return env


def sizes_of(space: spaces.Space[Any]) -> list[int]:
    if isinstance(space, spaces.Discrete):
        return [int(space.n)]
    assert isinstance(space, spaces.MultiDiscrete)
    return [int(size) for size in space.nvec]


def draw_legal(masks: Array, space: spaces.Space[Any], generator: np.random.Generator) -> Array:
    """One legal action for each row of `masks` (n, m)."""
    parts = np.split(masks.astype(np.float64), np.cumsum(sizes_of(space))[:-1], axis=1)
    drawn = np.stack([(p * (1 + generator.random(p.shape))).argmax(axis=1) for p in parts], axis=1)
    return drawn[:, 0] if isinstance(space, spaces.Discrete) else drawn


def draw_any(count: int, space: spaces.Space[Any], generator: np.random.Generator) -> Array:
    """Actions from a range that reaches beyond the space on both sides."""
    sizes = np.array(sizes_of(space))
    drawn = generator.integers(-3, sizes + 3, size=(count, len(sizes)))
    wild = generator.random(drawn.shape) < 0.05
    drawn = np.where(wild, generator.choice([-(2**40), -33, 31, 32, 64, 2**40], drawn.shape), drawn)
    return drawn[:, 0] if isinstance(space, spaces.Discrete) else drawn


def draw_mixed(masks: Array, space: spaces.Space[Any], generator: np.random.Generator) -> Array:
    """Mostly legal actions, some illegal ones among them."""
    legal = draw_legal(masks, space, generator)
    wild = generator.random(len(masks)) < 0.1
    chosen = wild if legal.ndim == 1 else wild[:, None]
    return np.where(chosen, draw_any(len(masks), space, generator), legal)


def one_legal(env: SegueEnv[Any], generator: np.random.Generator) -> Any:
    return draw_legal(env.action_masks()[None], env.action_space, generator)[0]


def assert_same(left: Any, right: Any) -> None:
    """Exact equality of nested records, dtypes and shapes counted."""
    if isinstance(left, dict):
        assert left.keys() == right.keys()
        for key in left:
            assert_same(left[key], right[key])
    elif isinstance(left, tuple):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_same(one, other)
    elif isinstance(left, np.ndarray):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    else:
        assert left == right


def play(
    env: SegueEnv[Any], generator: np.random.Generator, steps: int, mixed: bool = True
) -> list[Any]:
    """Everything that `steps` steps return, episodes following one another without a seed."""
    results: list[Any] = []
    for _ in range(steps):
        draw = draw_mixed if mixed else draw_legal
        action = draw(env.action_masks()[None], env.action_space, generator)[0]
        results.append(env.step(action))
        if results[-1][2]:
            results.append(env.reset())
    return results


@every_env
def test_gymnasium_accepts_the_environment(name: str, options: dict[str, Any]) -> None:
    gymnasium_check(gym.make(name, **options).unwrapped)


@every_env
def test_sb3_accepts_the_environment(name: str, options: dict[str, Any]) -> None:
    sb3_check(gym.make(name, **options).unwrapped)


@every_env
def test_an_id_with_its_module_can_be_made(name: str, options: dict[str, Any]) -> None:
    env = gym.make(f"segue.envs:{name}", **options)
    assert env.spec is not None
    assert env.spec.id == name
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    assert type(env.unwrapped).__doc__


def test_every_registered_segue_id_is_listed() -> None:
    found = {name for name in gym.registry if name.startswith("segue/")}
    assert found == set(segue.envs.IDS)


@every_env
def test_two_envs_agree_exactly_over_50_steps(name: str, options: dict[str, Any]) -> None:
    one, other = make(name, options), make(name, options)
    assert_same(one.reset(seed=11), other.reset(seed=11))
    left = play(one, np.random.default_rng(5), 50)
    right = play(other, np.random.default_rng(5), 50)
    assert len(left) > 50 or name in ("segue/LeadSheet-v0", "segue/Multicam-v0")
    assert_same(tuple(left), tuple(right))


@every_env
def test_seeds_choose_the_episode(name: str, options: dict[str, Any]) -> None:
    env = make(name, options)
    first = [env.reset(seed=seed)[0] for seed in range(8)]
    again = [env.reset(seed=seed)[0] for seed in range(8)]
    assert_same(tuple(first), tuple(again))
    assert len({pickle.dumps(observation) for observation in first}) > 1
    env.reset(seed=3)
    following = [env.reset()[0] for _ in range(8)]
    assert len({pickle.dumps(observation) for observation in following}) > 1
    env.reset(seed=3)
    assert_same(tuple(following), tuple(env.reset()[0] for _ in range(8)))


@every_env
def test_a_pickled_env_goes_on_identically(name: str, options: dict[str, Any]) -> None:
    env = make(name, options | SMALL[name])
    env.reset(seed=2)
    play(env, np.random.default_rng(1), 3, mixed=False)
    copy = pickle.loads(pickle.dumps(env))  # noqa: S301 (our own bytes, made a line above)
    left = play(env, np.random.default_rng(7), 60)
    right = play(copy, np.random.default_rng(7), 60)
    assert_same(tuple(left), tuple(right))


@every_env
def test_render_modes(name: str, options: dict[str, Any]) -> None:
    shown = make(name, options, render_mode="rgb_array")
    shown.reset(seed=0)
    pictures = [shown.render()]
    for _ in range(4):
        shown.step(shown.greedy_action())
        pictures.append(shown.render())
    for picture in pictures:
        assert isinstance(picture, np.ndarray)
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert picture.shape[2] == 3
    assert not np.array_equal(pictures[0], pictures[-1])
    silent = make(name, options)
    silent.reset(seed=0)
    assert silent.render() is None
    with pytest.raises(ValueError, match="render_mode"):
        type(silent)(**options, render_mode="human")


@every_env
def test_observation_info_and_reward_under_any_action(name: str, options: dict[str, Any]) -> None:
    env, generator = make(name, options), np.random.default_rng(0)
    observation, info = env.reset(seed=0)
    keys, terms = list(info), list(info["reward_terms"])
    assert all(value == 0.0 for value in info["reward_terms"].values())
    seen: set[str] = set()
    for step in range(1000):
        assert env.observation_space.contains(observation)
        mask = info["action_mask"]
        assert mask.dtype == np.int8
        assert env.action_masks().dtype == np.bool_
        np.testing.assert_array_equal(mask == 1, env.action_masks())
        assert set(np.unique(mask)) <= {0, 1}
        wild = step % 3 == 0
        action = draw_any(1, env.action_space, generator)[0] if wild else one_legal(env, generator)
        observation, reward, terminated, truncated, info = env.step(action)
        assert isinstance(reward, float)
        assert truncated is False
        assert list(info) == keys
        assert list(info["reward_terms"]) == terms
        # Added one by one: from Python 3.12 on, `sum` compensates rounding and would differ.
        assert reduce(operator.add, info["reward_terms"].values(), 0.0) == reward
        seen |= {term for term, value in info["reward_terms"].items() if value != 0.0}
        if terminated:
            assert env.observation_space.contains(observation)
            observation, info = env.reset()
            assert list(info) == keys
    # Duration is paid only where the shots run out, which takes a bin with too little in it.
    # Nor do consonances above the last notes of Fux's Lydian cantus firmus make a Lydian tritone.
    # And noise does not run up a scale, come back to a motif, strike a pitch five times running or
    # do so throughout.
    # Nor does it stay on one camera for long, nor do made-up shots stand quite still.
    rare = {"duration", "lydian_tritone", "run", "return", "repetition", "monotony"}
    rare |= {"long_take", "stillness"}
    assert seen >= set(terms) - rare


@every_env
def test_what_is_returned_is_not_overwritten(name: str, options: dict[str, Any]) -> None:
    env = make(name, options)
    first = env.reset(seed=0)
    kept = pickle.dumps(first)
    play(env, np.random.default_rng(0), 5)
    assert pickle.dumps(first) == kept


def substitute(action: Any, mask: Array, space: spaces.Space[Any]) -> Any:
    """What the class docstrings say an action stands for: the first legal one, or part."""
    sizes = sizes_of(space)
    if isinstance(space, spaces.Discrete):
        kept = 0 <= action < sizes[0] and mask[action]
        return int(action) if kept else int(np.flatnonzero(mask)[0])
    parts = zip(action, np.split(mask, np.cumsum(sizes)[:-1]), strict=True)
    return np.array(
        [a if 0 <= a < len(m) and m[a] else int(np.flatnonzero(m)[0]) for a, m in parts]
    )


@every_env
def test_illegal_actions_have_the_documented_outcome(name: str, options: dict[str, Any]) -> None:
    one, other = make(name, options), make(name, options)
    weight = PRESETS[name].weights["legality"]
    generator = np.random.default_rng(4)
    one.reset(seed=9), other.reset(seed=9)
    illegal = 0
    for _ in range(400):
        action = draw_any(1, one.action_space, generator)[0]
        kept = substitute(action, one.action_masks(), one.action_space)
        changed = not np.array_equal(action, kept)
        illegal += changed
        left, right = one.step(action), other.step(kept)
        assert_same(left[0], right[0])
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


@every_env
def test_after_the_end_nothing_moves_and_nothing_is_earned(
    name: str, options: dict[str, Any]
) -> None:
    env, generator = make(name, options | SMALL[name]), np.random.default_rng(0)
    env.reset(seed=0)
    terminated = False
    while not terminated:
        observation, _, terminated, _, info = env.step(one_legal(env, generator))
    for action in draw_any(20, env.action_space, generator):
        after, reward, over, _, told = env.step(action)
        assert_same(after, observation)
        assert (reward, over) == (0.0, True)
        assert set(told["reward_terms"].values()) == {0.0}
        np.testing.assert_array_equal(told["action_mask"], info["action_mask"])


def far_off(env: SegueEnv[Any], bound: Bound) -> float:
    """Two fifths of the bound; where only costs are paid, what random play is expected to pay."""
    if isinstance(env, CounterpointEnv):
        return env.solution().random_return
    return 0.4 * bound.value


@every_env
@pytest.mark.parametrize("policy", ["random", "greedy"])
def test_the_bound_is_not_exceeded(name: str, options: dict[str, Any], policy: str) -> None:
    env, generator = make(name, options), np.random.default_rng(0)
    for seed in range(2):
        env.reset(seed=seed)
        bound = env.bound()
        for _ in range(8 if policy == "random" else 1):
            env.reset(seed=seed)
            total, terminated = 0.0, False
            while not terminated:
                greedy = policy == "greedy"
                action = env.greedy_action() if greedy else one_legal(env, generator)
                if greedy:
                    assert env.action_space.contains(action)
                    np.testing.assert_array_equal(
                        substitute(action, env.action_masks(), env.action_space), action
                    )
                _, reward, terminated, _, _ = env.step(action)
                total += reward
            assert total <= bound.value + 1e-9
            # A bound that stands far off says nothing.
            assert policy == "random" or total > far_off(env, bound)
        assert bound == env.bound()


class Singles:
    """Single environments side by side, reset as the vector environment documents."""

    def __init__(self, env: SegueEnv[Any], count: int, seed: int, same_step: bool) -> None:
        self.envs = [SegueEnv(env.task) for _ in range(count)]
        self.over = np.zeros(count, dtype=np.bool_)
        self.same_step = same_step
        self.results = [(*e.reset(seed=seed + i), None) for i, e in enumerate(self.envs)]

    def step(self, actions: Array) -> tuple[Any, Array, Array, Any, Array]:
        """Observation, reward, terminated, terms and masks; `self.finals` holds final ones."""
        observations, rewards, terms, masks = [], [], [], []
        self.finals: dict[int, Any] = {}
        ended = np.zeros(len(self.envs), dtype=np.bool_)
        for i, env in enumerate(self.envs):
            if self.over[i]:
                observation, info = env.reset()
                reward, earned = 0.0, info["reward_terms"]
            else:
                observation, reward, over, _, info = env.step(actions[i])
                ended[i], earned = over, info["reward_terms"]
                if self.same_step and over:
                    self.finals[i] = observation
                    observation, info = env.reset()
            observations.append(observation)
            rewards.append(reward)
            terms.append(earned)
            masks.append(info["action_mask"])
        self.over = np.zeros_like(ended) if self.same_step else ended
        by_name = {key: np.array([term[key] for term in terms]) for key in terms[0]}
        return stack(observations), np.array(rewards), ended, by_name, np.stack(masks)


def stack(observations: list[Any]) -> Any:
    if isinstance(observations[0], dict):
        return {key: np.stack([o[key] for o in observations]) for key in observations[0]}
    return np.stack(observations)


def rows_of(observation: Any, row: int) -> Any:
    if isinstance(observation, dict):
        return {key: array[row] for key, array in observation.items()}
    return observation[row]


@every_env
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_1024_rows_equal_1024_single_envs(
    name: str, options: dict[str, Any], mode: AutoresetMode
) -> None:
    count, options = 1024, options | SMALL[name]
    extra = {} if mode == AutoresetMode.NEXT_STEP else {"autoreset_mode": mode}
    vector = gym.make_vec(name, num_envs=count, **options, **extra)
    assert vector.metadata["autoreset_mode"] == mode
    same = mode == AutoresetMode.SAME_STEP
    singles = Singles(make(name, options), count, 100, same)
    observation, info = vector.reset(seed=100)
    assert_same(observation, stack([result[0] for result in singles.results]))
    generator, ends = np.random.default_rng(3), np.zeros(count, dtype=np.int64)
    steps = 2 + LONGEST[name]
    for _ in range(steps):
        masks = info["action_mask"]
        actions = draw_mixed(masks, vector.single_action_space, generator)
        observation, reward, terminated, truncated, info = vector.step(actions)
        rows, earned, ended, terms, mask = singles.step(actions)
        assert_same(observation, rows)
        assert_same((reward, terminated), (earned, ended))
        assert not truncated.any()
        assert_same(dict(info["reward_terms"]), terms)
        assert_same(np.ascontiguousarray(info["action_mask"]), mask)
        np.testing.assert_array_equal(vector.unwrapped.action_masks(), mask == 1)
        assert ("final_obs" in info) == (same and bool(ended.any()))
        for row, final in singles.finals.items():
            assert info["_final_obs"][row]
            assert_same(rows_of(info["final_obs"], row), final)
        assert not same or not ended.any() or info["_final_obs"].sum() == len(singles.finals)
        ends += ended
    # More than a whole episode in every row.
    assert ends.min() >= 1


@every_env
def test_rows_equal_gymnasiums_own_vectorisation(name: str, options: dict[str, Any]) -> None:
    options = options | SMALL[name]
    ours = gym.make_vec(name, num_envs=5, **options)
    theirs = gym.make_vec(name, num_envs=5, vectorization_mode="sync", **options)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert ours.metadata["autoreset_mode"] == theirs.metadata["autoreset_mode"]
    generator = np.random.default_rng(0)
    left, right = ours.reset(seed=4), theirs.reset(seed=4)
    for _ in range(50):
        np.testing.assert_array_equal(left[-1]["action_mask"], right[-1]["action_mask"])
        for term, values in left[-1]["reward_terms"].items():
            np.testing.assert_array_equal(values, right[-1]["reward_terms"][term])
        assert_same(left[:-1], right[:-1])
        actions = draw_mixed(left[-1]["action_mask"], ours.single_action_space, generator)
        left, right = ours.step(actions), theirs.step(actions)
    theirs.close()


@every_env
def test_seeds_of_rows_may_be_listed(name: str, options: dict[str, Any]) -> None:
    vector, env = gym.make_vec(name, num_envs=3, **options), make(name, options)
    observation, _ = vector.reset(seed=[8, 1, 5])
    for row, seed in enumerate((8, 1, 5)):
        assert_same(rows_of(observation, row), env.reset(seed=seed)[0])


@every_env
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_saved_vector_env_goes_on_identically(
    name: str, options: dict[str, Any], mode: AutoresetMode
) -> None:
    options = options | SMALL[name] | {"autoreset_mode": mode}
    vector = gym.make_vec(name, num_envs=7, **options).unwrapped
    other = gym.make_vec(name, num_envs=7, **options).unwrapped
    with pytest.raises(ValueError, match="reset"):
        vector.state_dict()
    generator = np.random.default_rng(0)
    _, info = vector.reset(seed=6)
    for wait in (3, 5, 9):
        for _ in range(wait):
            actions = draw_mixed(info["action_mask"], vector.single_action_space, generator)
            *_, info = vector.step(actions)
        saved = vector.state_dict()
        kept = {key: array.copy() for key, array in saved.items()}
        other.load_state_dict(saved)
        for _ in range(25):
            actions = draw_mixed(vector.action_masks(), vector.single_action_space, generator)
            left = vector.step(actions)
            assert_same(left, other.step(actions))
            info = left[-1]
        assert_same(vector.reset(), other.reset())
        assert_same(saved, kept)


@every_env
def test_a_vector_env_renders_every_row(name: str, options: dict[str, Any]) -> None:
    vector = gym.make_vec(name, num_envs=2, render_mode="rgb_array", **options)
    vector.reset(seed=0)
    pictures = vector.render()
    assert pictures is not None
    assert len(pictures) == 2
    assert all(p.dtype == np.uint8 and p.ndim == 3 and p.shape[2] == 3 for p in pictures)
    assert gym.make_vec(name, num_envs=2, **options).render() is None
    with pytest.raises(ValueError, match="autoreset_mode"):
        gym.make_vec(name, num_envs=2, autoreset_mode=AutoresetMode.DISABLED, **options)


@pytest.mark.parametrize("env_id", segue.envs.IDS)
def test_stable_baselines_default_policy_acts(env_id: str) -> None:
    """Its preprocessing of every observation space works, also in vector form."""
    space = gym.make(f"segue.envs:{env_id}").observation_space
    policy = "MultiInputPolicy" if isinstance(space, gym.spaces.Dict) else "MlpPolicy"
    agent = A2C(policy, gym.make(f"segue.envs:{env_id}"), n_steps=3, device="cpu", seed=0)
    agent.learn(6)
    assert agent.num_timesteps == 6
