"""`segue/Melody-v0` as a whole: what is seen, the prior's paths, bounds and tunes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.melody import observation, optimum, types
from segue.envs.melody.env import PRESETS, Melody, MelodyEnv, MelodyVectorEnv
from segue.envs.melody.ngram import NGramPrior
from segue.envs.melody.ngram_fit import fit_ngram
from segue.envs.melody.playing import CHUNK
from segue.envs.melody.prior import TOKENS, Tokens, log_likelihood
from segue.envs.melody.table_metrics import token_facts
from segue.envs.melody.types import NO_TOKEN, STEPS
from segue.rewards import WeightedSum
from segue.rewards.melody_view import MelodyView
from segue.rewards.phrase import PHRASE, Cadence
from segue.rewards.rl_tuner import RL_TUNER, Prior

OFF, HOLD = 0, 1


def phrases(count: int, seed: int) -> npt.NDArray[np.int64]:
    """Melodies with holds, few pitches and passages that come again."""
    generator = np.random.default_rng(seed)
    pitches = generator.integers(10, 20, (count, STEPS))
    melodies = np.where(generator.random((count, STEPS)) < 0.4, HOLD, pitches)
    again = generator.random(count) < 0.7
    melodies[again, 16:28] = melodies[again, 2:14]
    return melodies


@pytest.fixture(scope="module")
def prior() -> NGramPrior:
    return fit_ngram(phrases(200, 1))


@dataclass(frozen=True)
class Slow:
    """The same model, but asked by the interface."""

    model: NGramPrior

    def log_probabilities(self, tokens: Tokens) -> npt.NDArray[np.float64]:
        return self.model.log_probabilities(tokens)


def play(env: MelodyVectorEnv, melodies: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Terms of every step, (STEPS, n) each."""
    env.reset(seed=0)
    found: dict[str, list[Any]] = {name: [] for name in env.task.term_names}
    for step in range(STEPS):
        *_, info = env.step(melodies[:, step])
        for name, values in info["reward_terms"].items():
            found[name].append(values)
    return {name: np.array(values) for name, values in found.items()}


# --- arguments ---------------------------------------------------------------------------------


def test_presets_go_by_name() -> None:
    assert PRESETS == {"segue": PHRASE, "rl-tuner": RL_TUNER}
    assert set(MelodyEnv().melody.term_names) == set(PHRASE.names) - {"prior", "realism"}
    assert set(MelodyEnv("rl-tuner").melody.term_names) == set(RL_TUNER.names) - {"prior"}
    own = WeightedSum[MelodyView](((Cadence(), 2.0),))
    assert MelodyEnv(own).melody.term_names == ("cadence",)
    assert MelodyEnv(own, reward_weights={"cadence": 3.0}).melody.reward.weights == {"cadence": 3.0}


def test_unknown_names_are_told() -> None:
    with pytest.raises(SegueError, match="'rl_tuner'; choose one of segue, rl-tuner"):
        MelodyEnv(reward="rl_tuner")
    with pytest.raises(SegueError, match="'bach'; give 'corpus'"):
        MelodyEnv(prior="bach")
    with pytest.raises(ValueError, match="'kye'"):
        MelodyEnv(reward_weights={"kye": 1.0})


# --- the prior ---------------------------------------------------------------------------------


def test_the_prior_pays_its_log_probability(prior: NGramPrior) -> None:
    melodies = phrases(50, 2)
    paid = play(MelodyVectorEnv(50, reward="rl-tuner", prior=prior), melodies)["prior"]
    np.testing.assert_allclose(paid.sum(axis=0), log_likelihood(prior, melodies), atol=1e-3)
    segue = play(MelodyVectorEnv(50, prior=prior), melodies)["prior"]
    expected = PHRASE.weights["prior"] * np.clip((paid + np.log(20)) / 4, -1, 0)
    np.testing.assert_allclose(segue, expected, atol=0.01)
    assert (segue == 0).any()
    assert (segue < -1).any()


