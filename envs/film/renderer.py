"""Renders an edit to an MP4 file.

The film is split in runs; processes render them to files of their own, and these are joined by
copying packets, with the sound coded once. Frames that neither an effect nor a transition touches
go from decoder to encoder as they are; effects are moviepy's; transitions work on YUV planes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av.error
from av.video.reformatter import Colorspace

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Edit
from segue.envs.film.effects import EFFECTS
from segue.envs.film.gate import open_media, require_audio, require_video
from segue.envs.film.joining import join
from segue.envs.film.pictures import colour_matrix
from segue.envs.film.plan import check_edit, split
from segue.envs.film.scratch import scratch_folder
from segue.envs.film.segment_worker import job_line
from segue.envs.film.segments import Coding
from segue.envs.film.soundtrack import is_heard, write_soundtrack
from segue.envs.film.worker_pool import RenderError, WorkerPool

RUNS_PER_WORKER = 3
"""More runs balance better; each costs a seek and a key frame."""

MOST_WORKERS = 8
"""Processes that a render takes unless more are asked for; each needs 100 to 200 MB."""

PREVIEW_HEIGHT = 360
"""Lines of a preview at most."""

PRESET, CRF = "veryfast", 20
"""x264's settings for a film."""

PREVIEW_PRESET, PREVIEW_CRF = "ultrafast", 28
"""x264's settings for a preview."""


def render(
    edit: Edit,
    path: Path,
    *,
    progress: Callable[[float], None] | None = None,
    workers: int | None = None,
    preview: bool = False,
) -> None:
    """Render an edit to H.264 and AAC in MP4.

    The file has exactly ``edit.frames`` frames and, where the edit has music, sound of the same
    length. It appears when it is complete; after an exception or Ctrl-C neither a file, a temporary
    folder nor a process is left, and an earlier file of that name is untouched. Memory does not
    grow with the film's length.

    Parameters
    ----------
    edit : Edit
        What to render.
    path : Path
        Where to; must end in ``.mp4``, its folder must exist.
    progress : callable or None
        Told the share that is done, from 0 to 1.
    workers : int or None
        Processes, >= 1; None takes `best_workers`.
    preview : bool
        True renders at most 360 lines, fast and coarse.

    Raises
    ------
    SegueError
        If the edit, a source or the place of the file is unfit. A `RenderError` also where
        rendering failed for another reason; its ``worker_trace`` tells more.
    """
    path = Path(path).absolute()
    if path.suffix.lower() != ".mp4" or path.is_dir():
        raise SegueError(f"{path} is not the name of an .mp4 file; choose one that is.")
    if workers is not None and workers < 1:
        raise SegueError(f"Rendering with {workers} workers is not possible; give 1 or more.")
    check_edit(edit)
    workers = workers or best_workers(edit)
    coding = _coding(edit, workers, preview)
    if preview:
        edit = _smaller(edit)
    try:
        with scratch_folder(path.parent) as folder:
            film = folder / "film.mp4"
            _render_into(film, edit, coding, workers, progress or _say_nothing)
            film.replace(path)
    except (OSError, av.error.FFmpegError) as error:
        raise RenderError(
            f"{path} could not be rendered ({error}); see that there is room to write it."
        ) from error
    if progress is not None:
        progress(1.0)


def best_workers(edit: Edit) -> int:
    """Processes that render an edit fastest on this machine.

    A worker's encoder and decoders run in threads of their own and keep two cores busy. Only
    effects that are drawn by moviepy, thus in Python, keep one busy, and are worth a worker each.
    """
    effects = [EFFECTS[cut.effect] for cut in edit.cuts]
    in_python = any(
        spec.draw is None and spec.speed == 1 for spec in effects if spec.name != "none"
    )
    return min(max(_cores() // (1 if in_python else 2), 1), MOST_WORKERS)


def _cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _render_into(
    film: Path, edit: Edit, coding: Coding, workers: int, tell: Callable[[float], None]
) -> None:
    """Render to a file, with everything temporary beside it."""
    tell(0.0)
    runs = split(edit, workers * RUNS_PER_WORKER if workers > 1 else 1)
    segments = [film.with_name(f"run{number:05d}.mp4") for number in range(len(runs))]
    sound = film.with_name("sound.mp4") if is_heard(edit) else None
    jobs = [
        job_line(edit, run, coding, segment) for run, segment in zip(runs, segments, strict=True)
    ]
    done = [0] * len(runs)

    def report(run: int, frames: int) -> None:
        done[run] = frames
        tell(0.99 * sum(done) / edit.frames)

    with WorkerPool(min(workers, len(runs)), film.parent) as pool:
        pool.start(jobs)
        if sound is not None:
            write_soundtrack(edit, sound)
        pool.finish(report)
    join(edit, segments, sound, film)


def _coding(edit: Edit, workers: int, preview: bool) -> Coding:
    """Choose how to code the picture, and see that every file can be opened."""
    matrices = []
    for source in dict.fromkeys(cut.source for cut in edit.cuts):
        with open_media(source) as container:
            stream = require_video(container)
            matrices.append(colour_matrix(stream.codec_context.colorspace, stream.height))
    if edit.music is not None:
        with open_media(edit.music) as container:
            require_audio(container)
    # Wide gamut and old NTSC matrices are brought to the two that every player knows.
    matrix = matrices[0] if matrices[0] == Colorspace.ITU601 else int(Colorspace.ITU709)
    # Three even on two cores, as x264 itself would have it, since some wait for others; more than
    # four gain little here and cost memory.
    threads = min(max(3, _cores() // workers), 4)
    if preview:
        return Coding(PREVIEW_PRESET, PREVIEW_CRF, threads, matrix)
    return Coding(PRESET, CRF, threads, matrix)


def _smaller(edit: Edit) -> Edit:
    """Scale the edit down to the size of a preview."""
    scale = min(1.0, PREVIEW_HEIGHT / edit.height)
    return replace(
        edit,
        width=max(2 * round(edit.width * scale / 2), 16),
        height=max(2 * round(edit.height * scale / 2), 16),
    )


def _say_nothing(share: float) -> None:
    """Progress nobody wants to hear of."""
