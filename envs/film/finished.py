"""From a finished edit back to its sources: which frames it was cut from, by picture alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.finished_alignment import Run, align
from segue.envs.film.finished_frames import Progress, Stills, stills
from segue.envs.film.finished_match import BLACK, Match
from segue.envs.film.finished_refinement import refine, whole
from segue.envs.film.finished_transitions import Blend, contrast_of, fade_length, find_blend
from segue.envs.film.human_edits import HumanEdit, Shot, Source

SURE = 0.6
"""Mean likeness that a run must reach to count as found."""

BLACK_SECONDS = 0.5
"""Black for at least so long is a shot of its own; less belongs to a fade."""

LONGEST_BLEND = 3.0
"""Seconds on each side of a cut that are searched for a dissolve or fade."""

PLAIN = 0.4
"""Share of the picture with detail below which what is in no source is a title."""

MOSTLY = 0.8
"""Share of the frames that must be black in a black shot."""

WATCHED = 0.8
"""Share of the progress bar for decoding."""


def match_finished(
    edit: Path,
    sources: Sequence[Path],
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> HumanEdit:
    """Find the frames that a finished edit was cut from.

    Parameters
    ----------
    edit : Path
        The finished film.
    sources : sequence of Path
        The films that it was cut from.
    cache : Path or None
        Folder that remembers decoded pictures; None is the user's.
    progress : callable or None
        Told the share done and what is being done.

    Returns
    -------
    HumanEdit
        Shots without gaps from the edit's first frame to its last. The cut of a dissolve lies in
        its middle; that of a fade through black in the middle of the black.

    Raises
    ------
    SegueError
        If no source is given or a film cannot be read.
    """
    if not sources:
        raise SegueError("No source is named; give the film that the edit was cut from.")
    tell = progress or (lambda share, text: None)
    paths = [Path(edit), *map(Path, dict.fromkeys(sources))]
    films: list[Stills] = []
    for number, path in enumerate(paths):

        def report(share: float, text: str, number: int = number) -> None:
            tell(WATCHED * (number + share) / len(paths), text)

        films.append(stills(path, cache=cache, progress=report))
    match = Match(films[0], films[1:])
    name = f"finding {paths[0].name} in its sources"
    runs = align(
        match.views, match.weight, lambda share: tell(WATCHED + (1 - WATCHED) * share, name)
    )
    runs = refine(runs, match.views, match.weight)
    if match.take_usual_speeds(runs):
        runs = refine(runs, match.views, match.weight)
    shots = _shots(match, _settled(match, runs))
    tell(1.0, f"{len(shots)} pieces")
    known = tuple(
        Source(film.path.name, str(film.path), film.rate, film.frames, film.width, film.height)
        for film in films[1:]
    )
    first = films[0]
    return HumanEdit(
        paths[0].stem, paths[0].name, first.rate, first.width, first.height, known, shots
    )


def _settled(match: Match, runs: Sequence[Run]) -> list[Run]:
    """Drop what is not sure, make longer black a run of its own, cut short black in the middle."""
    sure = _together(
        [run if match.likeness(run) >= SURE else replace(run, view=-1) for run in runs]
    )
    least = max(round(BLACK_SECONDS * match.edit.rate), 1)
    borders = {run.start: run for run in sure}
    for start, stop in _stretches(match.black):
        inside = [border for border in borders if start <= border <= stop]
        if stop - start >= least and not _is_black_itself(match, sure, start, stop):
            after = _run_at(sure, stop) if stop < match.edit.frames else None
            for border in inside:
                del borders[border]
            borders[start] = Run(start, stop, -1)
            if after is not None:
                borders[stop] = after.moved(stop)
        elif inside and start > 0 and stop < match.edit.frames:
            after = borders[max(inside)]
            for border in inside:
                del borders[border]
            darkest = start + np.flatnonzero(
                match.light[start:stop] == match.light[start:stop].min()
            )
            middle = int(darkest[len(darkest) // 2])
            borders[middle] = after.moved(middle)
    starts = sorted(borders)
    stops = [*starts[1:], match.edit.frames]
    return [replace(borders[at], stop=stop) for at, stop in zip(starts, stops, strict=True)]


def _together(runs: Sequence[Run]) -> list[Run]:
    """Neighbours without a source as one."""
    out: list[Run] = []
    for run in runs:
        if out and run.view < 0 and out[-1].view < 0:
            out[-1] = replace(out[-1], stop=run.stop)
        else:
            out.append(run)
    return out


def _run_at(runs: Sequence[Run], frame: int) -> Run:
    return next(run for run in runs if run.start <= frame < run.stop)


def _is_black_itself(match: Match, runs: Sequence[Run], start: int, stop: int) -> bool:
    """Tell whether the source is black there, too."""
    run = _run_at(runs, (start + stop) // 2)
    if run.view < 0:
        return False
    # Its own black need not be as even as the edit's, which was coded twice.
    light = match.supposed(run, np.arange(start, stop)).mean(axis=(1, 2))
    return bool(light.max() < 2 * BLACK)


def _stretches(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and behind the last of each stretch of true ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _shots(match: Match, runs: list[Run]) -> tuple[Shot, ...]:
    """Find the transitions between runs, and make the record of each."""
    reach = round(LONGEST_BLEND * match.edit.rate)
    blends: dict[int, Blend] = {}
    for number in range(1, len(runs)):
        left, right = runs[number - 1], runs[number]
        if left.view < 0 or right.view < 0:
            continue
        frames = np.arange(
            max(left.start, right.start - reach), min(right.stop, right.start + reach)
        )
        blend = find_blend(
            match.shown(frames),
            match.supposed(left, frames),
            match.supposed(right, frames),
            int(frames[0]),
            right.start,
        )
        if blend is not None:
            middle = min(max((blend.start + blend.stop) // 2, left.start + 1), right.stop - 1)
            runs[number - 1] = replace(left, stop=middle)
            runs[number] = right.moved(middle)
            blends[number] = blend
    runs = [
        run if run.view < 0 else whole(run, match.views[run.view], match.weight) for run in runs
    ]
    fades = [_fades(match, run, blends.get(k), blends.get(k + 1)) for k, run in enumerate(runs)]
    return tuple(
        _shot(match, run, blends.get(k), fades[k], fades[k - 1][1] if k else 0)
        for k, run in enumerate(runs)
    )


def _fades(
    match: Match, run: Run, entering: Blend | None, leaving: Blend | None
) -> tuple[int, int]:
    """Lengths of the fades at the two ends of a run; 0 where it dissolves."""
    if run.view < 0:
        return 0, 0
    frames = np.arange(run.start, run.stop)
    supposed = match.supposed(run, frames)
    contrast = contrast_of(match.shown(frames), supposed)
    usual = float(np.quantile(contrast, 0.75))
    contrast = contrast / usual if usual > 0 else np.ones(len(frames))
    # A source picture without detail, such as its own black, cannot tell how much of it is seen.
    contrast[supposed.reshape(len(frames), -1).std(axis=1) < 3.0] = 1.0
    reach = min(round(LONGEST_BLEND * match.edit.rate), len(frames))
    come = 0 if entering else fade_length(contrast[:reach][::-1])
    go = 0 if leaving else fade_length(contrast[len(frames) - reach :])
    return min(come, len(frames)), min(go, len(frames))


def _shot(
    match: Match, run: Run, blend: Blend | None, fades: tuple[int, int], fade_before: int
) -> Shot:
    """Make the record of one run."""
    transition, frames = "cut", 0
    if blend is not None:
        transition, frames = blend.kind, blend.stop - blend.start
    elif run.start and (fades[0] or fade_before):
        light = match.light[run.start - 1 : run.start + 1].mean() > 128
        transition = "fade_through_white" if light else "fade_through_black"
        frames = fades[0] + fade_before
    shot = Shot(
        _kind(match, run),
        run.start,
        run.stop - run.start,
        transition=transition,
        transition_frames=frames,
        fade_in=fades[0],
        fade_out=fades[1],
    )
    if run.view < 0:
        return shot
    framing = match.framings[run.view]
    source = match.sources[framing.source]
    return replace(
        shot,
        source=framing.source,
        in_point=min(max(int(run.first), 0), source.frames - 1),
        speed=run.ratio * match.edit.rate / source.rate,
        mirrored=framing.mirrored,
        confidence=round(min(max(match.likeness(run), 0.0), 1.0), 4),
    )


def _kind(match: Match, run: Run) -> str:
    """What a run shows, one of `segue.envs.film.human_edits.KINDS`."""
    if run.view >= 0:
        return "picture"
    if match.black[run.start : run.stop].mean() > MOSTLY:
        return "black"
    return "title" if np.median(match.weight[run.start : run.stop]) < PLAIN else "unknown"