def test_a_prior_of_ones_own_is_asked_by_its_interface(prior: NGramPrior) -> None:
    melodies = phrases(20, 3)
    quick = play(MelodyVectorEnv(20, prior=prior), melodies)
    slow = play(MelodyVectorEnv(20, prior=Slow(prior)), melodies)
    for name, values in quick.items():
        np.testing.assert_allclose(slow[name], values, atol=1e-6, err_msg=name)


def test_rows_at_different_steps_are_asked_apart(prior: NGramPrior) -> None:
    tasks = Melody("rl-tuner", prior), Melody("rl-tuner", Slow(prior))
    batches = [task.allocate(4) for task in tasks]
    draws = np.zeros(4, dtype=np.uint64)
    for task, batch in zip(tasks, batches, strict=True):
        task.begin(batch, np.arange(4), draws)
        for step in range(40):
            task.step(batch, np.array([14, 16, 1, 99]) + step % 3 - (99 if step == 7 else 0))
            if step in (5, 20):
                task.begin(batch, np.array([1, 3]), draws[:2])
    np.testing.assert_allclose(batches[0].terms, batches[1].terms, atol=1e-6)
    np.testing.assert_array_equal(batches[0].seen, batches[1].seen)


def test_what_is_cut_off_is_far_below_any_probability() -> None:
    class Sure:
        def log_probabilities(self, tokens: Tokens) -> npt.NDArray[np.float64]:
            return np.full((len(tokens), TOKENS), -1e9)

    env = MelodyEnv("rl-tuner", Sure())
    env.reset(seed=0)
    assert env.step(14)[4]["reward_terms"]["prior"] == Prior().low


# --- what is seen ------------------------------------------------------------------------------


def test_the_observation_says_what_stands_before() -> None:
    melodies = phrases(60, 4)
    env = MelodyVectorEnv(60)
    seen, _ = env.reset(seed=0)
    facts = token_facts(melodies)
    for step in range(STEPS):
        for row, melody in enumerate(melodies.tolist()):
            line, shown = melody[:step], seen[row]
            onsets = [token - 2 for token in reversed(line) if token > HOLD]
            pitches = [*onsets, *[types.NO_PITCH] * 4][:4]
            assert shown[types.STEP] == step
            assert shown[types.FIRST : types.FOURTH + 1].tolist() == pitches
            assert shown[types.HALF_TOKEN] == (line[step - 8] if step >= 8 else NO_TOKEN)
            assert shown[types.WHOLE_TOKEN] == (line[step - 16] if step >= 16 else NO_TOKEN)
            struck = {token for token in line[-7:] if token > HOLD}
            assert shown[types.DISTINCT] == len(struck)
            assert shown[types.RETURNS] == (facts.returns[row, :step].max() if step else 0)
            known, follows = continuation(line)
            assert (shown[types.KNOWN], shown[types.FOLLOWS]) == (known, follows)
        seen, *_ = env.step(melodies[:, step])


def continuation(line: list[int]) -> tuple[int, int]:
    """How many last tokens stand half a bar earlier too, at most 7; what first followed them."""
    for known in range(min(7, len(line)), 0, -1):
        ends = range(known, len(line) - 8 + 1)
        found = [end for end in ends if line[end - known : end] == line[-known:]]
        if found:
            return known, line[found[0]]
    return 0, NO_TOKEN


def test_one_hot_is_as_wide_as_is_told() -> None:
    assert sum(observation.SIZES) == 639
    assert len(observation.SIZES) == types.MEAN_SURPRISE + 1


def test_the_primer_is_seen_and_nothing_else() -> None:
    env, primers, rewards = MelodyEnv("rl-tuner"), set(), set()
    for seed in range(300):
        shown, _ = env.reset(seed=seed)
        primers.add(int(shown[types.PRIMER]))
        rewards.add(env.step(14)[1])
    assert primers == set(range(37))
    assert len(rewards) == 1


