"""Scenes from footage: several files that run in sync, or virtual cameras cut out of one take.

How well a camera sees the action is estimated, not known: see `segue.envs.multicam.estimates`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.gate import film_files
from segue.envs.film.shots import THUMBNAIL
from segue.envs.multicam.estimates import (
    Series,
    View,
    actions,
    loudness,
    similarity,
    synchronised,
    virtual,
)
from segue.envs.multicam.framings import FRAMINGS
from segue.envs.multicam.generator import ORIENT_SECONDS, TOPIC_SECONDS, ranked
from segue.envs.multicam.types import (
    LEVELS,
    MOST_CAMERAS,
    MOST_STEPS,
    SIZE_WORTH,
    SIZES,
    Camera,
    Scene,
    Source,
)
from segue.envs.multicam.watching import (
    SAMPLES_PER_SECOND,
    SAMPLES_PER_THUMBNAIL,
    Progress,
    Watched,
    watch,
)

SMOOTH_SECONDS = 2.0
"""The emphasis follows the action this slowly."""
FEWEST_STEPS = 10
"""A scene from what footage is left after the others has at least so many steps."""
MOMENTS = 16
"""Thumbnails of a scene."""

Floats = npt.NDArray[np.float64]


def scenes_from_footage(
    footage: Path | str | Sequence[Path | str],
    *,
    steps: int = 120,
    seconds: float = 0.5,
    starts: Sequence[float] | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> tuple[Scene, ...]:
    """Make scenes of footage, one after the other.

    Several files are the cameras. One file becomes virtual cameras, crops of its picture
    (`segue.envs.multicam.framings`), and the note of each scene says so.

    Parameters
    ----------
    footage : path or sequence of paths
        A file, a folder of files, or files.
    steps : int
        Length of a scene; the last one may be shorter.
    seconds : float
        Of a step.
    starts : sequence of float or None
        Second of each file at which the event begins; None is 0 for all: the files were started
        together.
    cache : Path or None
        Folder that remembers what was seen; None is the user's.
    progress : callable or None
        Called with the share done and what is being done.

    Raises
    ------
    SegueError
        If a file cannot be used, the files share too little time, or a number is out of range.
    """
    listed = [footage] if isinstance(footage, Path | str) else list(footage)
    paths = [path for entry in listed for path in film_files(entry)]
    offsets = [0.0] * len(paths) if starts is None else [float(start) for start in starts]
    step = Fraction(seconds).limit_denominator(1000)
    _check(paths, offsets, steps, step)
    watched = _watch_all(paths, cache, progress)
    total = _steps_in_common(paths, watched, offsets, step)
    series = [
        Series(one, offset, total, float(step))
        for one, offset in zip(watched, offsets, strict=True)
    ]
    views = virtual(series[0]) if len(paths) == 1 else synchronised(series, paths)
    note = f"virtual cameras: crops of one take, {paths[0].name}" if len(paths) == 1 else ""
    if progress:
        progress(1.0, note or f"{len(paths)} cameras")
    sources = [
        _source(path, one, offset)
        for path, one, offset in zip(paths, watched, offsets, strict=True)
    ]
    return _cut_up(paths[0].stem, series, views, sources, steps, step, note)


def _watch_all(
    paths: Sequence[Path], cache: Path | None, progress: Progress | None
) -> list[Watched]:
    watched = []
    for number, path in enumerate(paths):

        def report(share: float, text: str, number: int = number) -> None:
            if progress:
                progress((number + share) / len(paths), text)

        watched.append(watch(path, cache=cache, progress=report))
    return watched


def _steps_in_common(
    paths: Sequence[Path], watched: Sequence[Watched], offsets: Sequence[float], step: Fraction
) -> int:
    """Steps that all files show, or SegueError where there are too few."""
    seconds = min(one.seconds - offset for one, offset in zip(watched, offsets, strict=True))
    steps = int(seconds / step)
    if steps < FEWEST_STEPS:
        raise SegueError(
            f"The footage ({', '.join(path.name for path in paths)}) has {max(seconds, 0.0):.1f} "
            f"s in common; give files that share at least {float(FEWEST_STEPS * step):g} s."
        )
    return steps


def _cut_up(
    title: str,
    series: Sequence[Series],
    views: Sequence[View],
    sources: Sequence[Source],
    steps: int,
    step: Fraction,
    note: str,
) -> tuple[Scene, ...]:
    """Cut the footage into scenes of `steps` steps."""
    shown = np.stack([view.shown for view in views], axis=1)
    worth = np.clip(shown, 0.0, 1.0) * np.array([SIZE_WORTH[view.size] for view in views])
    levels = np.rint(worth * (LEVELS - 1)).astype(np.int8)
    energy = actions(series) + loudness(series)
    wave = _smoothed(energy.sum(axis=1), float(step))
    emphasis, alike = ranked(wave, SIZES), similarity(views, series)
    scenes = []
    for begin in range(0, len(levels), steps):
        here = slice(begin, min(begin + steps, len(levels)))
        if here.stop - here.start < min(FEWEST_STEPS, steps):
            break
        later = [_later(source, float(begin * step)) for source in sources]
        cameras = tuple(
            Camera(view.name, view.size, later[view.file], view.framing) for view in views
        )
        scenes.append(
            Scene(
                title=f"{title} from {float(begin * step):g} s",
                seconds=step,
                cameras=cameras,
                levels=levels[here],
                emphasis=emphasis[here],
                orients=_orients(here.stop - here.start, float(step)),
                similarity=alike,
                thumbnails=_thumbnails(views, series, here, float(step)),
                note=note,
            )
        )
    return tuple(scenes)


def _check(paths: Sequence[Path], starts: Sequence[float], steps: int, step: Fraction) -> None:
    """Refuse numbers that make no scene."""
    if not 1 <= len(paths) <= MOST_CAMERAS:
        raise SegueError(f"{len(paths)} files were given; give 1 to {MOST_CAMERAS} cameras.")
    if len(starts) != len(paths) or min(starts) < 0.0:
        raise SegueError(
            f"starts has {len(starts)} numbers for {len(paths)} files; give one of 0 s or more for "
            "each."
        )
    if not 1 <= steps <= MOST_STEPS or not step > 0:
        raise SegueError(
            f"A scene of {steps} steps of {float(step):g} s cannot be made; give 1 to {MOST_STEPS} "
            "steps and a length above 0."
        )


def _source(path: Path, watched: Watched, start: float) -> Source:
    frames, width, height = watched.facts[2:5].tolist()
    return Source(path, watched.rate, frames, width, height, start, watched.has_sound)


def _later(source: Source, seconds: float) -> Source:
    return replace(source, start=source.start + seconds)


def _smoothed(values: Floats, step: float) -> Floats:
    """Moving average of values (steps,) over `SMOOTH_SECONDS`."""
    window = np.ones(max(1, min(len(values), round(SMOOTH_SECONDS / step))))
    weight = np.convolve(np.ones(len(values)), window, mode="same")
    return np.convolve(values, window, mode="same") / weight


def _orients(steps: int, step: float) -> npt.NDArray[np.bool_]:
    """Where the audience needs to be oriented, (steps,): at the start, and again after a while."""
    at = np.arange(steps) * step
    return np.asarray(at % TOPIC_SECONDS < ORIENT_SECONDS)


def _thumbnails(
    views: Sequence[View], series: Sequence[Series], here: slice, step: float
) -> npt.NDArray[np.uint8]:
    """Pictures of each camera at `MOMENTS` moments of a scene, (MOMENTS, cameras, h, w, 3)."""
    height, width = THUMBNAIL
    found = np.zeros((MOMENTS, len(views), height, width, 3), dtype=np.uint8)
    for moment in range(MOMENTS):
        seconds = (here.start + (here.stop - here.start) * moment / MOMENTS) * step
        for lane, view in enumerate(views):
            one, framing = series[view.file], FRAMINGS[view.framing]
            place = int((one.start + seconds) * SAMPLES_PER_SECOND) // SAMPLES_PER_THUMBNAIL
            whole = one.watched.thumbnails[min(place, len(one.watched.thumbnails) - 1)]
            top, left = round(framing.top * height), round(framing.left * width)
            down, across = round(framing.share * height), round(framing.share * width)
            part = np.ascontiguousarray(whole[top : top + down, left : left + across])
            found[moment, lane] = cv2.resize(part, (width, height))
    return found
