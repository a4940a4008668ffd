from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from written_media import SHOTS, write_frames, write_shots

from segue.envs.base.cache import cache_folder, file_digest, load_arrays, store_arrays
from segue.envs.base.errors import SegueError
from segue.envs.film import analysis, shot_detection
from segue.envs.film.analysis import analyse
from segue.envs.film.gate import (
    MediaError,
)
from segue.envs.film.shots import (
    COLOURS,
    FEATURES,
    QUALITY_FEATURES,
    SOUND_FEATURES,
    THIRDS,
    THUMBNAIL,
    ShotTable,
)
from segue.envs.film.synthetic import write_synthetic_film

COLUMNS = tuple(part.name for part in fields(ShotTable) if part.name != "footage")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[int, ...]]:
    return write_shots(tmp_path_factory.mktemp("film") / "film.mp4")


def blobs(seed: int, size: tuple[int, int] = (90, 160)) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (size[0] // 10, size[1] // 10, 3))
    return np.kron(coarse, np.ones((10, 10, 1))).astype(np.uint8)


def test_every_cut_is_found_and_nothing_else(
    tmp_path: Path, film: tuple[Path, tuple[int, ...]]
) -> None:
    path, firsts = film
    told: list[float] = []
    table = analyse([path], cache=tmp_path, progress=lambda share, text: told.append(share))
    assert table.start.tolist() == list(firsts[:-1])
    assert (table.start + table.frames).tolist() == list(firsts[1:])
    footage = table.footage[0]
    assert (footage.path, footage.digest) == (path, file_digest(path))
    assert (footage.rate, footage.frames) == (Fraction(24), firsts[-1])
    assert (footage.width, footage.height, footage.has_sound) == (320, 180, True)
    assert footage.licence == "LicenseRef-user"
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_table_keeps_its_promises(tmp_path: Path, film: tuple[Path, tuple[int, ...]]) -> None:
    table = analyse([film[0]], cache=tmp_path)
    assert table.features.shape == (SHOTS, THIRDS, len(FEATURES))
    assert table.colours.shape == (SHOTS, THIRDS, COLOURS)
    assert table.thumbnails.shape == (SHOTS, THIRDS, *THUMBNAIL, 3)
    assert table.thumbnails.dtype == np.uint8
    assert {table.file.dtype, table.start.dtype, table.frames.dtype} == {np.dtype(np.int32)}
    assert table.quality.shape == (SHOTS, THIRDS, len(QUALITY_FEATURES))
    assert table.sound.shape == (SHOTS, len(SOUND_FEATURES))
    assert {table.quality.dtype, table.sound.dtype} == {np.dtype(np.float32)}
    for values in (table.quality, table.sound):
        assert values.min() >= 0
        assert values.max() <= 1
    np.testing.assert_allclose(np.linalg.norm(table.colours, axis=-1), 1, atol=1e-5)
    assert table.colours.min() >= 0
    signed = [FEATURES.index(n) for n in FEATURES if "_" in n or n == "warmth"]
    assert np.abs(table.features).max() <= 1
    assert np.delete(table.features, signed, axis=-1).min() >= 0


def test_directions_of_movement(tmp_path: Path, film: tuple[Path, tuple[int, ...]]) -> None:
    table = analyse([film[0]], cache=tmp_path)
    right = table.features[:, 1, FEATURES.index("motion_x")]
    down = table.features[:, 1, FEATURES.index("motion_y")]
    for shot in range(SHOTS):
        along, across = (right, down) if shot % 2 == 0 else (down, right)
        sign = 1 if shot % 4 < 2 else -1
        assert sign * along[shot] > 0.1
        assert abs(across[shot]) < 0.5 * abs(along[shot])


def test_two_files_stand_under_one_another_and_copies_count_once(
    tmp_path: Path, film: tuple[Path, tuple[int, ...]]
) -> None:
    other, copy = tmp_path / "other.mp4", tmp_path / "copy.mp4"
    write_synthetic_film(other, shots=2, seed=9, seconds_per_shot=(1, 1), sound=False)
    copy.write_bytes(film[0].read_bytes())
    table = analyse([film[0], copy, other], cache=tmp_path / "cache")
    assert table.file.tolist() == [0] * SHOTS + [1] * 2
    assert [footage.path for footage in table.footage] == [film[0], other]
    assert table.start.tolist()[-2:] == [0, 24]


def test_odd_sizes(tmp_path: Path) -> None:
    pictures = [np.roll(blobs(3, (50, 70)), 2 * k, axis=1)[:45, :67] for k in range(30)]
    path = write_frames(tmp_path / "odd.mp4", pictures, pix_fmt="yuv444p")
    table = analyse([path], cache=tmp_path)
    assert (table.footage[0].width, table.footage[0].height, len(table)) == (67, 45, 1)


def test_films_without_a_shot_are_refused(tmp_path: Path) -> None:
    one = write_frames(tmp_path / "one.mp4", [blobs(1)])
    black = write_frames(tmp_path / "black.mp4", [np.zeros((90, 160, 3), np.uint8)] * 48)
    for path, reason in ((one, "only 1 frame"), (black, "holds no shot")):
        with pytest.raises(MediaError, match=reason):
            analyse([path], cache=tmp_path)
    with pytest.raises(SegueError, match="No footage"):
        analyse([], cache=tmp_path)


def mix(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    return (a * (1 - share) + b * share).astype(np.uint8)


def test_dissolves_and_fades_belong_to_no_shot(tmp_path: Path) -> None:
    a, b, c = blobs(1), blobs(2), blobs(3)
    black = np.zeros_like(a)
    pictures = [a] * 40 + [mix(a, b, (k + 1) / 25) for k in range(24)] + [b] * 40
    pictures += [mix(b, black, (k + 1) / 12) for k in range(12)] + [black] * 6 + [c] * 40
    path = write_frames(tmp_path / "dissolve.mp4", pictures)
    table = analyse([path], cache=tmp_path)
    ends = (table.start + table.frames).tolist()
    np.testing.assert_allclose(table.start, [0, 64, 122], atol=2)
    np.testing.assert_allclose(ends, [40, 104, 162], atol=2)


def test_a_flash_is_no_cut_and_a_very_short_shot_is_dropped(tmp_path: Path) -> None:
    a, b, c = blobs(1), blobs(2), blobs(3)
    white = np.full_like(a, 255)
    pictures = [a] * 30 + [mix(a, white, 0.8)] * 2 + [a] * 30 + [b] * 6 + [c] * 30
    table = analyse([write_frames(tmp_path / "flash.mp4", pictures)], cache=tmp_path)
    assert table.start.tolist() == [0, 68]
    assert table.frames.tolist() == [62, 30]


@pytest.mark.parametrize("speed", [1, 3])
def test_a_cut_in_the_midst_of_movement_is_found(tmp_path: Path, speed: int) -> None:
    wide = [blobs(seed, (90, 160 + 30 * speed)) for seed in (1, 2)]
    pictures = [one[:, speed * k : speed * k + 160] for one in wide for k in range(30)]
    table = analyse([write_frames(tmp_path / "pans.mp4", pictures)], cache=tmp_path)
    assert table.start.tolist() == [0, 30]


def test_a_cut_is_no_movement(tmp_path: Path) -> None:
    path = write_frames(tmp_path / "stills.mp4", [blobs(1)] * 24 + [blobs(2)] * 24)
    table = analyse([path], cache=tmp_path)
    assert table.start.tolist() == [0, 24]
    assert table.features[..., FEATURES.index("motion")].max() < 0.02


def test_repeated_frames_do_not_look_like_cuts(tmp_path: Path) -> None:
    """Eight pictures a second in a file of 24, quick movement, no cut."""
    wide = blobs(5, (90, 640))
    pictures = [wide[:, 8 * (k // 3) : 8 * (k // 3) + 160] for k in range(120)]
    table = analyse([write_frames(tmp_path / "slow.mp4", pictures)], cache=tmp_path)
    assert table.start.tolist() == [0]


def test_short_spans() -> None:
    same, other = np.arange(144, dtype=np.uint8), np.arange(144, dtype=np.uint8)[::-1]
    signatures = np.array([same] * 40 + [other] * 40)
    assert shot_detection.joined([(0, 18), (18, 20), (20, 40)], signatures, Fraction(24)) == [
        (0, 40)
    ]
    assert shot_detection.joined([(0, 38), (38, 40), (40, 80)], signatures, Fraction(24)) == [
        (0, 38),
        (40, 80),
    ]


def test_the_second_analysis_comes_from_the_cache_and_equals_the_first(
    tmp_path: Path, film: tuple[Path, tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = analyse([film[0]], cache=tmp_path)
    moved = tmp_path / "renamed.mp4"
    moved.write_bytes(film[0].read_bytes())
    monkeypatch.setattr(analysis, "plan_stretches", None)
    second = analyse([moved], cache=tmp_path)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert second.footage[0].path == moved


@pytest.mark.parametrize("damage", ["torn", "foreign", "pickled", "other shape"])
def test_bad_cache_files_are_rebuilt(
    tmp_path: Path, film: tuple[Path, tuple[int, ...]], damage: str
) -> None:
    good = analyse([film[0]], cache=tmp_path)
    (entry,) = tmp_path.glob("*.npz")
    whole = entry.read_bytes()
    if damage == "torn":
        entry.write_bytes(whole[: len(whole) // 2])
    elif damage == "foreign":
        entry.write_text("hello")
    elif damage == "pickled":
        np.savez(entry, **{"start": np.array([object()])}, allow_pickle=True)
    else:
        arrays = dict(np.load(entry))
        np.savez(entry, **{**arrays, "colours": arrays["colours"][:, :1]})
    again = analyse([film[0]], cache=tmp_path)
    np.testing.assert_array_equal(good.features, again.features)
    assert entry.read_bytes() != b"hello"
    with np.load(entry, allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["colours"], good.colours)


def test_object_arrays_are_not_stored(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        store_arrays(tmp_path, "x", 1, "d", {"a": np.array([object()])})
    assert list(tmp_path.iterdir()) == []
    assert load_arrays(tmp_path, "x", 1, "d") is None


def test_the_cache_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_CACHE", str(tmp_path / "a" / "b"))
    assert cache_folder() == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(SegueError, match="SEGUE_CACHE"):
        cache_folder(tmp_path / "file" / "x")
