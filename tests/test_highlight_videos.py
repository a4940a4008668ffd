"""Where the videos of `segue/Highlight-v0` come from, how they are checked, and its picture."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.film.shots import (
    COLOURS,
    FEATURES,
    SOUND_FEATURES,
    THIRDS,
    THUMBNAIL,
    Footage,
    ShotTable,
)
from segue.envs.highlight.env import Highlight, HighlightEnv
from segue.envs.highlight.generator import draw_videos, videos_from_footage
from segue.envs.highlight.types import Video
from segue.rewards.highlight import HIGHLIGHT

Floats = npt.NDArray[np.float64]

# --- videos ------------------------------------------------------------------------------------


def test_drawn_videos_are_repeatable_and_held_out_ones_differ() -> None:
    one, again, other = (draw_videos(count, 30, seed) for count, seed in ((5, 0), (3, 0), (5, 1)))
    for left, right in zip(one, again, strict=False):
        np.testing.assert_array_equal(left.importance, right.importance)
        np.testing.assert_array_equal(left.features, right.features)
    lengths = {tuple(video.seconds) for video in (*one, *other)}
    assert len(lengths) == 10
    correlation = np.mean(
        [np.corrcoef(v.importance[1:], v.importance[:-1])[0, 1] for v in draw_videos(40, 60, 2)]
    )
    assert correlation > 0.5
    assert len(Highlight(videos=2, shots=7).bank.videos[0]) == 7


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"videos": 0}, "0 videos of 40 shots"),
        ({"videos": []}, "no video"),
        ({"budget": 0.0}, "share in"),
        ({"budget": 1.2}, "share in"),
        ({"unit": 0.0}, "unit above 0"),
        ({"unit": 1e4}, "is 0 units"),
        ({"unit": 1e-5}, "make|makes it 1 to"),
    ],
)
def test_wrong_arguments_are_told(options: dict[str, object], words: str) -> None:
    with pytest.raises(SegueError, match=words):
        HighlightEnv(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "importance", "features"),
    [
        (np.ones(3), np.ones(2), np.ones((3, 1))),
        (np.ones(3), np.ones(3), np.ones((2, 1))),
        (np.ones(0), np.ones(0), np.ones((0, 1))),
        (np.array([1.0, 0.0]), np.ones(2), np.ones((2, 1))),
        (np.array([1.0, np.nan]), np.ones(2), np.ones((2, 1))),
        (np.ones(2), np.array([1.0, -1.0]), np.ones((2, 1))),
        (np.ones(2), np.zeros(2), np.ones((2, 1))),
    ],
)
def test_a_video_is_checked(seconds: Floats, importance: Floats, features: Floats) -> None:
    with pytest.raises(SegueError):
        Video("wrong", seconds, importance, features)


def shot_table(loud: bool) -> ShotTable:
    generator, files = np.random.default_rng(0), np.repeat([0, 1], [6, 4]).astype(np.int32)
    count = len(files)
    features = generator.random((count, THIRDS, len(FEATURES))).astype(np.float32)
    sound = np.zeros((count, len(SOUND_FEATURES)), np.float32)
    sound[3, SOUND_FEATURES.index("loudness")] = 0.9 * loud
    footage = tuple(
        Footage(Path(name), name, Fraction(24), 600, 320, 180, True, "CC0-1.0", "nobody")
        for name in ("a.mp4", "b.mp4")
    )
    return ShotTable(
        footage=footage,
        file=files,
        start=np.arange(count, dtype=np.int32) * 48,
        frames=np.full(count, 48, np.int32),
        features=features,
        colours=np.full((count, THIRDS, COLOURS), COLOURS**-0.5, np.float32),
        thumbnails=np.zeros((count, THIRDS, *THUMBNAIL, 3), np.uint8),
        sound=sound,
    )


def test_videos_of_footage_rank_its_features() -> None:
    silent, loud = (videos_from_footage(shot_table(loud)) for loud in (False, True))
    assert [(video.name, len(video)) for video in silent] == [("a.mp4", 6), ("b.mp4", 4)]
    for video in (*silent, *loud):
        assert video.seconds.tolist() == [2.0] * len(video)
        assert (video.importance > 0.0).all()
        assert (video.importance <= 1.0).all()
    motion = shot_table(False).features[:6, :, FEATURES.index("motion")].mean(axis=1)
    sharp = shot_table(False).features[:6, :, FEATURES.index("sharpness")].mean(axis=1)
    ranks = [np.argsort(np.argsort(cue)) + 1.0 for cue in (motion, sharp)]
    # All look alike, so that the other two cues tie: a mean rank of 3.5 of 6.
    assert silent[0].importance == pytest.approx((ranks[0] + ranks[1] + 7.0) / 4 / 6)
    others = [i for i in range(6) if i != 3]
    assert loud[0].importance[3] > loud[0].importance[others].mean()
    env = HighlightEnv(videos=silent, budget=0.5)
    env.reset(seed=0)
    assert env.optimum() > 0.0


# --- picture -----------------------------------------------------------------------------------


def test_the_picture_shows_what_is_kept() -> None:
    env = HighlightEnv(videos=2, render_mode="rgb_array", budget=0.5)
    env.reset(seed=0)
    orange, pictures = [], []
    for action in (0, 0, 1, 1, 0):
        pictures.append(env.render())
        orange.append(int((pictures[-1] == (255, 176, 59)).all(axis=2).sum()))
        env.step(action)
    assert orange[0] == orange[1] == orange[2] == 0 < orange[3] < orange[4]
    assert not any(np.array_equal(here, there) for here, there in pairwise(pictures))
    assert set(HIGHLIGHT.names) == {"importance", "diversity", "representativeness", "legality"}
