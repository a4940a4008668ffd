"""The judge of `segue/Melody-v0`: what it pays, when it is asked, bounds, copies and mistakes."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from test_melody_env import phrases, play

from segue.envs.base.errors import SegueError
from segue.envs.melody import optimum
from segue.envs.melody.env import Melody, MelodyEnv, MelodyVectorEnv
from segue.envs.melody.prior import STEPS, TOKENS, Tokens
from segue.envs.melody.reward_grid import BEGINS, JUDGED, KNOTS, PER_UNIT, lay_out
from segue.envs.melody.types import STEP
from segue.experiments.contract import CHECKS, Subject
from segue.experiments.contract.check import Check
from segue.rewards import WeightedSum
from segue.rewards.base import FloatArray
from segue.rewards.melody_view import MelodyView
from segue.rewards.phrase import PHRASE, Cadence
from segue.rewards.realism import Realism

WEIGHT = PHRASE.weights["realism"]
ALONE = dict.fromkeys(PHRASE.names, 0.0) | {"realism": 1.0}


@dataclass
class LikesHolds:
    """Log-odds that rise with the holds and fall with the last token."""

    asked: list[int] = field(default_factory=list)

    def score(self, tokens: Tokens) -> npt.NDArray[np.float64]:
        self.asked.append(len(tokens))
        assert tokens.shape[1] == STEPS
        return (tokens == 1).sum(axis=1) / 4.0 - tokens[:, -1] / 8.0


@dataclass
class Says:
    """Says what it is told to."""

    said: Any

    def score(self, tokens: Tokens) -> Any:
        return self.said


def makes_one() -> LikesHolds:
    return LikesHolds()


one = LikesHolds()


# --- what it pays ------------------------------------------------------------------------------


def test_the_term_is_the_difference_of_the_two_probabilities() -> None:
    odds = np.array([-700.0, -3.0, 0.0, 0.4, 25.0])
    chance = 1.0 / (1.0 + np.exp(-odds))

    class View:
        judged = odds

    view: Any = View()
    np.testing.assert_allclose(Realism()(view), 2.0 * chance - 1.0, atol=1e-12)


def test_whole_melodies_are_paid_for_at_their_end() -> None:
    melodies = phrases(80, 2)
    melodies[::7, -1] = 99  # Counts as a note off.
    judge = LikesHolds()
    paid = play(MelodyVectorEnv(80, judge=judge), melodies)
    assert judge.asked == [80]
    legal = np.where(melodies < TOKENS, melodies, 0)
    expected = WEIGHT * np.tanh(LikesHolds().score(legal) / 2.0)
    np.testing.assert_allclose(paid["realism"][-1], expected, atol=1e-4 * WEIGHT)
    assert (paid["realism"][:-1] == 0.0).all()
    plain = play(MelodyVectorEnv(80), melodies)
    assert set(paid) == {*plain, "realism"}
    for name, values in plain.items():
        np.testing.assert_array_equal(paid[name], values, err_msg=name)


def test_reading_between_the_knots_is_exact_enough() -> None:
    table = lay_out(PHRASE, with_prior=False, with_judge=True)
    curve = table.curves[table.reads.tolist().index(JUDGED)] / WEIGHT
    odds = np.linspace(-20.0, 20.0, 100_001)
    place = np.minimum((odds - BEGINS[JUDGED]) * PER_UNIT[JUDGED], KNOTS - 1.0)
    between = np.interp(place, np.arange(KNOTS), curve)
    assert np.abs(between - np.tanh(odds / 2.0)).max() < 1e-4
    assert np.interp(20.0 * PER_UNIT[JUDGED], np.arange(KNOTS), curve) == 0.0


@pytest.mark.parametrize("said", [-1e9, 1e9])
def test_what_is_far_out_is_paid_as_the_farthest(said: float) -> None:
    env = MelodyEnv(judge=Says([said]))
    env.reset(seed=0)
    terms = [env.step(14)[4]["reward_terms"]["realism"] for _ in range(STEPS)]
    assert terms[:-1] == [0.0] * (STEPS - 1)
    assert terms[-1] == pytest.approx(WEIGHT * np.sign(said))


def test_rows_at_different_steps_are_judged_when_they_end() -> None:
    judge = LikesHolds()
    task = Melody(reward_weights=ALONE, judge=judge)
    batch, draws = task.allocate(4), np.zeros(4, dtype=np.uint64)
    task.begin(batch, np.arange(4), draws)
    generator = np.random.default_rng(0)
    found = []
    for step in range(70):
        ending = np.flatnonzero(batch.seen[:, STEP] == STEPS - 1)
        task.step(batch, generator.integers(TOKENS, size=4))
        expected = np.zeros(4)
        if len(ending):
            lines = np.stack([batch.tokens(int(row)) for row in ending])
            expected[ending] = np.tanh(LikesHolds().score(lines) / 2.0)
        np.testing.assert_allclose(batch.reward, expected, atol=1e-4)
        found += ending.tolist()
        if step in (5, 33):
            # The second time one of them has been judged.
            task.begin(batch, np.array([0, 3] if step == 5 else [1, 3]), draws[:2])
    # Those that ended together were asked about at once; ended rows earn nothing more.
    assert found == [1, 2, 0, 1, 3]
    assert judge.asked == [2, 1, 2]


def test_a_judge_and_a_prior_go_together() -> None:
    class Even:
        def log_probabilities(self, tokens: Tokens) -> FloatArray:
            return np.full((len(tokens), TOKENS), -np.log(TOKENS))

    melodies = phrases(9, 3)
    both = play(MelodyVectorEnv(9, prior=Even(), judge=LikesHolds()), melodies)
    judged = play(MelodyVectorEnv(9, judge=LikesHolds()), melodies)
    prior = play(MelodyVectorEnv(9, prior=Even()), melodies)
    assert set(both) == set(PHRASE.names)
    np.testing.assert_array_equal(both["realism"], judged["realism"])
    np.testing.assert_array_equal(both["prior"], prior["prior"])


# --- bounds, greedy, copies --------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_bound_holds(sign: float) -> None:
    for weights in (ALONE | {"realism": sign}, {"realism": 20.0 * sign}):
        task = Melody(reward_weights=weights, judge=LikesHolds())
        bound = task.bound(task.allocate(1), 0).value
        value, _ = optimum.beam_line(task, width=32)
        assert value <= bound + 1e-9
        plain = Melody(reward_weights=weights)
        paid = abs(weights["realism"]) * np.tanh(-BEGINS[JUDGED] / 2.0)
        assert bound == pytest.approx(plain.bound(plain.allocate(1), 0).value + paid)


@dataclass(frozen=True)
class Doubt:
    """Also pays where nothing is judged."""

    name: ClassVar[str] = "doubt"
    low: ClassVar[float] = -2.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: MelodyView) -> FloatArray:
        return 1.0 - np.abs(np.tanh(view.judged))


def test_the_bound_counts_what_is_paid_before_the_end() -> None:
    reward = WeightedSum[MelodyView](((Cadence(), 0.0), (Doubt(), 1.0)))
    task = Melody(reward, judge=Says(np.zeros(1)))
    batch = task.allocate(1)
    task.begin(batch, np.arange(1), np.zeros(1, dtype=np.uint64))
    total = 0.0
    for _ in range(STEPS):
        task.step(batch, np.zeros(1, dtype=np.int64))
        total += batch.reward[0]
    assert total == pytest.approx(STEPS)
    assert task.bound(batch, 0).value == pytest.approx(STEPS)


def test_greedy_heeds_the_judge_at_the_end() -> None:
    env = MelodyEnv(reward_weights=ALONE, judge=LikesHolds())
    env.reset(seed=0)
    for _ in range(STEPS - 1):
        env.step(14)
    # A hold is liked, a high token is not.
    assert env.greedy_action() == 1
    assert env.step(1)[1] == pytest.approx(np.tanh((0.25 - 0.125) / 2.0), abs=1e-4)


def test_states_and_copies_go_on_alike() -> None:
    env, resumed = (MelodyVectorEnv(3, judge=LikesHolds()) for _ in range(2))
    env.reset(seed=1)
    resumed.reset(seed=7)
    melodies = phrases(3, 4)
    for step in range(20):
        env.step(melodies[:, step])
    resumed.load_state_dict(env.state_dict())
    copied = pickle.loads(pickle.dumps(env))  # noqa: S301 - only made here
    for step in range(20, STEPS):
        wanted = env.step(melodies[:, step])[1]
        assert resumed.step(melodies[:, step])[1].tolist() == wanted.tolist()
        assert copied.step(melodies[:, step])[1].tolist() == wanted.tolist()
    # Checkpoints of runs without a judge are what they were.
    plain = MelodyVectorEnv(3)
    plain.reset(seed=1)
    assert set(env.state_dict()) - set(plain.state_dict()) == {"judged"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name.replace(" ", "-"))
@pytest.mark.filterwarnings("error")
def test_the_judged_melody_keeps_the_contract(check: Check) -> None:
    subject = Subject("segue/Melody-v0", {"judge": f"{__name__}:makes_one"}, {}, 20, 100)
    # This module is unknown to another process.
    if check.name not in ("text", "other process"):
        assert list(check.find(subject)) == []


# --- arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["makes_one", "one", "LikesHolds"])
def test_a_judge_goes_by_name(name: str) -> None:
    env = gym.make("segue/Melody-v0", judge=f"{__name__}:{name}")
    judge = env.unwrapped.melody.judge  # type: ignore[attr-defined]
    assert isinstance(judge, LikesHolds)
    vector = gym.make_vec("segue/Melody-v0", 3, judge=f"{__name__}:{name}")
    assert "realism" in vector.task.term_names  # type: ignore[attr-defined]


def test_without_a_judge_there_is_no_such_term() -> None:
    assert "realism" not in Melody().term_names
    assert "realism" in Melody(judge=one).term_names
    weights = Melody(reward_weights={"realism": 3.0}, judge=one).reward.weights
    assert weights["realism"] == 3.0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"judge": "bach"}, "Unknown judge 'bach'; give module:attribute"),
        ({"judge": "nowhere.at_all:judge"}, "no module 'nowhere.at_all'"),
        ({"judge": "segue.envs.melody.judge:clara"}, "has no judge 'clara'"),
        ({"judge": "segue.envs.melody.prior:STEPS"}, r"has no method score\(tokens\)"),
        ({"judge": 3}, r"has no method score\(tokens\)"),
        ({"judge": one, "reward": "rl-tuner"}, "No term of the reward looks at"),
        ({"judge": one, "reward": WeightedSum(((Cadence(), 1.0),))}, "leave the argument judge"),
    ],
)
def test_wrong_judges_are_told(options: Any, said: str) -> None:
    with pytest.raises(SegueError, match=said):
        MelodyEnv(**options)


@pytest.mark.parametrize("said", [[1.0, 2.0], [[1.0]], [np.nan], [np.inf]])
def test_wrong_answers_are_told(said: Any) -> None:
    env = MelodyEnv(judge=Says(said))
    env.reset(seed=0)
    for _ in range(STEPS - 1):
        env.step(1)
    with pytest.raises(SegueError, match="The judge Says gave scores of the shape"):
        env.step(1)
