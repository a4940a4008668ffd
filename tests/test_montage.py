"""Rules of `segue/Montage-v0`: what is legal, and where a piece lies."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from montage_bins import BEAT, EIGHT, FOUR, ONE, TWO, act, even_bank, hand_bank, lay, masks, start

from segue.envs.film.effects import EFFECTS
from segue.envs.film.transitions import TRANSITIONS
from segue.envs.montage import dynamics
from segue.envs.montage.types import HANDLE
from segue.rewards.film import MONTAGE
from segue.rewards.film_view import CUT, DISSOLVE, FADE_IN, NONE, SLOW_MOTION

# --- what is legal -----------------------------------------------------------------------------


def test_a_used_shot_is_illegal() -> None:
    env = start(even_bank(80, 80, 80))
    assert masks(env)[0] == [1, 1, 1]
    env.step(act(1))
    assert masks(env)[0] == [1, 0, 1]
    env.step(act(0))
    assert masks(env)[0] == [0, 0, 1]
    env.reset()
    assert masks(env)[0] == [1, 1, 1]


def test_a_shot_must_fill_the_beat_that_comes() -> None:
    # Beats of 10, 12 and 10 frames: the shot of 11 is too short for the second only.
    env = start(hand_bank([9, 10, 11, 12, 80, 80], [10, 12, 10, 10]))
    assert masks(env)[0] == [0, 1, 1, 1, 1, 1]
    env.step(act(4))
    assert masks(env)[0] == [0, 0, 0, 1, 0, 1]
    env.step(act(5))
    assert masks(env)[0] == [0, 1, 1, 1, 0, 0]


def test_lengths_stay_within_what_is_left() -> None:
    env = start(even_bank(*[80] * 9))
    assert masks(env)[2] == [1] * 6
    found = []
    for shot in range(8):
        env.step(act(shot))
        found.append(masks(env)[2])
    # After k pieces of one beat, 8 - k are left; one beat is always legal.
    assert [sum(mask) for mask in found] == [5, 5, 4, 4, 3, 2, 1, 1]
    assert all(mask == sorted(mask, reverse=True) for mask in found)


def test_the_first_piece_is_entered_by_a_plain_cut() -> None:
    env = start(even_bank(80, 80))
    plain = [1] + [0] * (len(TRANSITIONS) - 1)
    assert masks(env)[3] == plain
    env.step(act(0))
    assert masks(env)[3] == [1] * len(TRANSITIONS)
    env.reset()
    assert masks(env)[3] == plain


def test_every_in_point_and_effect_is_legal_and_parts_are_independent() -> None:
    env = start(even_bank(10, 80))
    assert masks(env)[1] == [1] * 3
    assert masks(env)[4] == [1] * len(EFFECTS)
    # A length that the short shot cannot fill is legal all the same, and is shortened.
    assert masks(env)[2] == [1] * 6
    _, _, _, _, info = env.step(act(0, length=EIGHT, effect=FADE_IN))
    assert info["reward_terms"]["legality"] == 0.0
    assert env.batch.beat[0] == 1
    assert masks(env)[1] == [1] * 3
    assert masks(env)[4] == [1] * len(EFFECTS)


def test_illegal_parts_become_the_first_legal_one_of_their_kind() -> None:
    sizes = (3, 3, 4)
    mask = np.array([[0, 1, 1, 1, 1, 1, 0, 0, 1, 0]] * 8, dtype=np.int8)
    asked = [
        [1, 0, 2],
        [0, 2, 2],
        [2, 3, 2],
        [2, -1, 2],
        [2, 2, 3],
        [-1, 3, 4],
        [3, 0, -(2**40)],
        [2, 2, 2**40],
    ]
    kept, illegal = dynamics.replace_illegal(mask, np.array(asked), sizes)
    assert kept.tolist() == [
        [1, 0, 2],
        [1, 2, 2],
        [2, 0, 2],
        [2, 0, 2],
        [2, 2, 2],
        [1, 0, 2],
        [1, 0, 2],
        [2, 2, 2],
    ]
    assert illegal.tolist() == [False] + [True] * 7
    nothing, told = dynamics.replace_illegal(
        np.zeros((1, 10), np.int8), np.array([[2, 2, 2]]), sizes
    )
    assert nothing.tolist() == [[0, 0, 0]]
    assert told.tolist() == [True]


def test_an_illegal_action_is_replaced_and_charged() -> None:
    bank = even_bank(9, 80, 80)
    one, other = start(bank), start(bank)
    left = one.step(act(0, 5, FOUR, DISSOLVE, -1))
    right = other.step(act(1, 0, FOUR, CUT, NONE))
    weight = MONTAGE.weights["legality"]
    assert left[1] == pytest.approx(right[1] - weight, abs=1e-12)
    assert left[4]["reward_terms"] == right[4]["reward_terms"] | {"legality": -weight}
    np.testing.assert_array_equal(one.batch.timeline, other.batch.timeline)


# --- where a piece lies ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "lengths"),
    [
        (10, [1, 1, 1, 1, 1, 1]),
        (19, [1, 1, 1, 1, 1, 1]),
        (20, [1, 2, 2, 2, 2, 2]),
        (39, [1, 2, 3, 3, 3, 3]),
        (40, [1, 2, 3, 4, 4, 4]),
        (79, [1, 2, 3, 4, 6, 6]),
        (80, [1, 2, 3, 4, 6, 8]),
        (500, [1, 2, 3, 4, 6, 8]),
    ],
)
def test_a_length_that_does_not_fit_the_shot_is_shortened(frames: int, lengths: list[int]) -> None:
    bank = even_bank(frames)
    pieces = [lay(bank, 0, length) for length in range(6)]
    assert [int(piece.beats[0]) for piece in pieces] == lengths
    assert [int(piece.frames[0]) for piece in pieces] == [BEAT * beats for beats in lengths]
    assert [int(piece.span[0]) for piece in pieces] == [BEAT * beats for beats in lengths]


def test_a_length_that_overruns_the_film_is_shortened() -> None:
    bank = even_bank(500)
    beats = [[int(lay(bank, 0, n, beat=b).beats[0]) for n in range(6)] for b in (0, 1, 5, 7)]
    assert beats == [[1, 2, 3, 4, 6, 8], [1, 2, 3, 4, 6, 6], [1, 2, 3, 3, 3, 3], [1] * 6]


def test_lengths_follow_uneven_beats() -> None:
    bank = hand_bank([80, 24], [10, 12, 14, 8])
    found = [[int(lay(bank, 0, n, beat=b).frames[0]) for n in (ONE, TWO, FOUR)] for b in range(4)]
    assert found == [[10, 22, 44], [12, 26, 34], [14, 22, 22], [8, 8, 8]]
    # 24 frames fill beats 0 and 1 (22) or 2 and 3 (22), but not 1 and 2 (26).
    assert [int(lay(bank, 1, 1, beat=b).beats[0]) for b in range(3)] == [2, 1, 2]


@pytest.mark.parametrize(
    ("frames", "length", "offsets"),
    [(35, 1, [0, 7, 15]), (20, 1, [0, 0, 0]), (21, 1, [0, 0, 1]), (100, 0, [0, 45, 90])],
)
def test_in_points_lie_at_start_middle_and_end(
    frames: int, length: int, offsets: list[int]
) -> None:
    bank = even_bank(frames)
    assert [int(lay(bank, 0, length, point).offset[0]) for point in range(3)] == offsets


@pytest.mark.parametrize(
    ("frames", "length", "in_point", "entry", "leave"),
    [
        (30, 0, 0, 0, 0),
        (30, 0, 1, 1, 1),
        (30, 0, 2, 2, 2),
        (30, 1, 0, 0, 1),
        (30, 1, 1, 0, 2),
        (30, 1, 2, 1, 2),
        (20, 1, 0, 0, 2),
        (29, 0, 0, 0, 0),
        (31, 1, 2, 1, 2),
        (33, 0, 1, 1, 1),
        (10, 0, 2, 0, 2),
    ],
)
def test_a_piece_begins_and_ends_in_thirds_of_the_shot(
    frames: int, length: int, in_point: int, entry: int, leave: int
) -> None:
    piece = lay(even_bank(frames), 0, length, in_point)
    assert (int(piece.entry[0]), int(piece.exit[0])) == (entry, leave)


def test_slow_motion_needs_half_the_frames() -> None:
    bank = even_bank(20, 39)
    # A shot of two beats: the other time maps show it twice as fast, or its first frame alone.
    for effect, spec in enumerate(EFFECTS.values()):
        piece = lay(bank, 0, FOUR, effect=effect)
        beats = 2 if spec.speed == 1 else (1 if spec.speed == 2 else 4)
        frames = int(piece.span[0]), int(piece.beats[0]), int(piece.frames[0])
        assert frames == (1 if spec.speed < 1 / 4 else 20, beats, BEAT * beats), spec.name
    piece = lay(bank, 1, FOUR, 2, effect=SLOW_MOTION)
    assert (int(piece.span[0]), int(piece.offset[0])) == (20, 19)
    assert dynamics.span_of(np.array([10, 11, 1]), Fraction(1, 2)).tolist() == [5, 6, 1]
    assert dynamics.span_of(np.array([10, 11]), Fraction(1)).tolist() == [10, 11]
    assert dynamics.span_of(np.array([10, 11]), Fraction(3, 2)).tolist() == [15, 17]


def test_the_clock_tells_frames_of_film_and_shot() -> None:
    frames, spans = dynamics.clock(np.array([0, 10, 21, 33]))
    far = dynamics.OVERRUN
    assert frames[:, :3].tolist() == [[10, 21, 33], [11, 23, far], [12, far, far]]
    assert (frames[:, 3:] == far).all()
    np.testing.assert_array_equal(spans[..., NONE], frames)
    assert spans[:, 0, SLOW_MOTION].tolist() == [5, 6, 6]


def test_a_transition_fits_the_beats_on_both_sides() -> None:
    bank = hand_bank([80], [12, 20, 11, 40, 40, 5])
    # 2/5 of 12, 12, 11 and 11, made even and on both sides; then no longer than the handles.
    assert dynamics.transition_frames(bank, np.arange(6)).tolist() == [8, 8, 8, 8, 12, 4]
    assert int(dynamics.transition_frames(hand_bank([80], [4, 4, 3]), 2)) == 2
    assert int(dynamics.transition_frames(hand_bank([80], [40, 13]), 1)) == 10
    assert 2 * HANDLE == 12
