"""Where videos of `segue/Highlight-v0` come from: drawn ones, and those of analysed footage."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.shots import FEATURES, SOUND_FEATURES, ShotTable
from segue.envs.highlight.types import AHEAD, BINS, FAR, NONE_KEPT, SINCES, WINDOW, Bank, Video

MEDIAN_SECONDS, SPREAD = 4.0, 0.6
SHORTEST, LONGEST = 1.0, 20.0
"""Log-normal lengths of drawn shots, in seconds."""
PERSISTENCE = 0.8
"""Correlation of the importance of neighbouring shots."""
SCENES, LOOKS = 6, 12
"""Scenes that a drawn video goes back and forth between, and numbers that describe a look."""

MOST_UNITS = 4096
"""Units that a budget may have; more make the exact tables needlessly large."""


def draw_video(name: str, shots: int, generator: np.random.Generator) -> Video:
    """Draw a video: log-normal lengths, importance that wanders, scenes that come again.

    Importance lies between 1 and 5, the scale of TVSum's raters, and follows an autoregressive
    wave. Neighbouring shots often show the same scene, and look like it.
    """
    lengths = generator.lognormal(math.log(MEDIAN_SECONDS), SPREAD, shots).clip(SHORTEST, LONGEST)
    noise = generator.normal(0.0, 1.0, shots)
    wave = np.empty(shots)
    level = noise[0]
    for shot in range(shots):
        level = PERSISTENCE * level + math.sqrt(1.0 - PERSISTENCE**2) * noise[shot]
        wave[shot] = level
    scenes = generator.dirichlet(np.full(LOOKS, 0.4), SCENES)
    changes = np.concatenate(([True], generator.random(shots - 1) < 0.4))
    drawn = generator.integers(SCENES, size=shots)
    scene = drawn[np.maximum.accumulate(np.where(changes, np.arange(shots), 0))]
    own = generator.dirichlet(np.full(LOOKS, 0.4), shots)
    return Video(
        name=name,
        seconds=lengths,
        importance=1.0 + 4.0 / (1.0 + np.exp(-1.5 * wave)),
        features=np.sqrt(0.8 * scenes[scene] + 0.2 * own),
    )


def draw_videos(count: int, shots: int, seed: int) -> tuple[Video, ...]:
    """Draw `count` videos; those of a smaller count come first.

    Raises
    ------
    SegueError
        If there are to be no videos or no shots.
    """
    if count < 1 or shots < 1:
        raise SegueError(f"{count} videos of {shots} shots are none; give at least one of each.")
    return tuple(
        draw_video(f"drawn {index}", shots, np.random.default_rng([seed, index]))
        for index in range(count)
    )


def videos_from_footage(table: ShotTable) -> tuple[Video, ...]:
    """Make a video of each file of analysed footage, its importance guessed from features.

    Nobody rated it, so importance is the mean rank, within the file, of what such guesses use:
    motion, sharpness, loudness (where there is any sound), how well the shot stands for the file
    and how much it differs from its neighbours. Features are the colour histograms of the thirds.
    """
    motion, sharp = (FEATURES.index(name) for name in ("motion", "sharpness"))
    loud = SOUND_FEATURES.index("loudness")
    videos = []
    for index, footage in enumerate(table.footage):
        rows = np.flatnonzero(table.file == index)
        if not len(rows):
            continue
        seconds = table.frames[rows].astype(np.float64) / float(footage.rate)
        looks = table.colours[rows].reshape(len(rows), -1).astype(np.float64)
        cues = [table.features[rows, :, motion].mean(axis=1)]
        cues.append(table.features[rows, :, sharp].mean(axis=1))
        cues += [table.sound[rows, loud]] if table.sound[rows, loud].any() else []
        cues += [typicality(looks, seconds), _contrast(looks)]
        importance = np.mean([_rank(cue) for cue in cues], axis=0)
        videos.append(Video(footage.path.name, seconds, importance, looks))
    return tuple(videos)


def _rank(cue: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Rank of each value from above 0 to 1, equal ones alike."""
    _, inverse, counts = np.unique(cue, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts)[inverse] - (counts[inverse] - 1) / 2) / len(cue))


