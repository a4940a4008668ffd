"""The contenders of the rendering benchmark, each in a process of its own, and what they take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Edit
from segue.envs.film.effects import EFFECTS
from segue.envs.film.plan import shown_frames
from segue.envs.film.renderer import CRF, PRESET, render
from segue.envs.film.segment_worker import edit_from_json, edit_to_json
from segue.experiments.ffmpeg_graph import build_ffmpeg_command

CONTENDERS = ("ffmpeg", "segue", "moviepy")

_SAMPLE_SECONDS = 0.03


@dataclass(frozen=True)
class Measured:
    """What one rendering took.

    Attributes
    ----------
    seconds : float
        Wall clock of the whole process, its start and its imports counted.
    cpu_seconds : float
        Of the process and all that it started.
    rss, pss : float
        Peak of the sum over the process tree in MB: resident memory, in which what processes share
        counts for each, and proportional memory, in which it counts once. NaN where the system
        has no ``/proc``.
    """

    seconds: float
    cpu_seconds: float
    rss: float
    pss: float


def measure(contender: str, edit: Edit, path: Path) -> Measured:
    """Render an edit with one of `CONTENDERS`.

    Raises
    ------
    SegueError
        If it fails.
    """
    job = json.dumps({"edit": edit_to_json(edit), "path": str(path)})
    if contender == "ffmpeg":
        command = build_ffmpeg_command(edit, path)
    else:
        command = [sys.executable, "-m", "segue.experiments.render_peers", contender]
    before = _children_cpu()
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    watch = _MemoryWatch(process.pid)
    _, said = process.communicate(job)
    seconds = time.perf_counter() - began
    rss, pss = watch.stop()
    if process.returncode:
        last = said.strip().splitlines()[-1:] or [""]
        raise SegueError(f"{contender} could not render the benchmark: {last[0]}")
    return Measured(seconds, _children_cpu() - before, rss, pss)


def compose_with_moviepy(edit: Edit, path: Path) -> None:
    """Render as a moviepy user would: one film opened once, one composite of all pieces."""
    from moviepy import CompositeVideoClip, VideoFileClip, afx, vfx

    film = VideoFileClip(str(edit.cuts[0].source))
    pieces = []
    at = 0
    for number, cut in enumerate(edit.cuts):
        shown = shown_frames(edit, number)
        first = cut.in_point / cut.source_rate + shown.start / edit.rate
        piece = film.subclipped(float(first), float(first + len(shown) / edit.rate))
        effect = EFFECTS[cut.effect].build(piece.duration)
        effects: list[Any] = [] if effect is None else [effect]
        before = float(cut.transition_frames / edit.rate)
        following = edit.cuts[number + 1 : number + 2]
        after = float(following[0].transition_frames / edit.rate) if following else 0.0
        if before:
            effects += [vfx.CrossFadeIn(before), afx.AudioFadeIn(before)]
        if after:
            effects.append(afx.AudioFadeOut(after))
        start = float((at + shown.start) / edit.rate)
        pieces.append(piece.with_effects(effects).with_start(start))
        at += cut.frames
    composite = CompositeVideoClip(pieces, size=(edit.width, edit.height))
    composite.write_videofile(
        str(path),
        fps=float(edit.rate),
        codec="libx264",
        preset=PRESET,
        audio_codec="aac",
        ffmpeg_params=["-crf", str(CRF)],
        temp_audiofile_path=str(path.parent),
        logger=None,
    )


class _MemoryWatch:
    """Watches the memory of a process and all below it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peaks = [0.0, 0.0]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> tuple[float, float]:
        """Return the peaks of RSS and PSS."""
        self._over.set()
        self._thread.join()
        rss, pss = (peak or float("nan") for peak in self._peaks)
        return rss, pss

    def _watch(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            parts = [_memory(pid) for pid in _tree(self._pid)]
            for kind, value in enumerate(map(sum, zip(*parts, strict=True))):
                self._peaks[kind] = max(self._peaks[kind], value)


def _tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    pids = [pid]
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                pids += _tree(int(child))
    except OSError:
        pass
    return pids


def _memory(pid: int) -> tuple[float, float]:
    """Resident and proportional memory in MB; nothing for a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    found = {line.split(":")[0]: line.split()[1] for line in lines if line.endswith("kB")}
    return int(found.get("Rss", 0)) / 1024, int(found.get("Pss", 0)) / 1024


def _children_cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


def main() -> None:
    """Render what standard input asks for, with the contender that is named."""
    job = json.loads(sys.stdin.read())
    edit, path = edit_from_json(job["edit"]), Path(job["path"])
    if sys.argv[1] == "moviepy":
        compose_with_moviepy(edit, path)
    else:
        render(edit, path)


if __name__ == "__main__":
    main()
