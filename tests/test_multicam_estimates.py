"""How well cameras see the action, estimated from generated files and generated measurements."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from segue.envs.film.shots import COLOURS, THUMBNAIL
from segue.envs.multicam.estimates import (
    DETAIL_OF_NOISE,
    HUSH,
    MOST_NOISE,
    MOTION_OF_NOISE,
    MOVES,
    STILL,
    UNMOVED,
    Series,
    View,
    actions,
    synchronised,
    virtual,
)
from segue.envs.multicam.footage import scenes_from_footage
from segue.envs.multicam.types import LEVELS, SIZES, Scene
from segue.envs.multicam.watching import GRID, SAMPLES_PER_SECOND, Watched, _Pictures, watch

RATE, SECONDS, SIZE = 24, 6, (192, 108)


def write(path: Path, pictures: Iterable[Any]) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        assert isinstance(video, VideoStream)
        (video.width, video.height), video.pix_fmt = SIZE, "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def live(number: int) -> Any:
    """A striped block that walks to and fro in front of a board."""
    picture = np.full((*SIZE[::-1], 3), 90, dtype=np.uint8)
    picture[:, ::12] = 110
    left = 40 + 2 * abs(number % 48 - 24)
    for stripe in range(left, left + 40, 8):
        picture[30:80, stripe : stripe + 4] = 200
    return picture


def black(generator: np.random.Generator, deviation: float) -> Any:
    """What a sensor sees behind a lens cap."""
    noise = generator.normal(0.0, deviation, (*SIZE[::-1], 3))
    return np.clip(np.rint(noise), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, frames = tmp_path_factory.mktemp("files"), RATE * SECONDS
    generator = np.random.default_rng(0)
    return {
        "black": write(folder / "black.mp4", (black(generator, 12.0) for _ in range(frames))),
        "frozen": write(folder / "frozen.mp4", (live(0) for _ in range(frames))),
        "live": write(folder / "live.mp4", map(live, range(frames))),
    }


def scene_of(paths: list[Path], cache: Path) -> Scene:
    (scene,) = scenes_from_footage(paths, cache=cache)
    return scene


def test_the_live_file_ranks_above_a_frozen_and_a_black_one(
    files: dict[str, Path], tmp_path: Path
) -> None:
    scene = scene_of(list(files.values()), tmp_path)
    assert [camera.name for camera in scene.cameras] == ["black", "frozen", "live"]
    mean = scene.levels.mean(axis=0)
    assert mean[2] > mean[1] > mean[0]
    assert (scene.levels[:, 2] > scene.levels[:, :2].max(axis=1)).all()
    assert mean[0] < 0.5
    # Only the live one has a rank; what shows no movement neither establishes nor comes close.
    assert [camera.size for camera in scene.cameras] == [UNMOVED, UNMOVED, 0]


def test_action_of_files_is_motion_before_detail(files: dict[str, Path], tmp_path: Path) -> None:
    seen = [Series(watch(path, cache=tmp_path), 0.0, 12, 0.5) for path in files.values()]
    dark, frozen, moving = actions(seen).mean(axis=0)
    assert moving > 0.6
    assert 0.2 < frozen <= 0.31  # all of the detail, none of the motion
    assert dark < 0.1
    # Beside nothing better, noise is not full action either.
    assert actions(seen[:1]).mean() < 0.5


# --- measurements -------------------------------------------------------------------------------


def measured(motion: Any, detail: Any, sound: Any) -> Watched:
    """A file of these measurements, (samples, *GRID), (samples, *GRID) and (samples,)."""
    samples = len(motion)
    facts = (RATE, 1, samples * RATE // SAMPLES_PER_SECOND, *SIZE, int(np.any(sound)))
    pictures = -(-samples // 16)
    return Watched(
        facts=np.array(facts, dtype=np.int64),
        motion=np.asarray(motion, dtype=np.float32),
        detail=np.asarray(detail, dtype=np.float32),
        loudness=np.asarray(sound, dtype=np.float32),
        colours=np.ones(COLOURS, dtype=np.float32),
        thumbnails=np.zeros((pictures, *THUMBNAIL, 3), dtype=np.uint8),
    )


def files_of(scale: float, seed: int = 0) -> list[Series]:
    """Three files that differ in what moves, stands out and sounds, all of it times `scale`."""
    generator, series = np.random.default_rng(seed), []
    for file, share in enumerate((0.1, 0.5, 1.0)):
        parts = generator.uniform(0.0, 0.2 * share, (2, 64, *GRID))
        parts[:, :, : 4 + file] = 0.0  # Still background: no noise is taken off.
        sound = generator.uniform(0.01, 0.2, 64) * share
        watched = measured(*(parts * scale), sound * scale)
        series.append(Series(watched, 0.0, 16, 0.5))
    return series


def seen_by(series: list[Series]) -> list[View]:
    return synchronised(series, [Path(f"{name}.mp4") for name in "abc"])


@pytest.mark.parametrize("scale", [0.5, 2.0, 4.0])
def test_one_scale_for_all_files_changes_nothing(scale: float) -> None:
    for one, other in zip(seen_by(files_of(1.0)), seen_by(files_of(scale)), strict=True):
        assert one.size == other.size
        np.testing.assert_allclose(one.shown, other.shown, rtol=1e-5)
    crops = zip(virtual(files_of(1.0)[2]), virtual(files_of(scale)[2]), strict=True)
    for one, other in crops:
        np.testing.assert_allclose(one.shown, other.shown, rtol=1e-5)


def test_files_are_measured_against_the_liveliest() -> None:
    series = files_of(1.0)
    together = actions(series).mean(axis=0)
    assert together[0] < 0.3 * together[2]
    assert together[1] < 0.7 * together[2]
    assert actions(series[:1]).mean() == pytest.approx(together[2], rel=0.1)  # alone: its own


@pytest.mark.parametrize("deviation", [1.0, MOST_NOISE])
def test_noise_is_as_much_as_the_docstrings_say(deviation: float) -> None:
    generator, pictures = np.random.default_rng(0), _Pictures()
    for _ in range(24):
        noise = np.clip(np.rint(generator.normal(118.0, deviation, (90, 160))), 0, 255)
        pictures.add(np.repeat(noise[..., None].astype(np.uint8), 3, axis=2))
    motion, detail = np.array(pictures.motion[1:]), np.array(pictures.detail[1:])
    assert motion.mean() == pytest.approx(deviation * MOTION_OF_NOISE, rel=0.03)
    assert detail.mean() == pytest.approx(deviation * DETAIL_OF_NOISE, rel=0.03)
    # And is taken off.
    series = Series(measured(motion, detail, np.zeros(len(motion))), 0.0, 5, 0.5)
    assert series.motion.mean(axis=0).max() < MOVES / 4
    assert series.detail.mean() < STILL


def test_a_pan_keeps_its_motion() -> None:
    pan = np.full((64, *GRID), 0.1)
    series = Series(measured(pan, pan, np.zeros(64)), 0.0, 16, 0.5)
    assert series.motion.min() == pytest.approx(0.1 - MOST_NOISE * MOTION_OF_NOISE, rel=1e-5)
    assert actions([*files_of(0.1)[:2], series])[:, 2].min() == pytest.approx(1.0)


def test_only_the_moving_files_have_a_rank_of_size() -> None:
    still = np.zeros((64, *GRID))
    frozen = Series(measured(still, still + 0.1, np.zeros(64)), 0.0, 16, 0.5)
    narrow, _, wide = files_of(1.0)
    assert [view.size for view in seen_by([frozen, wide, narrow])] == [UNMOVED, 0, SIZES - 1]
    assert {view.size for view in seen_by([frozen] * 3)} == {UNMOVED}


def test_hiss_is_not_a_speaker() -> None:
    still = np.zeros((64, *GRID))
    talk = np.repeat([0.2, 0.001], 32)
    speaker = Series(measured(still, still, talk), 0.0, 16, 0.5)
    hiss = Series(measured(still, still, np.full(64, 0.002)), 0.0, 16, 0.5)
    loud, quiet, _ = (view.shown for view in seen_by([speaker, hiss, hiss]))
    np.testing.assert_allclose(loud[:8], 0.5)
    assert quiet.max() <= 0.5 * 0.01 / HUSH + 1e-6
    assert quiet.max() * (LEVELS - 1) < 0.5  # No grade at all.
