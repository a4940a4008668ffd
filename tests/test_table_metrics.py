"""RL Tuner's rules and measures against a plain reading of the published definitions."""

from __future__ import annotations

from fractions import Fraction
from math import isnan, nan
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.melody.env import MelodyEnv, MelodyVectorEnv
from segue.envs.melody.prior import STEPS
from segue.envs.melody.table_metrics import autocorrelation, table_metrics, token_facts
from segue.rewards.rl_tuner import RL_TUNER

OFF, HOLD = 0, 1
C, D, E, F, G, A, B = 14, 16, 18, 19, 21, 23, 25
Melody = list[int]


# --- a plain reading: whole lists, nothing incremental -----------------------------------------


def is_note(token: int) -> bool:
    return token > HOLD


def repeats_excessively(before: Melody, token: int) -> bool:
    same, held, broken = 0, False, False
    for earlier in reversed(before):
        if earlier == token:
            same += 1
        elif is_note(earlier):
            break
        else:
            broken |= earlier == OFF
            held |= earlier == HOLD
    if token == OFF and same >= 2:
        return True
    return same > (6 if held or broken else 4)


def motif_size(melody: Melody) -> int:
    """Distinct pitches of the last eight tokens, 0 where there are fewer than eight."""
    return len(set(filter(is_note, melody[-8:]))) if len(melody) >= 8 else 0


def returns(melody: Melody) -> bool:
    ends = range(8, len(melody) - 7)
    return motif_size(melody) >= 3 and any(melody[e - 8 : e] == melody[-8:] for e in ends)


def last_note(melody: Melody) -> int | None:
    return next((token for token in reversed(melody) if is_note(token)), None)


def interval_reward(before: Melody, token: int) -> float:
    last = last_note(before)
    if last is None:
        return 0.0
    stable = last in (2, 14, 26, 9, 21, 33)
    if token == HOLD:
        return 1.5 if stable else 0.375
    if token == OFF:
        return 0.75 if stable else 0.25
    size = abs(token - last)
    if size > 12:
        return -5.0
    if size == 7 and stable:
        return 0.5
    if size == 4 and last in (2, 14, 26, 6, 18, 30):
        return 0.75
    return {11: -1.5, 4: 0.45, 2: 0.4, 5: 0.35, 9: 0.25, 7: 0.1}.get(size, 0.0)


def leap_rewards(melody: Melody) -> list[float]:
    paid, direction, origin, since = [], 0, 0, 0
    for step, token in enumerate(melody):
        last, reward = last_note(melody[:step]), 0.0
        leap = is_note(token) and last is not None and abs(token - last) >= 7
        since += 1
        if leap:
            assert last is not None
            way = 1 if token > last else -1
            if direction == 0:
                direction, origin = way, last
            elif direction == way:
                reward = -5.0
            else:
                # Not counting this sixteenth.
                reward = 5.0 if since - 1 > 6 else 0.0
                direction = 0
            since = 0
        elif is_note(token) and direction and (token - origin) * direction <= 0:
            reward, direction = 5.0, 0
        paid.append(reward)
    return paid


def unique_ends(melody: Melody) -> tuple[bool, bool]:
    notes = [token for token in melody if is_note(token)]
    high = melody.count(max(melody)) == 1
    return high, bool(notes) and melody.count(min(notes)) == 1


def correlation_penalty(melody: Melody) -> float:
    """In fractions: coefficients of exactly .15 occur."""
    count, total = len(melody), Fraction(0)
    mean = Fraction(sum(melody), count)
    centred = [token - mean for token in melody]
    spread = sum(part * part for part in centred)
    for lag in (1, 2, 3):
        shared = sum(a * b for a, b in zip(centred, centred[lag:], strict=False))
        size = abs(shared / spread) if spread else Fraction(0)
        total += size if size > Fraction(15, 100) else 0
    return -3.0 * float(total)


