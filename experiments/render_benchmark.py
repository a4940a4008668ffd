"""How long rendering takes and how much memory, beside what others need for the same film.

The yardsticks are one ffmpeg process with one filter graph (`segue.experiments.ffmpeg_graph`) and
one moviepy composite. By hand::

    python -m segue.experiments.render_benchmark FILM

renders ten pieces of two seconds with nine dissolves and their own sound, plain and with an effect
on every piece, and prints a table.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.gate import frame_rate, open_media, require_video
from segue.envs.film.renderer import render
from segue.experiments.ffmpeg_graph import build_ffmpeg_command
from segue.experiments.render_peers import CONTENDERS, Measured, measure

PATTERN = (
    *("none", "colour_boost", "none", "none", "black_and_white", "none", "slow_motion", "none"),
    *("zoom_in", "none", "none", "mirror", "none", "fade_in", "none", "none", "none", "fade_out"),
)
"""Effects of `sample_edit`: a third of the pieces."""

TRANSITION_AT = {3: "dissolve", 7: "wipe", 10: "fade_through_black", 14: "dissolve"}
"""Transitions of `sample_edit`, by piece."""

TRANSITION_FRAMES = 12

ROW_EFFECTS = (
    *("colour_boost", "zoom_in", "vignette", "mirror", "warm"),
    *("sharpen", "black_and_white", "zoom_out", "sepia", "fade_out"),
)
"""Effects of `row_edit`, one on every piece."""

ROW_PIECES, ROW_SECONDS = 10, 2


def sample_edit(film: Path, *, width: int = 1280, height: int = 720) -> Edit:
    """Make an edit of 18 pieces and about 29 s out of a film of at least a minute.

    Parameters
    ----------
    film : Path
        A film with sound.
    width, height : int
        Size in pixels.

    Raises
    ------
    SegueError
        If the film cannot be read or is too short.
    """
    rate, total, _ = _facts(film)
    if total < 60 * rate:
        raise SegueError(f"{film} is shorter than a minute; give a longer film.")
    step = (total - 4 * int(rate)) // len(PATTERN)
    cuts = []
    for number, effect in enumerate(PATTERN):
        transition = TRANSITION_AT.get(number, "cut")
        cuts.append(
            Cut(
                source=film,
                source_rate=rate,
                source_frames=total,
                in_point=int(rate) + number * step,
                frames=30 + number * 7 % 21,
                speed=Fraction(1, 2) if effect == "slow_motion" else Fraction(1),
                effect=effect,
                transition=transition,
                transition_frames=0 if transition == "cut" else TRANSITION_FRAMES,
                shot=f"piece {number + 1}",
            )
        )
    return Edit("render benchmark", rate, width, height, tuple(cuts), film, 30.0)


def row_edit(film: Path, *, effects: bool = False) -> Edit:
    """Make the edit of the table: ten pieces of two seconds, nine dissolves, their own sound.

    Parameters
    ----------
    film : Path
        A film with sound, of at least half a minute.
    effects : bool
        With an effect on every piece.

    Raises
    ------
    SegueError
        If the film cannot be read or is too short.
    """
    rate, total, (width, height) = _facts(film)
    frames = round(ROW_SECONDS * rate)
    step = (total - frames - 2 * TRANSITION_FRAMES) // ROW_PIECES
    if step < frames:
        raise SegueError(f"{film} is shorter than half a minute; give a longer film.")
    cuts = tuple(
        Cut(
            source=film,
            source_rate=rate,
            source_frames=total,
            in_point=TRANSITION_FRAMES + number * step,
            frames=frames,
            speed=Fraction(1),
            effect=ROW_EFFECTS[number] if effects else "none",
            transition="dissolve" if number else "cut",
            transition_frames=TRANSITION_FRAMES if number else 0,
            shot=f"piece {number + 1}",
        )
        for number in range(ROW_PIECES)
    )
    return Edit("render benchmark", rate, width, height, cuts, source_gain=1.0)


def compare_with_ffmpeg(edit: Edit, folder: Path) -> dict[str, float]:
    """Render the edit with segue and with one ffmpeg process, one after the other.

    Parameters
    ----------
    edit : Edit
        What to render.
    folder : Path
        Where the two films are written for a moment.

    Returns
    -------
    dict
        ``segue_seconds``, ``ffmpeg_seconds`` (wall), ``ratio`` (segue / ffmpeg), ``film_seconds``,
        ``segue_frames``, ``ffmpeg_frames``, ``segue_bytes`` and ``ffmpeg_bytes``.

    Raises
    ------
    SegueError
        If the edit cannot be rendered or ffmpeg fails.
    """
    with tempfile.TemporaryDirectory(prefix="segue-bench-", dir=folder) as name:
        ours, theirs = Path(name) / "segue.mp4", Path(name) / "ffmpeg.mp4"
        command = build_ffmpeg_command(edit, theirs)
        began = time.perf_counter()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        ffmpeg_seconds = time.perf_counter() - began
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise SegueError(f"ffmpeg could not render the benchmark: {said[-1] if said else ''}")
        began = time.perf_counter()
        render(edit, ours)
        segue_seconds = time.perf_counter() - began
        return {
            "segue_seconds": segue_seconds,
            "ffmpeg_seconds": ffmpeg_seconds,
            "ratio": segue_seconds / ffmpeg_seconds,
            "film_seconds": float(edit.seconds),
            "segue_frames": float(_count_frames(ours)),
            "ffmpeg_frames": float(_count_frames(theirs)),
            "segue_bytes": float(ours.stat().st_size),
            "ffmpeg_bytes": float(theirs.stat().st_size),
        }


def _count_frames(path: Path) -> int:
    """Count a film's pictures by its packets."""
    with open_media(path) as container:
        return sum(packet.pts is not None for packet in container.demux(require_video(container)))


