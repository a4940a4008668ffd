from __future__ import annotations

import numpy as np
import pytest

from segue.envs.film.features import (
    SAMPLED,
    brightness,
    camera_motion,
    colour_shares,
    contrast,
    exposure,
    motion,
    optical_flow,
    salient_centroid,
    salient_region,
    saturation,
    shake,
    sharpness,
    still_features,
    unit_colours,
    warmth,
)
from segue.envs.film.shots import FEATURES


def blobs(seed: int, size: tuple[int, int] = (90, 160)) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (size[0] // 10, size[1] // 10, 3))
    return np.kron(coarse, np.ones((10, 10, 1))).astype(np.uint8)


def flat(blue: int, green: int, red: int) -> np.ndarray:
    return np.full((90, 160, 3), (blue, green, red), np.uint8)


def test_light_and_colour_of_known_pictures() -> None:
    half = np.zeros((90, 160), np.uint8)
    half[:, 80:] = 255
    assert brightness(half) == pytest.approx(0.5)
    assert contrast(half) == pytest.approx(1.0)
    assert contrast(np.full((9, 9), 77, np.uint8)) == 0.0
    assert saturation(flat(0, 0, 200)) == 1.0
    assert saturation(flat(90, 90, 90)) == 0.0
    assert saturation(flat(0, 0, 0)) == 0.0
    assert warmth(flat(0, 50, 100)) == 1.0
    assert warmth(flat(100, 0, 50)) == pytest.approx(-1 / 3)
    assert warmth(flat(0, 0, 0)) == 0.0


def test_sharpness_falls_with_blur() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 160)).astype(np.uint8)
    blurred = picture.copy()
    for _ in range(2):
        blurred = (
            (blurred.astype(int) + np.roll(blurred, 1, 0) + np.roll(blurred, 1, 1)) // 3
        ).astype(np.uint8)
    assert 1 > sharpness(picture) > sharpness(blurred) > sharpness(np.full_like(picture, 9)) == 0


@pytest.mark.parametrize(("right", "down"), [(2, 0), (-2, 0), (0, 2), (0, -2)])
def test_motion_of_a_shifted_picture(right: int, down: int) -> None:
    before = blobs(7, (120, 200))[..., 1]
    after = np.roll(before, (down, right), axis=(0, 1))
    flow = optical_flow(before[15:105, 20:180], after[15:105, 20:180], 24.0)
    amount, x, y = motion(flow)
    expected = np.tanh(2 * 24 / 160 / 0.5)
    assert amount == pytest.approx(expected, abs=0.15)
    assert x == pytest.approx(np.sign(right) * expected, abs=0.15)
    assert y == pytest.approx(np.sign(down) * expected, abs=0.15)
    camera = camera_motion(flow)
    assert camera == pytest.approx((right * 24 / 160, down * 24 / 160), abs=0.05)
    assert motion(optical_flow(before, before, 24.0)) == pytest.approx((0, 0, 0), abs=1e-3)


def test_the_camera_is_what_most_of_the_picture_follows() -> None:
    flow = np.zeros((90, 160, 2), np.float32)
    flow[..., 0] = -0.2
    flow[20:70, 30:110] = (0.9, 0.5)
    assert camera_motion(flow) == pytest.approx((-0.2, 0.0))
    amount, right, _ = motion(flow)
    assert amount > abs(right)


def test_shake_is_quick_movement_and_no_pan() -> None:
    rng = np.random.default_rng(0)
    pan = np.tile([0.5, -0.2], (40, 1))
    faster = np.linspace(0, 1, 40)[:, None] * [1.0, 0.3]
    trembling = pan + rng.normal(0, 0.1 / np.sqrt(2), (40, 2))
    assert shake(pan) == shake(pan[:2]) == 0
    assert shake(faster) == pytest.approx(0, abs=1e-6)
    # Independent samples of .1 picture widths a second: tanh(1).
    assert shake(trembling) == pytest.approx(np.tanh(1), abs=0.08)
    assert shake(pan + 3 * (trembling - pan)) > shake(trembling) > shake(faster)


def test_exposure_is_what_is_not_clipped() -> None:
    luma = np.full((90, 160), 100, np.uint8)
    assert exposure(luma) == 1.0
    luma[:9] = 255
    luma[9:27] = 0
    assert exposure(luma) == pytest.approx(0.7)


@pytest.mark.parametrize(("height", "width"), [(20, 30), (40, 70), (70, 130)])
def test_the_subjects_size_is_the_share_of_the_picture_with_detail(height: int, width: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (height, width))
    luma = np.full((90, 160), 128, np.uint8)
    top, left = (90 - height) // 2, (160 - width) // 2
    luma[top : top + height, left : left + width] = noise
    *centre, size = salient_region(luma)
    assert centre == pytest.approx([0, 0], abs=0.05)
    assert size == pytest.approx(height * width / (90 * 160), rel=0.25)
    assert salient_region(np.full((90, 160), 60, np.uint8)) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("row", "column"), [(10, 20), (10, 130), (70, 20), (70, 130)])
def test_the_salient_centroid_finds_the_one_detail(row: int, column: int) -> None:
    luma = np.full((90, 160), 60, np.uint8)
    luma[row : row + 10, column : column + 10] = 200
    x, y = salient_centroid(luma)
    assert x == pytest.approx((column + 5) / 80 - 1, abs=0.06)
    assert y == pytest.approx((row + 5) / 45 - 1, abs=0.06)
    assert salient_centroid(np.full((90, 160), 60, np.uint8)) == (0.0, 0.0)


def test_colour_histograms() -> None:
    picture = flat(0, 0, 255)
    picture[45:] = (200, 200, 200)
    shares = colour_shares(picture)
    assert shares[1] == shares[16 + 200 // 32] == 0.5
    assert shares.sum() == 1
    unit = unit_colours(shares)
    assert np.linalg.norm(unit) == pytest.approx(1)
    assert float(unit @ unit_colours(colour_shares(flat(0, 0, 250)))) == pytest.approx(0.5**0.5)
    # Both sides of pure red are red.
    assert colour_shares(flat(10, 0, 255))[1] == colour_shares(flat(0, 10, 255))[1] == 1


def test_still_features_follow_the_order_of_the_names() -> None:
    picture = blobs(4)
    luma = picture[..., 0]
    described = dict(zip(SAMPLED, still_features(picture, luma).tolist(), strict=True))
    assert described["brightness"] == pytest.approx(brightness(luma))
    assert described["warmth"] == pytest.approx(warmth(picture))
    assert described["sharpness"] == pytest.approx(sharpness(luma))
    place = ("centroid_x", "centroid_y", "subject_size")
    assert tuple(described[name] for name in place) == pytest.approx(salient_region(luma))
    assert described["exposure"] == pytest.approx(exposure(luma))
    assert SAMPLED[: len(FEATURES)] == FEATURES
