"""Where the bins of `segue/Montage-v0` come from."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from montage_bins import Array

from segue.envs.base.errors import SegueError
from segue.envs.film.beat_tracking import grid_of_tune
from segue.envs.film.beats import BeatGrid
from segue.envs.film.shots import COLOURS, FEATURES, THIRDS, THUMBNAIL, Footage, ShotTable
from segue.envs.film.transitions import TRANSITIONS
from segue.envs.montage.env import MontageEnv
from segue.envs.montage.generator import (
    bar_energy,
    beat_frames,
    beats_for,
    bins_from_footage,
    positions,
    turn,
)
from segue.envs.montage.pictures import thumbnails
from segue.envs.montage.render import to_edit
from segue.envs.montage.synthetic import synthetic_bank
from segue.envs.montage.types import HANDLE, LENGTHS, Bank

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
    assert (np.diff(bank.film + bank.position, axis=1) >= 0).all()
    assert bank.film.max() > 0


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
    np.testing.assert_array_equal(thumbnails(bank, 2), table.thumbnails[bank.row[2]])
    np.testing.assert_array_equal(bank.film, table.file[bank.row])
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


def test_turned_shots_are_shown_as_they_are_told() -> None:
    table = shot_table([60, 90, 200, 40, 50])
    plain = bins_from_footage(table, np.arange(5), GRID, beats=8, shots=5, bins=1, seed=0)
    turned = turn(plain, np.array([[0, 1, 2, 3, 0]], dtype=np.int8))
    column = {name: index for index, name in enumerate(FEATURES)}
    own, was = turned.features[0], plain.features[0]
    for name in FEATURES:
        aside, moves = name in ("motion_x", "centroid_x"), name in ("motion_x", "motion_y")
        place = column[name]
        np.testing.assert_array_equal(own[0, :, place], was[0, :, place])
        np.testing.assert_array_equal(own[1, :, place], was[1, :, place] * (-1 if aside else 1))
        backward = was[2, ::-1, place] * (-1 if moves else 1)
        np.testing.assert_array_equal(own[2, :, place], backward)
    assert turned.similarity[0, 2, 0, 1, 1] == plain.similarity[0, 2, 2, 1, 1]
    assert turned.similarity[0, 3, 0, 2, 1] == plain.similarity[0, 3, 2, 2, 1]
    pictures, were = thumbnails(turned, 0), thumbnails(plain, 0)
    np.testing.assert_array_equal(pictures[0], were[0])
    np.testing.assert_array_equal(pictures[1], were[1][:, :, ::-1])
    np.testing.assert_array_equal(pictures[2], were[2][::-1])
    np.testing.assert_array_equal(pictures[3], were[3][::-1, :, ::-1])
    many = bins_from_footage(table, np.arange(5), GRID, 8, 5, bins=6, seed=0, turned=True)
    assert many.bins == 6
    assert many.turned is not None
    assert len({tuple(row) for row in many.turned.tolist()}) > 1


def test_turned_shots_are_not_rendered() -> None:
    table = shot_table([120, 120])
    bank = bins_from_footage(table, np.arange(2), GRID, 8, 2, bins=2, seed=0, turned=True)
    env = MontageEnv(bank=bank)
    env.reset(seed=0)
    env.step(np.array([0, 0, 5, 0, 0]))
    with pytest.raises(SegueError, match="for training only"):
        to_edit(bank, env.batch, 0, table, env.task.term_names, "film")


def test_pieces_of_a_film_carry_their_sound_and_transition() -> None:
    table = shot_table([120, 120, 120])
    bank = bins_from_footage(table, np.arange(3), GRID, 8, 3, bins=1, seed=0)
    env = MontageEnv(bank=bank)
    env.reset(seed=0)
    names = list(TRANSITIONS)
    for shot, name in enumerate(("cut", "j_cut", "l_cut")):
        env.step(np.array([shot, 0, 1, names.index(name), 0]))
    first, early, late = to_edit(bank, env.batch, 0, table, env.task.term_names, "film").cuts
    assert (first.transition, first.sound_lead, first.transition_frames) == ("cut", 0, 0)
    assert (early.transition, early.transition_frames) == ("j_cut", 0)
    assert early.sound_lead > 0 > late.sound_lead
    assert early.frames == 25


def test_made_up_shots_look_like_their_features() -> None:
    bank = synthetic_bank(2, 6, 8, 0)
    pictures = thumbnails(bank, 1)
    assert pictures.shape == (6, THIRDS, *THUMBNAIL, 3)
    assert pictures.dtype == np.uint8
    light = pictures.mean(axis=(2, 3, 4)).ravel()
    told = bank.features[1, ..., FEATURES.index("brightness")].ravel()
    assert np.corrcoef(light, told)[0, 1] > 0.9
    np.testing.assert_array_equal(pictures, thumbnails(bank, 1))
    assert not np.array_equal(pictures, thumbnails(bank, 0))


def test_made_up_footage_is_like_what_is_filmed() -> None:
    """Broad ranges of analysed live action, drawn film and single shots."""
    bank = synthetic_bank(64, 16, 32, 0)
    value = {name: bank.features[..., index] for index, name in enumerate(FEATURES)}
    medians = {
        "brightness": (0.3, 0.55),
        "saturation": (0.2, 0.5),
        "sharpness": (0.5, 0.8),
        "motion_x": (-0.05, 0.05),
        "centroid_x": (-0.1, 0.15),
    }
    for name, (low, high) in medians.items():
        assert low < np.median(value[name]) < high, name
    assert np.quantile(np.abs(value["motion_x"]), 0.5) < 0.15
    assert np.quantile(np.abs(value["motion_x"]), 0.95) > 0.3
    # Thirds of one shot differ far less than shots do.
    for name in ("brightness", "sharpness", "centroid_x", "motion"):
        within = value[name].std(axis=2).mean()
        assert within < 0.5 * value[name].mean(axis=2).std(), name
    assert np.corrcoef(value["sharpness"].ravel(), value["motion"].ravel())[0, 1] < -0.2
    assert np.corrcoef(value["saturation"].ravel(), value["warmth"].ravel())[0, 1] > 0.5
    apart = bank.similarity[:, :8, :, 8:]
    assert 0.55 < np.median(apart) < 0.85
    assert np.quantile(apart, 0.05) < 0.65
