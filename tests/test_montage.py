"""Rules, bins, optimum and bound of `segue/Montage-v0`."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.film.beat_tracking import grid_of_tune
from segue.envs.film.beats import BeatGrid
from segue.envs.film.shots import COLOURS, FEATURES, THIRDS, THUMBNAIL, Footage, ShotTable
from segue.envs.montage import dynamics, optimum, views
from segue.envs.montage.env import Montage, MontageEnv
from segue.envs.montage.generator import (
    bar_energy,
    beat_frames,
    beats_for,
    bins_from_footage,
    positions,
    synthetic_bank,
)
from segue.envs.montage.types import FIRST, HANDLE, LENGTHS, Bank, MontageBatch
from segue.rewards.film import MONTAGE
from segue.rewards.film_view import CUT, DISSOLVE, FADE_IN, MIRROR, NONE, SLOW_MOTION, WIPE

Array = npt.NDArray[Any]
BEAT = 10
"""Frames of a beat in the banks made by hand."""


def hand_bank(frames: list[int], beats: list[int]) -> Bank:
    """One bin of shots of the given usable lengths, under beats of the given lengths."""
    shots = len(frames)
    grid = np.concatenate([[0], np.cumsum(beats)])
    lengths, spans = dynamics.clock(grid)
    shape = (1, shots, THIRDS)
    number = np.arange(shots * THIRDS).reshape(shape)
    features = (number[..., None] * 7 + np.arange(len(FEATURES)) * 5) % 11 / 11
    likeness = (number.reshape(-1, 1) * 3 + number.reshape(1, -1) * 3) % 13 / 13
    return Bank(
        rate=Fraction(25),
        beat_frames=grid,
        lengths=lengths,
        spans=spans,
        strength=np.resize([1.0, 0.25, 0.5, 0.75], len(beats)).astype(np.float32),
        energy=np.resize([0.5, 0.125, 0.875], len(beats)).astype(np.float32),
        row=np.arange(shots, dtype=np.int32)[None],
        frames=np.array([frames], dtype=np.int64),
        features=features.astype(np.float32),
        similarity=likeness.reshape(1, shots, THIRDS, shots, THIRDS).astype(np.float32),
        position=(np.arange(shots) / shots).astype(np.float32)[None],
        thumbnails=np.zeros((*shape, *THUMBNAIL, 3), dtype=np.uint8),
    )


def even_bank(*frames: int, beats: int = 8) -> Bank:
    return hand_bank(list(frames), [BEAT] * beats)


def start(bank: Bank, **options: Any) -> MontageEnv:
    env = MontageEnv(bank=bank, **options)
    env.reset(seed=0)
    return env


def masks(env: MontageEnv) -> list[list[int]]:
    """Mask of each part: shot, in-point, length, transition, effect."""
    sizes = dynamics.action_sizes(env.batch.used.shape[1])
    parts = np.split(env.batch.mask[0], np.cumsum(sizes)[:-1])
    return [part.tolist() for part in parts]


def lay(
    bank: Bank, shot: int, length: int, in_point: int = 0, effect: int = NONE, beat: int = 0
) -> dynamics.Piece:
    one = [np.array([value]) for value in (0, beat, shot, in_point, length, effect)]
    return dynamics.place(bank, *one)


def act(
    shot: int = 0, in_point: int = 0, length: int = 0, transition: int = CUT, effect: int = NONE
) -> Array:
    return np.array([shot, in_point, length, transition, effect])


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
    assert masks(env)[2] == [1, 1, 1, 1]
    found = []
    for shot in range(8):
        env.step(act(shot))
        found.append(masks(env)[2])
    assert found == [*[[1, 1, 1, 0]] * 4, *[[1, 1, 0, 0]] * 2, [1, 0, 0, 0], [1, 0, 0, 0]]


def test_the_first_piece_is_entered_by_a_plain_cut() -> None:
    env = start(even_bank(80, 80))
    assert masks(env)[3] == [1, 0, 0, 0]
    env.step(act(0))
    assert masks(env)[3] == [1, 1, 1, 1]
    env.reset()
    assert masks(env)[3] == [1, 0, 0, 0]


def test_every_in_point_and_effect_is_legal_and_parts_are_independent() -> None:
    env = start(even_bank(10, 80))
    assert masks(env)[1] == [1] * 3
    assert masks(env)[4] == [1] * 8
    # A length that the short shot cannot fill is legal all the same, and is shortened.
    assert masks(env)[2] == [1] * 4
    _, _, _, _, info = env.step(act(0, length=3, effect=FADE_IN))
    assert info["reward_terms"]["legality"] == 0.0
    assert env.batch.beat[0] == 1
    assert masks(env)[1] == [1] * 3
    assert masks(env)[4] == [1] * 8


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
    left = one.step(act(0, 5, 2, DISSOLVE, -1))
    right = other.step(act(1, 0, 2, CUT, NONE))
    weight = MONTAGE.weights["legality"]
    assert left[1] == pytest.approx(right[1] - weight, abs=1e-12)
    assert left[4]["reward_terms"] == right[4]["reward_terms"] | {"legality": -weight}
    np.testing.assert_array_equal(one.batch.timeline, other.batch.timeline)


# --- where a piece lies ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "lengths"),
    [
        (10, [1, 1, 1, 1]),
        (19, [1, 1, 1, 1]),
        (20, [1, 2, 2, 2]),
        (39, [1, 2, 2, 2]),
        (40, [1, 2, 4, 4]),
        (79, [1, 2, 4, 4]),
        (80, [1, 2, 4, 8]),
        (500, [1, 2, 4, 8]),
    ],
)
def test_a_length_that_does_not_fit_the_shot_is_shortened(frames: int, lengths: list[int]) -> None:
    bank = even_bank(frames)
    pieces = [lay(bank, 0, length) for length in range(4)]
    assert [int(piece.beats[0]) for piece in pieces] == lengths
    assert [int(piece.frames[0]) for piece in pieces] == [BEAT * beats for beats in lengths]
    assert [int(piece.span[0]) for piece in pieces] == [BEAT * beats for beats in lengths]


def test_a_length_that_overruns_the_film_is_shortened() -> None:
    bank = even_bank(500)
    beats = [[int(lay(bank, 0, n, beat=b).beats[0]) for n in range(4)] for b in (0, 1, 5, 6, 7)]
    assert beats == [[1, 2, 4, 8], [1, 2, 4, 4], [1, 2, 2, 2], [1, 2, 2, 2], [1, 1, 1, 1]]


def test_lengths_follow_uneven_beats() -> None:
    bank = hand_bank([80, 24], [10, 12, 14, 8])
    found = [[int(lay(bank, 0, n, beat=b).frames[0]) for n in range(3)] for b in range(4)]
    assert found == [[10, 22, 44], [12, 26, 26], [14, 22, 22], [8, 8, 8]]
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
    for effect in range(8):
        piece = lay(bank, 0, 2, effect=effect)
        slow = effect == SLOW_MOTION
        assert int(piece.beats[0]) == (4 if slow else 2)
        assert int(piece.span[0]) == 20
        assert int(piece.frames[0]) == (40 if slow else 20)
    piece = lay(bank, 1, 2, 2, effect=SLOW_MOTION)
    assert (int(piece.span[0]), int(piece.offset[0])) == (20, 19)
    assert dynamics.span_of(np.array([10, 11, 1]), Fraction(1, 2)).tolist() == [5, 6, 1]
    assert dynamics.span_of(np.array([10, 11]), Fraction(1)).tolist() == [10, 11]
    assert dynamics.span_of(np.array([10, 11]), Fraction(3, 2)).tolist() == [15, 17]


def test_the_clock_tells_frames_of_film_and_shot() -> None:
    frames, spans = dynamics.clock(np.array([0, 10, 21, 33]))
    far = dynamics.OVERRUN
    assert frames.tolist() == [[10, 21, far, far], [11, 23, far, far], [12, far, far, far]]
    np.testing.assert_array_equal(spans[..., NONE], frames)
    assert spans[:, 0, SLOW_MOTION].tolist() == [5, 6, 6]


def test_a_transition_fits_the_beats_on_both_sides() -> None:
    bank = hand_bank([80], [12, 20, 11, 40, 40, 5])
    # 2/5 of 12, 12, 11 and 11, made even and on both sides; then no longer than the handles.
    assert dynamics.transition_frames(bank, np.arange(6)).tolist() == [8, 8, 8, 8, 12, 4]
    assert int(dynamics.transition_frames(hand_bank([80], [4, 4, 3]), 2)) == 2
    assert int(dynamics.transition_frames(hand_bank([80], [40, 13]), 1)) == 10
    assert 2 * HANDLE == 12


# --- episodes ----------------------------------------------------------------------------------


def test_the_film_ends_when_it_is_full() -> None:
    env = start(even_bank(80, 80, 80, 80))
    found = [env.step(act(shot, length=length))[1:3] for shot, length in ((0, 2), (3, 1), (1, 1))]
    assert [terminated for _, terminated in found] == [False, False, True]
    placed = env.batch.timeline[0, :3]
    assert placed[:, 0].tolist() == [0, 3, 1]
    assert placed[:, 3].tolist() == [4, 2, 2]
    assert placed[:, 6].tolist() == [0, 4, 6]
    assert env.batch.piece_terms[0].sum() == pytest.approx(sum(r for r, _ in found))


def test_the_film_ends_when_no_shot_is_left_and_what_is_empty_costs() -> None:
    env = start(even_bank(20, 9, 10))
    _, _, terminated, _, info = env.step(act(0, length=1))
    assert (terminated, info["reward_terms"]["duration"]) == (False, 0.0)
    _, _, terminated, _, info = env.step(act(2))
    assert terminated
    assert info["reward_terms"]["duration"] == pytest.approx(-3.0 * 5 / 8)
    full = start(even_bank(80))
    _, _, terminated, _, info = full.step(act(0, length=3))
    assert (terminated, info["reward_terms"]["duration"]) == (True, 0.0)


def test_a_shot_too_short_for_any_beat_does_no_harm() -> None:
    bank = even_bank(80, 40, 1, beats=8)
    env = start(bank)
    env.step(act(2, 2, 3))
    env.step(act(1, 2, 3))
    assert env.batch.terminated[0]
    assert env.batch.timeline[0, :2, 0].tolist() == [0, 1] or env.batch.beat[0] == 8
    assert env.bound().exact
    assert np.isfinite(env.bound().value)


def test_what_a_reward_sees_of_a_piece() -> None:
    bank = even_bank(60, 30)
    feature = {name: bank.features[..., i] for i, name in enumerate(FEATURES)}
    piece = lay(bank, 1, 0, in_point=2, beat=4)
    one = [np.array([value]) for value in (0, 4, 0, 1, True, 1, WIPE, MIRROR)]
    view = views.look(bank, *one, piece)
    assert view.share.tolist() == [1 / 8]
    assert view.seconds.tolist() == [10 / 25]
    assert (view.first.tolist(), view.fills.tolist()) == ([False], [False])
    assert (view.strength.tolist(), view.energy.tolist()) == ([1.0], [0.125])
    assert (view.transition.tolist(), view.effect.tolist()) == ([WIPE], [MIRROR])
    # It begins in its last third (entry 2); the last piece ended in the middle third of shot 0.
    assert view.similarity == bank.similarity[0, 0, 1, 1, 2]
    for name in ("brightness", "saturation", "sharpness", "motion", "motion_y", "centroid_y"):
        assert getattr(view, name) == feature[name][0, 1, 2]
    for name in ("motion_x", "centroid_x"):
        assert getattr(view, name) == -feature[name][0, 1, 2]
        assert getattr(view, f"last_{name}") == -feature[name][0, 0, 1]
    for name in ("motion_y", "centroid_y"):
        assert getattr(view, f"last_{name}") == feature[name][0, 0, 1]
    assert (view.position, view.last_position) == (bank.position[0, 1], bank.position[0, 0])
    plain = views.look(bank, *one[:4], np.array([False]), one[5], one[6], np.array([NONE]), piece)
    assert plain.motion_x == feature["motion_x"][0, 1, 2]
    assert plain.last_centroid_x == feature["centroid_x"][0, 0, 1]
    first = views.look(bank, *one[:2], np.array([FIRST]), *one[3:], piece)
    assert first.first.tolist() == [True]
    last = views.look(bank, one[0], np.array([7]), *one[2:], lay(bank, 1, 0, beat=7))
    assert last.fills.tolist() == [True]


def test_the_next_piece_is_judged_by_how_the_last_one_ended() -> None:
    env = start(even_bank(60, 80))
    env.step(act(0, in_point=1, length=0, effect=MIRROR))
    batch = env.batch
    # 60 usable, 10 shown, 25 spare on either side: the middle third.
    assert (batch.last_shot[0], batch.last_third[0], bool(batch.last_mirrored[0])) == (0, 1, True)
    env.step(act(1, in_point=2, length=0))
    assert (batch.last_shot[0], batch.last_third[0], bool(batch.last_mirrored[0])) == (1, 2, False)


def test_the_observation_tells_shots_and_music() -> None:
    bank = even_bank(48, 960, 30)
    env = start(bank)
    seen = env.batch.observation
    assert isinstance(seen, dict)
    shots, context = seen["shots"][0].reshape(3, 31), seen["context"][0]
    told = [i for i, name in enumerate(FEATURES) if name not in ("contrast", "warmth")]
    static = THIRDS * len(told)
    np.testing.assert_array_equal(shots[:, :static], bank.features[0][..., told].reshape(3, -1))
    assert shots[:, static].tolist() == pytest.approx([0.5, 2.0, 0.3125])
    np.testing.assert_array_equal(shots[:, static + 1], bank.position[0])
    assert shots[:, static + 2 :].tolist() == [[0.0, 0.0, 0.0, 0.0, 1.0]] * 3
    np.testing.assert_array_equal(context[:9], [*bank.strength, 0.0])
    np.testing.assert_array_equal(context[9:18], [*bank.energy, 0.0])
    assert context[18:].tolist() == pytest.approx([0, 0, 1] + [0] * 12)
    env.step(act(1, in_point=2, length=1, effect=MIRROR))
    np.testing.assert_array_equal(shots[:, static + 2 : -2], bank.similarity[0, 1, 2])
    np.testing.assert_allclose(shots[:, -2], bank.position[0] - bank.position[0, 1])
    assert shots[:, -1].tolist() == [1.0, 0.0, 1.0]
    np.testing.assert_array_equal(context[:9], [*bank.strength[2:], 0.0, 0.0, 0.0])
    angle = 2 * np.pi * 2 / 16
    assert context[18:21].tolist() == pytest.approx([0.25, np.sin(angle), np.cos(angle)])
    turned = bank.features[0, 1, 2].copy()
    turned[[FEATURES.index("motion_x"), FEATURES.index("centroid_x")]] *= -1
    np.testing.assert_array_equal(context[21:31], turned)
    assert context[31:].tolist() == [1.0, 1.0]


def test_the_contact_sheet_darkens_used_shots() -> None:
    env = MontageEnv(observation_mode="frames", shots=6, beats=8, bins=2)
    observation, _ = env.reset(seed=0)
    sheet = observation["contact_sheet"]
    height, width = THUMBNAIL
    assert sheet.shape == (2 * height, 4 * width, 3)
    row = int(env.batch.bin[0])

    def tile(picture: Array, shot: int) -> Array:
        top, left = shot // 4 * height, shot % 4 * width
        return picture[top : top + height, left : left + width]

    for shot in range(6):
        expected = env.task.bank.thumbnails[row, shot, 1]
        np.testing.assert_array_equal(tile(sheet, shot), expected)
        assert expected.any()
    assert not tile(sheet, 6).any()
    sheet = env.step(act(4))[0]["contact_sheet"]
    assert not tile(sheet, 4).any()
    np.testing.assert_array_equal(tile(sheet, 3), env.task.bank.thumbnails[row, 3, 1])


# --- where bins come from ----------------------------------------------------------------------


def same_bank(one: Bank, other: Bank) -> bool:
    names = ("frames", "features", "similarity", "position", "thumbnails", "row", "beat_frames")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_one_seed_gives_one_bank() -> None:
    assert same_bank(synthetic_bank(3, 5, 8, 1), synthetic_bank(3, 5, 8, 1))
    assert not same_bank(synthetic_bank(3, 5, 8, 1), synthetic_bank(3, 5, 8, 2))


def capacity(bank: Bank) -> Array:
    """Most beats that the shots of each bin can fill one by one, (bins,)."""
    fits = bank.spans[0].min(axis=1) <= bank.frames[..., None]
    beats: Array = np.where(fits, LENGTHS, 0).max(axis=2).sum(axis=1)
    return beats


@pytest.mark.parametrize(("shots", "beats"), [(16, 32), (8, 16), (12, 32), (24, 64), (3, 4)])
def test_every_synthetic_bin_can_fill_the_film(shots: int, beats: int) -> None:
    for seed in range(4):
        bank = synthetic_bank(64, shots, beats, seed)
        assert (bank.bins, bank.shots, bank.beats) == (64, shots, beats)
        assert (capacity(bank) >= beats).all()
        assert (bank.frames >= np.diff(bank.beat_frames).max()).all()
        assert (bank.frames.sum(axis=1) >= bank.beat_frames[-1]).all()


@pytest.mark.parametrize(("shots", "beats"), [(3, 32), (4, 32), (6, 64)])
def test_too_few_synthetic_shots_are_refused(shots: int, beats: int) -> None:
    # At eight beats a shot at most, so few of them may never fill so long a film.
    try:
        bank = synthetic_bank(16, shots, beats, 0)
    except SegueError as error:
        assert "shots" in str(error)  # noqa: PT017 (either outcome keeps the promise)
    else:
        assert (capacity(bank) >= beats).all()


def test_synthetic_features_keep_their_ranges() -> None:
    bank = synthetic_bank(8, 6, 8, 0)
    signed = [
        name in ("warmth", "motion_x", "motion_y", "centroid_x", "centroid_y") for name in FEATURES
    ]
    low = np.where(signed, -1.0, 0.0)
    assert (bank.features >= low).all()
    assert (bank.features <= 1.0).all()
    assert (bank.features[..., signed] < 0).any()
    assert bank.similarity.min() >= 0.0
    assert bank.similarity.max() <= 1.0
    own = np.einsum("bitit->bit", bank.similarity)
    np.testing.assert_allclose(own, 1.0, atol=1e-6)
    np.testing.assert_array_equal(bank.similarity, bank.similarity.transpose(0, 3, 4, 1, 2))
    assert (np.diff(bank.position, axis=1) >= 0).all()


def footage(name: str, frames: int, rate: Fraction = Fraction(25)) -> Footage:
    return Footage(Path(name), "0" * 64, rate, frames, 64, 36, False, "CC0-1.0", "nobody")


def shot_table(lengths: list[int], *files: Footage) -> ShotTable:
    """Shots of the given lengths, one after the other in the first file."""
    count = len(lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int32)
    generator = np.random.default_rng(0)
    colours = generator.random((count, THIRDS, COLOURS))
    colours /= np.linalg.norm(colours, axis=2, keepdims=True)
    return ShotTable(
        footage=files or (footage("a.mp4", sum(lengths)),),
        file=np.zeros(count, dtype=np.int32),
        start=starts,
        frames=np.array(lengths, dtype=np.int32),
        features=generator.random((count, THIRDS, len(FEATURES))).astype(np.float32),
        colours=colours.astype(np.float32),
        thumbnails=generator.integers(0, 255, (count, THIRDS, *THUMBNAIL, 3), dtype=np.uint8),
    )


# Twelve and a half frames a beat at 25 fps: beats of 12 and 13 frames.
GRID = grid_of_tune(120.0, 16, 4)


def test_bins_from_footage_hold_its_shots() -> None:
    table = shot_table([24, 25, 60, 90, 200, 40, 50])
    bank = bins_from_footage(table, np.arange(7), GRID, beats=8, shots=4, bins=6, seed=0)
    assert (bank.bins, bank.shots, bank.beats, bank.rate) == (6, 4, 8, 25)
    assert bank.beat_frames.tolist() == [0, 12, 25, 38, 50, 62, 75, 88, 100]
    # Less its handles the first shot has 12 frames: too few for a beat of 13.
    assert set(bank.row.ravel().tolist()) <= {1, 2, 3, 4, 5, 6}
    assert len({tuple(row) for row in bank.row.tolist()}) > 1
    for row in bank.row:
        assert len(set(row.tolist())) == 4
    np.testing.assert_array_equal(bank.frames, table.frames[bank.row] - 2 * HANDLE)
    # The amount of motion is told by its rank among all thirds of the footage, from 0 to 1.
    motion = FEATURES.index("motion")
    flat = table.features[..., motion].ravel()
    rank = (flat[:, None] > flat).sum(axis=1).reshape(7, THIRDS) / (7 * THIRDS - 1)
    expected = table.features.copy()
    expected[..., motion] = rank
    np.testing.assert_allclose(bank.features, expected[bank.row], atol=1e-6)
    np.testing.assert_array_equal(bank.thumbnails, table.thumbnails[bank.row])
    np.testing.assert_array_equal(bank.position, positions(table)[bank.row])
    one, other = bank.row[2, 1], bank.row[2, 3]
    cosine = float(table.colours[one, 0] @ table.colours[other, 2])
    assert bank.similarity[2, 1, 0, 3, 2] == pytest.approx(cosine, abs=1e-6)
    again = bins_from_footage(table, np.arange(7), GRID, beats=8, shots=4, bins=6, seed=0)
    assert same_bank(bank, again)
    other_seed = bins_from_footage(table, np.arange(7), GRID, beats=8, shots=4, bins=6, seed=1)
    assert not same_bank(bank, other_seed)


def test_the_energy_is_that_of_the_bar() -> None:
    loud = np.array([0, 0, 0, 0, 0.8, 0, 0, 0], np.float32)
    # Each beat with the one before and the two after it: .2 where the loud beat is among them.
    assert bar_energy(loud).tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    # At the ends the mean is over fewer beats: (1 + 0) / 2 is the greatest.
    assert bar_energy(np.array([0, 0, 0, 0, 0, 1], np.float32)).tolist() == pytest.approx(
        [0, 0, 0, 0.5, 2 / 3, 1]
    )
    assert bar_energy(np.array([0.4, 0.41, 0.4], np.float32)).tolist() == [0.5] * 3
    grid = replace(GRID, energy=np.linspace(0, 1, 16).astype(np.float32))
    bank = bins_from_footage(shot_table([200]), np.arange(1), grid, 8, 1, 1, 0)
    np.testing.assert_array_equal(bank.energy, bar_energy(grid.energy[:8]))


def test_only_the_given_rows_are_drawn() -> None:
    table = shot_table([100] * 6)
    bank = bins_from_footage(table, np.array([1, 3, 5]), GRID, beats=8, shots=2, bins=20, seed=0)
    assert set(bank.row.ravel().tolist()) == {1, 3, 5}


def test_one_bin_is_enough_for_every_shot() -> None:
    bank = bins_from_footage(
        shot_table([60, 90, 70]), np.arange(3), GRID, beats=8, shots=16, bins=9, seed=0
    )
    assert (bank.bins, bank.shots) == (1, 3)
    assert bank.row.tolist() == [[0, 1, 2]]


def test_positions_are_places_in_each_film() -> None:
    table = shot_table([50, 50], footage("a.mp4", 100), footage("b.mp4", 400))
    table = replace(table, file=np.array([0, 1], np.int32), start=np.array([50, 100], np.int32))
    assert positions(table).tolist() == pytest.approx([0.75, 125 / 400])


def test_footage_of_several_rates_is_refused() -> None:
    files = (footage("a.mp4", 500), footage("b.mp4", 500, Fraction(24000, 1001)))
    with pytest.raises(SegueError, match=r"24000/1001, 25 fps"):
        bins_from_footage(shot_table([90] * 4, *files), np.arange(4), GRID, 8, 4, 2, 0)


@pytest.mark.parametrize("lengths", [[24, 20, 15], [60, 62], [111]])
def test_too_little_footage_is_refused(lengths: list[int]) -> None:
    # Eight beats are 100 frames; handles take 12 of each shot.
    table = shot_table(lengths)
    with pytest.raises(SegueError, match=r"last 4\.0 s.*fill"):
        bins_from_footage(table, np.arange(len(lengths)), GRID, 8, 4, 2, 0)
    enough = shot_table([*lengths, 112])
    assert bins_from_footage(enough, np.arange(len(enough)), GRID, 8, 4, 1, 0).beats == 8


def test_beats_are_laid_on_frames() -> None:
    grid = BeatGrid(
        np.array([0.31, 0.83, 1.29, 1.81]), np.ones(3, np.float32), np.ones(3, np.float32), 120.0
    )
    assert beat_frames(grid, 3, Fraction(25)).tolist() == [0, 13, 24, 38]
    assert beat_frames(grid, 2, Fraction(25)).tolist() == [0, 13, 24]
    assert [beats_for(grid, seconds) for seconds in (0.51, 0.52, 0.99, 1.5, 9.0)] == [0, 1, 2, 3, 3]


# --- optimum and bound -------------------------------------------------------------------------

CARRIED = ("bin", "beat", "cuts", "used", "last_shot", "last_third", "last_mirrored", "mask")


def expand(task: Montage, batch: MontageBatch, rows: Array) -> tuple[MontageBatch, Array, Array]:
    """Step every legal action in each of `rows`: new batch, row it came from, rewards."""
    actions = np.array(list(product(*map(range, task.sizes))))
    begin = np.concatenate([[0], np.cumsum(task.sizes)[:-1]])
    legal = (batch.mask[rows][:, begin + actions] == 1).all(axis=2)
    origin, chosen = np.nonzero(legal)
    following = task.allocate(len(origin))
    for name in CARRIED:
        getattr(following, name)[:] = getattr(batch, name)[rows[origin]]
    task.step(following, actions[chosen])
    assert (following.terms[task.term_names.index("legality")] == 0).all()
    return following, rows[origin], following.reward.copy()


def exhaustive(task: Montage, bin_: int, merge: bool) -> float:
    """Best return over all action sequences, stepping the environment through every one.

    With `merge`, of prefixes that leave the environment in one and the same state only the best
    goes on.
    """
    batch = task.allocate(1)
    task.begin(batch, np.zeros(1, np.int64), np.array([bin_], dtype=np.uint64))
    value, best, rows = np.zeros(1), -np.inf, np.arange(1)
    while len(rows):
        batch, origin, reward = expand(task, batch, rows)
        value = value[origin] + reward
        best = max(best, value[batch.terminated].max(initial=-np.inf))
        rows = np.flatnonzero(~batch.terminated)
        if merge and len(rows):
            kept = ("beat", "last_shot", "last_third", "last_mirrored")
            state = np.column_stack([*(getattr(batch, name) for name in kept), batch.used])
            rows = rows[np.argsort(-value[rows], kind="stable")]
            rows = rows[np.unique(state[rows], axis=0, return_index=True)[1]]
    return float(best)


def drawn_weights(seed: int) -> dict[str, float]:
    """The preset for seed 0, other weights for others."""
    generator = np.random.default_rng(seed)
    return {name: float(generator.uniform(0.1, 2.0)) for name in MONTAGE.names if seed}


@pytest.mark.parametrize("seed", range(3))
def test_the_exact_optimum_is_that_of_brute_force(seed: int) -> None:
    task = Montage(synthetic_bank(2, 2, 3, seed), reward_weights=drawn_weights(seed))
    batch = task.allocate(1)
    task.begin(batch, np.zeros(1, np.int64), np.array([1], dtype=np.uint64))
    bound = task.bound(batch, 0)
    assert bound.exact
    assert bound.value == pytest.approx(exhaustive(task, 1, merge=False), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_exact_optimum_over_three_shots_and_four_beats(seed: int) -> None:
    task = Montage(synthetic_bank(1, 3, 4, seed), reward_weights=drawn_weights(seed))
    found = optimum.bound(task.bank, task.reward, 0)
    assert found.exact
    assert found.value == pytest.approx(exhaustive(task, 0, merge=True), abs=1e-9)


@pytest.mark.parametrize(
    "bank",
    [
        even_bank(10, 20, 9, beats=4),
        even_bank(10, 11, 2, beats=6),
        hand_bank([11, 26, 12], [10, 12, 10, 14]),
    ],
    ids=["one shot too short", "film stays empty", "uneven beats"],
)
def test_the_exact_optimum_where_shots_run_out(bank: Bank) -> None:
    # Without a cost for what stays empty the best film is not the longest.
    for weights in ({}, {"duration": 0.1}, {"duration": 0.0}):
        task = Montage(bank, reward_weights=weights)
        value = exhaustive(task, 0, merge=True)
        stages = optimum.Stages(bank, task.reward, 0)
        assert optimum.exact(stages) == pytest.approx(value, abs=1e-9)
        assert optimum.relaxed(stages, np.zeros(bank.shots))[0] >= value - 1e-9


def test_brute_force_may_merge_equal_states() -> None:
    task = Montage(synthetic_bank(1, 2, 3, 5))
    merged, full = (exhaustive(task, 0, merge=merge) for merge in (True, False))
    assert merged == pytest.approx(full, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_lagrangian_bound_is_above_the_optimum(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Montage(synthetic_bank(1, 4, 6, seed), reward_weights=drawn_weights(seed))
    stages = optimum.Stages(task.bank, task.reward, 0)
    value = optimum.exact(stages)
    monkeypatch.setattr(optimum, "EXACT_SHOTS", 0)
    found = optimum.bound(task.bank, task.reward, 0)
    assert not found.exact
    assert value - 1e-9 <= found.value <= value + 0.5 * abs(value)
    generator = np.random.default_rng(seed)
    for _ in range(20):
        multipliers = generator.exponential(0.1, 4)
        assert optimum.relaxed(stages, multipliers)[0] >= value - 1e-9


def sampled_returns(task: Montage, bin_: int, count: int) -> Array:
    """Returns of random legal play in one bin."""
    generator = np.random.default_rng(0)
    batch = task.allocate(count)
    task.begin(batch, np.arange(count), np.full(count, bin_, dtype=np.uint64))
    total = np.zeros(count)
    while not batch.terminated.all():
        parts = np.split(batch.mask, np.cumsum(task.sizes)[:-1], axis=1)
        drawn = [(part * (1 + generator.random(part.shape))).argmax(axis=1) for part in parts]
        task.step(batch, np.stack(drawn, axis=1))
        total += batch.reward
    return total


@pytest.mark.parametrize("seed", range(2))
def test_the_bound_holds_and_is_lowered_on_larger_bins(seed: int) -> None:
    task = Montage(synthetic_bank(1, 12, 32, seed))
    values = [optimum.bound(task.bank, task.reward, 0, iterations=n).value for n in (1, 60)]
    assert values[1] < values[0] - 0.05
    returns = sampled_returns(task, 0, 2000)
    env = MontageEnv(bank=task.bank)
    env.reset(seed=0)
    total, terminated = 0.0, False
    while not terminated:
        _, reward, terminated, _, _ = env.step(env.greedy_action())
        total += reward
    assert max(returns.max(), total) <= values[1]
    assert total > returns.mean()


def test_greedy_takes_the_greatest_reward_per_beat() -> None:
    task = Montage(synthetic_bank(2, 5, 8, 3))
    batch = task.allocate(1)
    task.begin(batch, np.zeros(1, np.int64), np.array([1], dtype=np.uint64))
    while not batch.terminated[0]:
        action = task.greedy(batch, 0)
        following, _, reward = expand(task, batch, np.zeros(1, np.int64))
        duration = following.terms[task.term_names.index("duration")]
        per_beat = (reward - duration) / (following.beat - batch.beat[0])
        before = int(batch.beat[0])
        task.step(batch, action[None])
        assert (batch.terms[task.term_names.index("legality")] == 0).all()
        earned = batch.reward[0] - batch.terms[task.term_names.index("duration"), 0]
        assert earned / (batch.beat[0] - before) == pytest.approx(per_beat.max(), abs=1e-12)