def _facts(film: Path) -> tuple[Fraction, int, tuple[int, int]]:
    """Rate, frames and even size of a film."""
    with open_media(film) as container:
        stream = require_video(container)
        rate = frame_rate(stream)
        seconds = Fraction(stream.duration or 0) * (stream.time_base or 0)
        seconds = seconds or Fraction(container.duration or 0, 1_000_000)
        return rate, int(seconds * rate), (stream.width // 2 * 2, stream.height // 2 * 2)


@dataclass(frozen=True)
class Row:
    """One contender's figures.

    Attributes
    ----------
    film : str
        ``"plain"`` or ``"effects"``.
    contender : str
        Who rendered it.
    measured : Measured
        What it took.
    frames : int
        Pictures in its file.
    """

    film: str
    contender: str
    measured: Measured
    frames: int


def measure_rows(film: Path, folder: Path, tell: Callable[[str], None]) -> list[Row]:
    """Render the table's films with every contender, one process after the other.

    moviepy renders the plain film only; with effects it takes as long and a little more.
    """
    rows = []
    for kind in ("plain", "effects"):
        for contender in CONTENDERS:
            if kind == "effects" and contender == "moviepy":
                continue
            tell(f"{kind}: {contender}")
            with tempfile.TemporaryDirectory(prefix="segue-bench-", dir=folder) as name:
                path = Path(name) / "film.mp4"
                measured = measure(contender, row_edit(film, effects=kind == "effects"), path)
                rows.append(Row(kind, contender, measured, _count_frames(path)))
    return rows


def row_table(rows: Sequence[Row], stated: int) -> str:
    """Write the rows as a Markdown table; ratios are to ffmpeg's row of the same film."""
    lines = [
        f"{stated} frames stated. Memory is the peak of the sum over the process tree.",
        "",
        "| film | renderer | wall s | / ffmpeg | CPU s | / ffmpeg | peak RSS, PSS MB | frames |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        peer = next(r.measured for r in rows if r.film == row.film and r.contender == "ffmpeg")
        own = row.measured
        lines.append(
            f"| {row.film} | {row.contender} | {own.seconds:.1f} | "
            f"{own.seconds / peer.seconds:.2f} | {own.cpu_seconds:.1f} | "
            f"{own.cpu_seconds / peer.cpu_seconds:.2f} | {own.rss:.0f}, {own.pss:.0f} | "
            f"{row.frames} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Rendering beside ffmpeg and moviepy.")
    parser.add_argument("film", type=Path, help="a film with sound, of half a minute or more")
    film = parser.parse_args().film
    with tempfile.TemporaryDirectory(prefix="segue-bench-") as folder:
        rows = measure_rows(film, Path(folder), print)
    print(row_table(rows, row_edit(film).frames))


if __name__ == "__main__":
    main()