def _contrast(looks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean dissimilarity of each shot to the one before and the one after."""
    likeness = cosines(looks)
    count = len(looks)
    near = [
        [1.0 - likeness[shot, other] for other in (shot - 1, shot + 1) if 0 <= other < count]
        for shot in range(count)
    ]
    return np.array([np.mean(row) if row else 0.0 for row in near])


def cosines(features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cosine of the angle between the features of every two shots, (n, n)."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(length > 0.0, length, 1.0)
    return np.asarray((unit @ unit.T).clip(-1.0, 1.0))


def typicality(
    features: npt.NDArray[np.float64], seconds: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """How well each shot stands for the video; see `segue.rewards.highlight.Representativeness`.

    Of two unit vectors, the squared distance is twice 1 less their cosine. 0 without features.
    """
    if not features.shape[1]:
        return np.zeros(len(features))
    share = seconds / seconds.sum()
    return np.asarray(np.exp(-2.0 * (1.0 - cosines(features)) @ share))


def novelty(features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Dissimilarity of each shot to the one so many shots back, (n, SINCES).

    ``(1 - cos) / 2`` would be the distance of any vectors; the features of pictures are histograms,
    which are nowhere negative, so that 1 - cos itself lies in [0, 1]; beyond it is cut off. 0 where
    nothing was kept, 1 where the last one kept lies further back than WINDOW; 0 without features.
    """
    found = np.zeros((len(features), SINCES))
    if features.shape[1]:
        apart = (1.0 - cosines(features)).clip(0.0, 1.0)
        for back in range(1, WINDOW + 1):
            found[back:, back] = np.diagonal(apart, -back)
        found[:, FAR] = 1.0
        found[:, NONE_KEPT] = 0.0
    return found


def lay_out(videos: Sequence[Video], share: float, unit: float) -> Bank:
    """Lay out videos for the compiled rules.

    Parameters
    ----------
    videos : sequence of Video
        At least one.
    share : float
        Part of each video that may be kept, in (0, 1].
    unit : float
        Seconds in a unit of the budget. A shot's length is rounded up to whole units and the
        budget down, so that what is kept never exceeds the share.

    Raises
    ------
    SegueError
        If there is no video, the share or unit is out of range, or a budget has no unit or more
        than MOST_UNITS.
    """
    if not videos:
        raise SegueError("There is no video to summarise; give one or draw some.")
    if not 0.0 < share <= 1.0 or not unit > 0.0:
        raise SegueError(
            f"A budget of {share:g} in units of {unit:g} s cannot be filled; "
            "give a share in (0, 1] and a unit above 0."
        )
    budgets = [int(share * float(video.seconds.sum()) / unit + 1e-9) for video in videos]
    for video, budget in zip(videos, budgets, strict=True):
        if not 1 <= budget <= MOST_UNITS:
            raise SegueError(
                f"{share:g} of {video.name} ({video.seconds.sum():.1f} s) is {budget} units of "
                f"{unit:g} s; give a unit that makes it 1 to {MOST_UNITS}."
            )
    tables = [_shots(video, unit, share) for video in videos]
    shots = [len(video) for video in videos]
    costs = np.concatenate([table[:, 0] for table in tables])
    return Bank(
        videos=tuple(videos),
        starts=np.cumsum([0, *shots[:-1]]).astype(np.int64),
        budgets=np.array(budgets, dtype=np.int64),
        unit=unit,
        most_shots=max(shots),
        shot_table=np.concatenate(tables),
        value=np.concatenate([video.values for video in videos]),
        room=costs / np.repeat(budgets, shots),
        typicality=np.concatenate([typicality(v.features, v.seconds) for v in videos]),
        novelty=np.concatenate([novelty(video.features) for video in videos]),
    )


def _shots(video: Video, unit: float, share: float) -> npt.NDArray[np.int32]:
    """Rows of `Bank.shot_table`."""
    cost = np.ceil(video.seconds / unit - 1e-9).astype(np.int64)
    score = _binned(video.importance / video.importance.max())
    # A shot as long as half of the budget or longer is in the last bin but one: it fits hardly.
    length = _binned(video.seconds / (share * video.seconds.sum()) * 2.0)
    none = np.full(AHEAD, BINS)
    around = [np.concatenate((column, none)) for column in (score, length)]
    count = len(video)
    ahead = [column[shift : shift + count] for column in around for shift in range(AHEAD + 1)]
    typical = _binned(typicality(video.features, video.seconds))
    columns = (cost, np.full(count, count), *ahead, typical)
    return np.stack(columns, axis=1).astype(np.int32)


def _binned(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Bin of each value in [0, 1]; what is greater is in the last."""
    return np.asarray(np.minimum((values * BINS).astype(np.int64), BINS - 1))
