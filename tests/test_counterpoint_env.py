"""Episodes, observations, tables, picture and solution by learning of `segue/Counterpoint-v0`."""

from __future__ import annotations

from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest

from segue.agents.tabular import GreedyPolicy, rollout_return, train_compiled, value_iteration
from segue.envs.base.transition_model import TabularEnv
from segue.envs.counterpoint import dynamics
from segue.envs.counterpoint.cantus_firmi import FUX, FUX_COUNTERPOINTS
from segue.envs.counterpoint.env import Counterpoint, CounterpointEnv
from segue.envs.counterpoint.render import LABELS, interval_number
from segue.envs.counterpoint.types import ACTIONS, CONTEXTS, NO_CLIMAX, NO_PITCH, REPLACED
from segue.experiments.counterpoint_table import q_learning_config
from segue.rewards.counterpoint import COUNTERPOINT


def random_legal(env: CounterpointEnv, generator: np.random.Generator) -> int:
    return int(generator.choice(np.flatnonzero(env.action_masks())))


# --- episodes ----------------------------------------------------------------------------------


def test_every_legal_line_can_be_ended() -> None:
    env, generator = CounterpointEnv(generated=30), np.random.default_rng(0)
    for seed in range(200):
        env.reset(seed=seed)
        bars = len(env.cantus_firmus.pitches)
        for bar in range(bars):
            assert env.action_masks().any()
            _, reward, terminated, _, info = env.step(random_legal(env, generator))
            assert reward <= 0.0
            assert info["reward_terms"]["legality"] == 0.0
            assert terminated == (bar == bars - 1)


def test_the_bank_has_what_was_asked_for() -> None:
    bank = Counterpoint(cantus=("dorian", (60, 64, 62, 60)), generated=5, cantus_seed=3).bank
    assert [c.name for c in bank.cantus_firmi[:2]] == ["dorian", "ionian 60-64-62-60"]
    assert (
        bank.starts.tolist()
        == np.cumsum([0, *(len(c.pitches) for c in bank.cantus_firmi)][:-1]).tolist()
    )
    assert (
        bank.cantus_firmi[2:]
        == Counterpoint(cantus=(), generated=5, cantus_seed=3).bank.cantus_firmi
    )
    env, met = CounterpointEnv(), set()
    for seed in range(40):
        env.reset(seed=seed)
        met.add(env.cantus_firmus.name)
    assert met == set(FUX)


def test_an_illegal_action_plays_the_lowest_legal_pitch() -> None:
    env = CounterpointEnv(cantus="dorian")
    env.reset(seed=0)
    # Above the first note, D4, stand its unison, fifth, octave and twelfth.
    assert np.flatnonzero(env.action_masks()).tolist() == [0, 7, 12, 19]
    _, reward, _, _, info = env.step(1)
    assert (reward, info["reward_terms"]["legality"]) == (-4.0, -4.0)
    assert env.line() == (62,)
    assert env.costs() == [{"legality": -4.0}]
    env.step(7)
    assert env.batch.history[:3, 0].tolist() == [REPLACED, 7, 0]
    env.reset()
    assert not env.batch.history.any()


def test_the_observation_tells_cantus_and_line() -> None:
    env = CounterpointEnv(cantus="phrygian")
    seen, _ = env.reset(seed=0)
    # Phrygian; no note before, then E4 C4 D4 C4 A3 A4 as semitones above E3; ten bars; no line.
    assert seen.tolist() == [1, 29, 12, 8, 10, 8, 5, 17, 0, 10, 20, 20, 48, 25, 0, 0, 20]
    seen = env.step(7)[0]
    # B4 stands 11 semitones above the C4 to be met.
    assert seen.tolist() == [1, 12, 8, 10, 8, 5, 17, 15, 1, 9, 7, 20, 27, 25, 8, 0, 7]
    seen = env.step(8)[0]
    assert seen.tolist() == [1, 8, 10, 8, 5, 17, 15, 12, 2, 8, 8, 7, 26, 13, 9, 0, 12]
    for pitch in FUX_COUNTERPOINTS["phrygian"][2:]:
        seen = env.step(pitch - 64)[0]
    # The last bar stays in view; E5 was the climax twice.
    assert seen.tolist() == [1, 13, 12, *[29] * 5, 10, 0, 12, 10, 28, 14, 13, 1, 12]
    assert env.line() == FUX_COUNTERPOINTS["phrygian"]


def test_the_same_space_for_every_bank() -> None:
    spaces = [CounterpointEnv(**options).observation_space for options in ({}, {"generated": 9})]
    assert spaces[0] == spaces[1]