def published(melody: Melody) -> dict[str, list[float]]:
    """Every published term at every step."""
    found: dict[str, list[float]] = {name: [] for name in RL_TUNER.names if name != "prior"}
    for step, token in enumerate(melody):
        before, here = melody[:step], melody[: step + 1]
        size = motif_size(here)
        high, low = unique_ends(here) if step == 31 else (False, False)
        tonic = step in (0, 28) and token == C
        tonic |= (step == 29 and token == HOLD) or (step > 29 and token <= HOLD)
        in_key = not is_note(token) or (token - 2) % 12 in (0, 2, 4, 5, 7, 9, 11)
        found["key"].append(0.0 if in_key else -1.0)
        found["tonic"].append(3.0 if tonic else 0.0)
        found["repetition"].append(-100.0 if repeats_excessively(before, token) else 0.0)
        found["autocorrelation"].append(correlation_penalty(here))
        found["motif"].append(3.0 + 0.3 * (size - 3) if size >= 3 else 0.0)
        found["repeated_motif"].append(4.0 + (size - 3) if returns(here) else 0.0)
        found["intervals"].append(interval_reward(before, token))
        found["extremes"].append(3.0 * high + 3.0 * low)
        found["legality"].append(0.0)
    found["leaps"] = leap_rewards(melody)
    return found


def random_melodies(count: int, seed: int) -> npt.NDArray[np.int64]:
    """Of every kind: any tokens, few pitches, mostly holds, phrases that come again."""
    generator = np.random.default_rng(seed)
    kinds = []
    for _ in range(count):
        pitches = generator.integers(2, 38, generator.integers(1, 9))
        quiet = generator.choice([0.0, 0.2, 0.6, 0.9])
        melody = np.where(
            generator.random(STEPS) < quiet,
            generator.choice([OFF, HOLD, HOLD, HOLD], STEPS),
            generator.choice(pitches, STEPS),
        )
        if generator.random() < 0.5:
            begin, lag = generator.integers(0, 8), generator.integers(8, 17)
            for step in range(begin + lag, min(begin + lag + generator.integers(8, 20), STEPS)):
                melody[step] = melody[step - lag]
        kinds.append(melody)
    return np.array(kinds, dtype=np.int64)


@pytest.fixture(scope="module")
def melodies() -> npt.NDArray[np.int64]:
    return random_melodies(400, 0)


def test_the_preset_pays_what_was_published(melodies: npt.NDArray[np.int64]) -> None:
    env = MelodyVectorEnv(len(melodies), reward="rl-tuner")
    env.reset(seed=0)
    paid: dict[str, Any] = {name: [] for name in env.task.term_names}
    for step in range(STEPS):
        *_, info = env.step(melodies[:, step])
        for name, values in info["reward_terms"].items():
            paid[name].append(values)
    expected = [published(melody.tolist()) for melody in melodies]
    for name, values in paid.items():
        wanted = np.array([melody[name] for melody in expected])
        assert wanted.any() or name == "legality", f"no melody brings {name} into play"
        np.testing.assert_allclose(np.transpose(values), wanted, rtol=0, atol=1e-9, err_msg=name)


def test_facts_are_what_the_plain_reading_finds(melodies: npt.NDArray[np.int64]) -> None:
    facts = token_facts(melodies)
    for row, melody in enumerate(melodies.tolist()):
        for step, token in enumerate(melody):
            here = melody[: step + 1]
            assert facts.excessive[row, step] == repeats_excessively(melody[:step], token)
            assert facts.distinct[row, step] == motif_size(here)
            assert (facts.returns[row, step] > 0) == returns(here)
            high, low = unique_ends(here)
            notes = any(map(is_note, here))
            assert facts.unique_minimum[row, step] == low
            assert not notes or facts.unique_maximum[row, step] == high
        paid = [{0: 0.0, 1: 5.0, 2: -5.0}[int(leap)] for leap in facts.leap[row]]
        assert paid == leap_rewards(melody)


# --- the measures on melodies made by hand -----------------------------------------------------


def of_notes(*tokens: int) -> npt.NDArray[np.int64]:
    """One melody: the tokens, then holds and silences that no rule minds."""
    rest = [OFF, *[HOLD] * 4, OFF, *[HOLD] * 4]
    filled = [*tokens, *(rest * 4)]
    return np.array([filled[:STEPS]], dtype=np.int64)


def test_excessive_repetition_counts_holds_and_offs() -> None:
    six = [C, *[HOLD] * 5]
    assert not token_facts(of_notes(*six, D)).excessive[0, :7].any()
    assert token_facts(of_notes(*six, HOLD)).excessive[0, :7].tolist() == [False] * 6 + [True]
    assert token_facts(of_notes(C, OFF, OFF, OFF)).excessive[0, 3]
    assert not token_facts(of_notes(C, OFF, OFF, D)).excessive[0, 2]
    assert token_facts(of_notes(*[C] * 6)).excessive[0, :6].tolist() == [False] * 5 + [True]
    broken = token_facts(of_notes(D, HOLD, *[C] * 8)).excessive[0, :10]
    assert broken.tolist() == [False] * 9 + [True]