def test_rows_do_not_depend_on_how_many_there_are(prior: NGramPrior) -> None:
    """More rows than are stepped at a time, and fewer than a vector register holds."""
    count = 2 * CHUNK + 5
    melodies = phrases(count, 7)
    melodies[::9, 20] = TOKENS
    large, small = MelodyVectorEnv(count, prior=prior), MelodyVectorEnv(3, prior=prior)
    rows = np.array([2, CHUNK, count - 1])
    both = play(large, melodies), play(small, melodies[rows])
    for name, values in both[0].items():
        np.testing.assert_array_equal(values[:, rows], both[1][name], err_msg=name)
    np.testing.assert_array_equal(large.batch.history[rows], small.batch.history)
    np.testing.assert_array_equal(large.batch.hidden[rows], small.batch.hidden)


def test_the_mask_is_shared_and_cannot_be_written() -> None:
    env = MelodyVectorEnv(4)
    _, info = env.reset(seed=0)
    assert info["action_mask"].all()
    assert not info["action_mask"].flags.writeable
    assert env.step(np.zeros(4))[4]["action_mask"] is info["action_mask"]


# --- bounds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("reward", PRESETS)
def test_beam_and_random_play_stay_below_the_bound(reward: str, prior: NGramPrior) -> None:
    for task in (Melody(reward), Melody(reward, prior)):
        batch = task.allocate(1)
        bound = task.bound(batch, 0)
        assert not bound.exact
        value, line = optimum.beam_line(task, width=64)
        assert value <= bound.value
        env = MelodyVectorEnv(1000, reward=reward, prior=task.prior)
        melodies = np.concatenate([line[None], phrases(999, 5)])
        returns = sum(play(env, melodies).values()).sum(axis=0)
        assert returns[0] == pytest.approx(value)
        assert returns.max() == returns[0]
        assert optimum.beam_line(task, width=1)[0] <= value
    # segue's own bound is near: what is granted is little.
    assert reward != "segue" or value > 0.8 * task.bound(batch, 0).value - 10


@pytest.mark.parametrize(
    "term", [name for name in PHRASE.names if name not in ("prior", "realism")]
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_bound_holds_for_each_term(term: str, sign: float) -> None:
    alone = dict.fromkeys(PHRASE.names, 0.0) | {term: sign}
    task = Melody(reward_weights=alone)
    value, _ = optimum.beam_line(task, width=32)
    bound = task.bound(task.allocate(1), 0).value
    assert value <= bound + 1e-9
    returns = sum(play(MelodyVectorEnv(500, reward_weights=alone), phrases(500, 6)).values())
    assert returns.sum(axis=0).max() <= bound + 1e-9


def test_greedy_takes_the_greatest_reward(prior: NGramPrior) -> None:
    env = MelodyEnv("rl-tuner", prior)
    env.reset(seed=3)
    for _ in range(STEPS):
        rewards = []
        for token in range(TOKENS):
            other = MelodyEnv("rl-tuner", prior)
            other.reset(seed=3)
            other.batch.seen[:], other.batch.hidden[:] = env.batch.seen, env.batch.hidden
            other.batch.history[:] = env.batch.history
            rewards.append(other.step(token)[1])
        action = env.greedy_action()
        assert action == int(np.argmax(rewards))
        env.step(action)


# --- tunes -------------------------------------------------------------------------------------


def test_an_episode_is_a_tune_in_c_major() -> None:
    env = MelodyEnv(render_mode="rgb_array")
    env.reset(seed=0)
    for token in (14, HOLD, HOLD, HOLD, 16, HOLD, OFF, HOLD, 18):
        env.step(token)
    tune = env.tune("Two bars")
    assert (tune.title, tune.tonic, tune.mode, tune.quarters) == ("Two bars", 0, "major", 8.0)
    notes = [(note.onset, note.duration, note.pitch) for note in tune.notes]
    assert notes == [(0.0, 1.0, 60), (1.0, 0.5, 62), (2.0, 0.25, 64)]
    picture = env.render()
    assert picture.shape[2] == 3