# --- tables ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_transition_model_is_the_environment(seed: int) -> None:
    env, generator = CounterpointEnv(generated=4, cantus_seed=seed), np.random.default_rng(seed)
    assert isinstance(env, TabularEnv)
    for episode in range(20):
        observation, info = env.reset(seed=20 * seed + episode)
        model, state, terminated = env.transition_model(), env.state_index(observation), False
        assert state == model.start
        assert (model.n_actions, model.horizon) == (ACTIONS, len(env.cantus_firmus.pitches))
        while not terminated:
            np.testing.assert_array_equal(model.legal[state], info["action_mask"] == 1)
            action = random_legal(env, generator)
            observation, reward, terminated, _, info = env.step(action)
            assert reward == model.reward[state, action]
            assert terminated == model.terminal[state, action]
            if not terminated:
                assert env.state_index(observation) == model.next_state[state, action]
                state = int(model.next_state[state, action])


def test_only_states_of_legal_play_are_numbered() -> None:
    task = Counterpoint(cantus="ionian")
    numbered, solution = task.solved(0)
    assert (np.diff(numbered.codes) > 0).all()
    assert numbered.codes[0] == dynamics.context_of(NO_PITCH, NO_PITCH, NO_CLIMAX, 0)
    assert numbered.codes[-1] // CONTEXTS == 11
    reached = set(numbered.model.next_state[numbered.model.legal & ~numbered.model.terminal])
    assert reached == set(range(1, numbered.model.n_states))
    assert solution.best.any(axis=1).all()


@pytest.mark.parametrize("mode", FUX)
def test_optimal_lines_earn_the_optimum(mode: str) -> None:
    env = CounterpointEnv(cantus=mode)
    env.reset(seed=0)
    lines, optimum = env.optimal_lines(), env.optimum()
    assert len(set(lines)) == len(lines) == env.solution().optimal_lines
    assert optimum == value_iteration(env.transition_model()).values[0]
    for line in lines:
        env.reset()
        total = sum(env.step(pitch - env.cantus_firmus.final)[1] for pitch in line)
        assert total == optimum
        assert env.line() == line
        assert sum(sum(bar.values()) for bar in env.costs()) == optimum


def test_random_play_earns_about_what_is_expected() -> None:
    vector = gym.make_vec("segue.envs:segue/Counterpoint-v0", num_envs=4000, cantus="aeolian")
    _, info = vector.reset(seed=0)
    generator, total = np.random.default_rng(0), np.zeros(4000)
    for _ in range(12):
        mask = info["action_mask"]
        actions = (mask * (1.0 + generator.random(mask.shape))).argmax(axis=1)
        _, reward, terminated, _, info = vector.step(actions)
        total += reward
    assert terminated.all()
    env = CounterpointEnv(cantus="aeolian")
    env.reset(seed=0)
    error = total.std() / np.sqrt(len(total))
    assert total.mean() == pytest.approx(env.solution().random_return, abs=4 * error)


def test_greedy_takes_the_least_cost() -> None:
    env = CounterpointEnv(cantus="mixolydian")
    env.reset(seed=0)
    terminated = False
    while not terminated:
        batch = env.task.allocate(ACTIONS)
        batch.state[:] = env.batch.state
        env.task.step(batch, np.arange(ACTIONS))
        rewards = np.where(env.action_masks(), batch.reward, -np.inf)
        action = env.greedy_action()
        assert env.action_masks()[action]
        _, reward, terminated, _, _ = env.step(action)
        assert reward == rewards.max() == rewards[action]


@pytest.mark.parametrize("seed", range(20))
def test_q_learning_reaches_the_exact_optimum(seed: int) -> None:
    for mode in FUX:
        env = CounterpointEnv(cantus=mode)
        env.reset(seed=seed)
        model = env.transition_model()
        table = train_compiled(model, q_learning_config(seed))
        assert table.settled
        assert rollout_return(model, GreedyPolicy(table.q).actions()) == env.optimum()


# --- picture -----------------------------------------------------------------------------------


def test_intervals_are_numbered_as_musicians_do() -> None:
    numbers = {0: 1, 3: 3, 4: 3, 7: 5, 8: 6, 9: 6, 12: 8, 15: 10, 16: 10, 19: 12}
    assert {semitones: interval_number(semitones) for semitones in numbers} == numbers


def test_every_term_has_a_label() -> None:
    assert set(LABELS) == set(COUNTERPOINT.names)


def test_the_picture_grows_with_the_line_and_shows_what_is_broken() -> None:
    env = CounterpointEnv(cantus="dorian", render_mode="rgb_array")
    env.reset(seed=0)
    pictures, reds = [env.render().astype(int)], []
    for pitch in FUX_COUNTERPOINTS["dorian"]:
        env.step(pitch - 62)
        pictures.append(env.render().astype(int))
    for picture in pictures:
        assert picture.shape[1:] == (1400, 3)
        reds.append(int(((picture[..., 0] - picture[..., 1]) > 60).sum()))
    assert not any(np.array_equal(here, there) for here, there in pairwise(pictures))
    # The first bar breaks nothing, the second repeats a note, the third moves directly; the ninth
    # breaks nothing.
    assert reds[0] == reds[1] == 0
    assert 0 < reds[2] < reds[3]
    assert reds[8] == reds[9] < reds[10]