def test_leaps_are_resolved_or_doubled() -> None:
    measured = table_metrics(of_notes(C, G, E, C))
    assert measured.leaps_resolved == 1.0
    assert table_metrics(of_notes(C, G, 28)).leaps_resolved == 0.0
    assert table_metrics(of_notes(C, G, 28, 14)).leaps_resolved == 0.0
    both = np.concatenate([of_notes(C, G, C), of_notes(C, G, 28), of_notes(C, G, E, C)])
    assert table_metrics(both).leaps_resolved == 0.5
    slow = [C, G, *[HOLD] * 6, C]
    assert table_metrics(of_notes(*slow)).leaps_resolved != 1.0
    assert table_metrics(of_notes(C, G, *[HOLD] * 5, HOLD, HOLD, C)).leaps_resolved == 1.0
    assert isnan(table_metrics(of_notes(C, D, E)).leaps_resolved)


def test_key_tonic_and_extremes() -> None:
    measured = table_metrics(np.concatenate([of_notes(C, C + 1, E), of_notes(2, E, C, C, 2)]))
    assert measured.not_in_key == 1 / 64
    assert measured.starts_with_tonic == 0.5
    assert (measured.unique_maximum, measured.unique_minimum) == (1.0, 0.5)
    silent = np.full((1, STEPS), HOLD)
    assert table_metrics(silent).unique_maximum == 0.0
    one_hold = np.zeros((1, STEPS), dtype=np.int64)
    one_hold[0, 5] = HOLD
    assert table_metrics(one_hold).unique_maximum == 1.0
    assert table_metrics(one_hold).unique_minimum == 0.0


def test_motifs_and_their_repeats() -> None:
    motif = [C, HOLD, D, HOLD, E, HOLD, D, HOLD]
    measured = table_metrics(np.array([motif * 4]))
    assert measured.in_motif == 25 / 32
    assert measured.in_repeated_motif == 17 / 32
    other = [G, HOLD, A, HOLD, B, HOLD, A, HOLD]
    measured = table_metrics(np.array([motif + other + motif + [OFF, *[HOLD] * 7]]))
    assert measured.in_repeated_motif == 1 / 32
    two = [C, HOLD, D, HOLD] * 8
    assert table_metrics(np.array([two])).in_motif == 0.0
    assert table_metrics(np.array([two])).in_repeated_motif == 0.0


def test_autocorrelation_is_that_of_the_tokens() -> None:
    melody = np.array([[C, E] * 16])
    assert autocorrelation(melody, 1) == pytest.approx(-31 / 32)
    assert autocorrelation(melody, 2) == pytest.approx(30 / 32)
    assert np.isnan(autocorrelation(np.full((1, STEPS), C), 1)).all()
    both = np.concatenate([melody, np.full((1, STEPS), C)])
    assert table_metrics(both).autocorrelation == pytest.approx((-31 / 32, 30 / 32, -29 / 32))
    assert table_metrics(both[1:]).autocorrelation == pytest.approx((nan,) * 3, nan_ok=True)


def test_a_scale_leaps_nowhere_and_repeats_nothing() -> None:
    scale = [C, D, E, F, G, A, B, 26]
    measured = table_metrics(np.array([[*scale, *reversed(scale)] * 2]))
    assert isnan(measured.leaps_resolved)
    assert measured.repeated == 0.0


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        (np.zeros((2, 31), dtype=np.int64), r"\(2, 31\)"),
        (np.zeros((0, STEPS), dtype=np.int64), r"\(0, 32\)"),
        (np.full((1, STEPS), 38), "0 to 37"),
        (np.full((1, STEPS), -1), "0 to 37"),
    ],
)
def test_wrong_melodies_are_told(tokens: npt.NDArray[np.int64], told: str) -> None:
    with pytest.raises(SegueError, match=told):
        table_metrics(tokens)


def test_a_single_environment_is_measured_alike(melodies: npt.NDArray[np.int64]) -> None:
    env = MelodyEnv(reward="rl-tuner")
    env.reset(seed=0)
    for token in melodies[0].tolist():
        env.step(token)
    np.testing.assert_array_equal(env.batch.tokens(0), melodies[0])
