"""From media files to a table of shots: one decoding pass a file, remembered in the cache.

Every file is divided into stretches (`segue.envs.film.stretches`), which are watched by as many
processes as there are processor cores; what they report is put together again, so the table does
not depend on how many they were. When the shots are known, the descriptions of single frames are
averaged over the early, middle and late third of each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from segue.envs.base.cache import cache_folder, file_digest
from segue.envs.base.errors import SegueError
from segue.envs.film.analysis_record import FilmRecord, remember, remembered, table_of
from segue.envs.film.analysis_worker import decoding, job_line, read_heard, read_watched, work
from segue.envs.film.gate import MediaError, MediaFacts, probe
from segue.envs.film.pooling import pool
from segue.envs.film.scratch import scratch_folder
from segue.envs.film.shot_detection import find_shots
from segue.envs.film.shots import ShotTable
from segue.envs.film.sound_features import sound_features
from segue.envs.film.stretches import WHOLE, Stretch, plan_stretches
from segue.envs.film.worker_pool import WorkerError, WorkerPool

SAMPLES_PER_SECOND = 8
MOST_SAMPLES = 30_000
"""Descriptions aimed at for one film, which bounds memory (about 210 MB) for films of hours."""

SECONDS_PER_WORKER = 15
"""Length of footage that is worth another process, which takes a second to start."""

MOST_WORKERS = 8

Progress = Callable[[float, str], None]
"""Called with the share done, in [0, 1], and what is being done."""


class AnalysisError(WorkerError):
    """An analysis failed for another reason than its footage."""

    died = (
        "An analysis worker ended unexpectedly (exit status {status}); a film may be damaged or "
        "memory have run out, so try the films one by one."
    )


@dataclass(frozen=True)
class _Task:
    """A film that is to be analysed.

    `parts` are the files in which the reports on its stretches will lie, `sound` that on its sound.
    """

    path: Path
    digest: str
    rate: Fraction
    expected: int
    stride: int
    stretches: tuple[Stretch, ...]
    parts: tuple[Path, ...]
    sound: Path

    @property
    def jobs(self) -> list[str]:
        lines = [job_line(self.path, self.sound, None, self.stride)]
        for stretch, part in zip(self.stretches, self.parts, strict=True):
            lines.append(job_line(self.path, part, stretch, self.stride))
        return lines

    @property
    def is_ready(self) -> bool:
        return all(part.exists() for part in (self.sound, *self.parts))


def analyse(
    paths: Sequence[Path],
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
) -> ShotTable:
    """Find and describe every shot of some films.

    Shots are disjoint and in order but need not touch: dissolves, fades and passages of even
    colour (black above all) belong to none, and shots under half a second are dropped (or, a
    flash inside one shot, joined to it). Pictures of other shapes than 16:9 are described, and
    their thumbnails drawn, stretched to it.

    Neither an exception nor Ctrl-C nor a kill leaves a process behind; films that were finished
    by then stay in the cache.

    Parameters
    ----------
    paths : sequence of Path
        The films; the same content twice counts once.
    cache : Path or None
        Folder that remembers analyses; None is the user's (`cache.cache_folder`).
    progress : callable or None
        Called about every second of film.
    workers : int or None
        Most processes to decode in, >= 1; 1 stays in this one. None is one a processor core, at
        most `MOST_WORKERS`. Short footage takes fewer.

    Returns
    -------
    ShotTable
        One row a shot, in order of file and time.

    Raises
    ------
    SegueError
        If no film is given, one cannot be read, has no picture or no shot, or the cache folder
        cannot be written to. An `AnalysisError` where a worker process failed for another reason.
    """
    if not paths:
        raise MediaError("No footage was given; name at least one film or folder of films.")
    if workers is not None and workers < 1:
        raise SegueError(f"Analysing with {workers} workers is not possible; give 1 or more.")
    folder = cache_folder(cache)
    tell = progress or _say_nothing
    films = _distinct(paths)
    found = {digest: remembered(folder, digest) for digest in films}
    records = {digest: record for digest, record in found.items() if record is not None}
    missing = {digest: facts for digest, facts in films.items() if digest not in records}
    if missing:
        records |= _analysed(missing, folder, tell, workers or _cores())
    tell(1.0, f"{sum(len(record.start) for record in records.values())} shots")
    return table_of({digest: facts.path for digest, facts in films.items()}, records)


def _distinct(paths: Sequence[Path]) -> dict[str, MediaFacts]:
    """Films by digest; of those with the same content the first."""
    films: dict[str, MediaFacts] = {}
    for path in paths:
        facts = probe(path)
        films.setdefault(file_digest(facts.path), facts)
    return films


def _analysed(
    films: Mapping[str, MediaFacts], cache: Path, tell: Progress, workers: int
) -> dict[str, FilmRecord]:
    """Records of films that the cache does not know, by digest."""
    try:
        with scratch_folder(cache) as scratch:
            return _Analyser(cache, scratch, tell).run(films, workers)
    except OSError as error:
        raise SegueError(
            f"The analysis broke off ({error}); see that the footage can be read and that "
            f"there is room in {cache}."
        ) from error


class _Analyser:
    """Analyses films that the cache does not know."""

    def __init__(self, cache: Path, scratch: Path, tell: Progress) -> None:
        self._cache, self._scratch, self._tell = cache, scratch, tell
        self._tasks: list[_Task] = []
        self._records: dict[str, FilmRecord] = {}

    def run(self, films: Mapping[str, MediaFacts], workers: int) -> dict[str, FilmRecord]:
        """Return their records by digest."""
        for number, (digest, facts) in enumerate(films.items()):
            self._tell(0.0, f"looking through {facts.path.name}")
            self._tasks.append(self._plan(facts, digest, number))
        seconds = sum(task.expected / task.rate for task in self._tasks)
        stretches = sum(len(task.stretches) for task in self._tasks)
        count = min(workers, stretches, max(int(seconds / SECONDS_PER_WORKER), 1))
        lines = [line for task in self._tasks for line in task.jobs]
        self._done = [0] * len(lines)
        if count == 1:
            for number, line in enumerate(lines):
                work(json.loads(line), partial(self._report, number))
        else:
            self._run_pool(lines, count)
        self._conclude_ready()
        return self._records

    def _run_pool(self, lines: list[str], count: int) -> None:
        module = "segue.envs.film.analysis_worker"
        try:
            with WorkerPool(count, self._scratch, module, AnalysisError) as workers:
                workers.start(lines)
                workers.finish(self._report)
        except AnalysisError as error:
            if error.worker_trace:
                raise
            raise MediaError(str(error)) from error

    def _plan(self, facts: MediaFacts, digest: str, number: int) -> _Task:
        with decoding(facts.path):
            stretches, expected = plan_stretches(facts.path)
        rate = facts.rate or Fraction(1)  # without picture the line above has said so
        if stretches == (WHOLE,):
            expected = max(expected, int((facts.seconds or 0.0) * rate))
        stride = max(round(rate / SAMPLES_PER_SECOND), expected // MOST_SAMPLES, 1)
        parts = tuple(self._scratch / f"film{number}-{k}.npz" for k in range(len(stretches)))
        sound = self._scratch / f"film{number}-sound.npz"
        return _Task(facts.path, digest, rate, expected, stride, stretches, parts, sound)

    def _report(self, job: int, frames: int) -> None:
        self._done[job] = max(frames, self._done[job])
        self._conclude_ready()
        share = sum(self._done) / max(sum(task.expected for task in self._tasks), 1)
        names = {task.path.name for task in self._tasks}
        what = names.pop() if len(names) == 1 else f"{len(names)} films"
        self._tell(min(share, 1.0), f"watching {what}")

    def _conclude_ready(self) -> None:
        """Make and remember the records of films whose parts are all there."""
        for task in self._tasks:
            if task.digest not in self._records and task.is_ready:
                record = self._conclude(task)
                remember(self._cache, task.digest, record)
                self._records[task.digest] = record

    def _conclude(self, task: _Task) -> FilmRecord:
        film = read_watched(list(task.parts))
        if film is None:
            line = job_line(task.path, task.parts[0], WHOLE, task.stride)
            work(json.loads(line), _ignore)
            film = read_watched([task.parts[0]])
        assert film is not None  # one part joins with itself
        heard = read_heard(task.sound)
        for part in (task.sound, *task.parts):
            part.unlink()
        count = len(film.evidence.signatures)
        if count < 2:
            raise MediaError(f"{task.path} has only {count} frame(s); give a film, not a picture.")
        shots = find_shots(film.evidence, task.rate)
        if not shots:
            raise MediaError(
                f"{task.path} holds no shot of half a second or more that shows something; give "
                "longer footage."
            )
        width, height, sound, _ = film.facts.tolist()
        rate = (task.rate.numerator, task.rate.denominator)
        pooled = pool(shots, film)
        edges = [(float(start / task.rate), float(stop / task.rate)) for start, stop in shots]
        return FilmRecord(
            facts=np.array((*rate, count, width, height, sound), np.int64),
            start=np.array([start for start, _ in shots], np.int32),
            frames=np.array([stop - start for start, stop in shots], np.int32),
            features=pooled.features,
            colours=pooled.colours,
            thumbnails=pooled.thumbnails,
            quality=pooled.quality,
            sound=np.array([sound_features(heard, *edge) for edge in edges], np.float32),
        )


def _cores() -> int:
    """Processor cores that this process may use, at most `MOST_WORKERS`."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), MOST_WORKERS)
    return min(os.cpu_count() or 1, MOST_WORKERS)


def _say_nothing(share: float, text: str) -> None:
    """Progress nobody wants to hear of."""


def _ignore(frames: int) -> None:
    """Frames nobody counts."""
