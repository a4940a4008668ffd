"""What a person sees of an edit: the page, the board, the closing lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from segue.envs.base.atomic import atomic_path
from segue.envs.film.edit import Edit
from segue.envs.film.filmstrip import contact_frames, strip
from segue.envs.film.gate import open_media, require_video
from segue.experiments.compose import Composition
from segue.experiments.edit import EditResult
from segue.experiments.figures import learning_curve, term_bars
from segue.experiments.manifest import Source
from segue.experiments.report import CutRow, Report, ScoreRow, write_report
from segue.experiments.tensorboard import Board

PICTURE_WIDTH = 256
NEAR_BEAT = 0.07
"""Seconds within which a cut counts as on the beat (the usual tolerance of beat tracking)."""


def sources_of(result: EditResult, music: Sequence[Source]) -> list[Source]:
    """Everything that the film was made from."""
    footage = [
        Source(one.path.name, one.licence, one.attribution, one.digest)
        for one in result.table.footage
    ]
    return [*footage, *music]


def show_on_board(board: Board, result: EditResult, music: Path, step: int) -> None:
    """Put the timeline, its growth, the sound and the scores on the board."""
    board.picture("film/timeline", result.strip, step)
    board.animation("film/growing", result.growing, step, fps=4)
    if music.suffix.lower() == ".wav":
        board.sound("film/music", music, step)
    lines = [f"| {one.name} | {one.mean:.3f} |" for one in result.policies]
    table = "\n".join(["| policy | return |", "| --- | --- |", *lines])
    board.text("film/scores", f"{table}\n| bound | {result.bound:.3f} |", step)


def write_pictures(folder: Path, result: EditResult, film: Path) -> dict[str, Path]:
    """Write the timeline, frames of the film and the learning curve as files of their own."""
    frames = contact_frames(film, n=10, height=150)
    half = frames.shape[1] // 2
    two_rows = np.concatenate([frames[:, :half], frames[:, half : 2 * half]])
    paths = {name: folder / name for name in ("timeline.png", "frames.jpg", "learning-curve.svg")}
    with atomic_path(paths["timeline.png"]) as temporary:
        Image.fromarray(timeline_picture(result.edit, result.beat_frames, film)).save(temporary)
    with atomic_path(paths["frames.jpg"]) as temporary:
        Image.fromarray(two_rows).save(temporary, quality=88)
    with atomic_path(paths["learning-curve.svg"]) as temporary:
        temporary.write_text(_learning(result), encoding="utf-8")
    return paths


def timeline_picture(
    edit: Edit, beat_frames: npt.NDArray[np.int64], film: Path
) -> npt.NDArray[np.uint8]:
    """Draw the timeline with pictures out of the finished film."""
    lengths = [cut.frames for cut in edit.cuts]
    return strip(
        middle_frames(film, lengths),
        lengths,
        ["" if cut.effect == "none" else cut.effect.replace("_", " ") for cut in edit.cuts],
        transitions=[float(cut.transition_frames) for cut in edit.cuts],
        beats=beat_frames.tolist(),
        size=(1280, 150),
    )


def _learning(result: EditResult) -> str:
    lines = {one.name: one.mean for one in result.policies[1:]} | {"bound": result.bound}
    series = {"trained editor": (result.curve.steps, result.curve.returns)}
    return learning_curve(series, "steps", "return", lines)


def write_film_report(
    path: Path,
    result: EditResult,
    film: Path,
    music: Path,
    sources: Sequence[Source],
    command: str,
    composition: Composition | None = None,
) -> None:
    """Write the page about a film, and about its tune where segue composed it.

    `write_pictures` comes first: the page shows its ``timeline.png``.
    """
    edit = result.edit
    agent = result.policies[0]
    kept = (
        "cut from shots that the editor never trained on"
        if result.held_out
        else "cut from the shots that the editor trained on, since there were too few to hold out"
    )
    lead = (
        f"A film of {float(edit.seconds):.1f} s in {len(edit.cuts)} pieces, {kept}. On "
        f"{len(agent.returns)} test bins the trained editor reaches "
        f"{agent.mean / result.bound:.0%} of the upper bound."
    )
    rows = [
        ScoreRow(one.name, one.mean, *one.interval(), one.mean / result.bound, _note(one.returns))
        for one in result.policies
    ]
    bound = ScoreRow("upper bound", result.bound, result.bound, result.bound, 1.0, "relaxation")
    curves: list[tuple[str, str | bytes]] = [
        (
            "Return of the editor while it trains (on its training bins), with baselines and bound",
            _learning(result),
        ),
        (
            "What each reward term gives to each policy on the test bins",
            term_bars({one.name: one.terms for one in result.policies}),
        ),
    ]
    timeline = np.asarray(Image.open(path.with_name("timeline.png")).convert("RGB"))
    pictures = [("The timeline: pictures, beats, transitions and effects", timeline)]
    facts = _facts(result)
    if composition is not None:
        curves.append(_composition_curve(composition))
        facts |= _composition_facts(composition)
        score = Image.open(music.with_name("score.png")).convert("RGB")
        pictures.append(("The tune, composed by Q-learning", np.asarray(score)))
    write_report(
        path,
        Report(
            title=edit.title,
            lead=lead,
            facts=facts,
            scores=[*rows, bound],
            curves=curves,
            pictures=pictures,
            film=film,
            tune=music if music.parent == path.parent else None,
            cuts=_cut_rows(result, film),
            sources=sources,
            command=command,
        ),
    )


def _facts(result: EditResult) -> dict[str, str]:
    edit, errors = result.edit, result.beat_errors
    steps = result.curve.steps[-1] if result.curve.steps else 0
    return {
        "length": f"{edit.frames} frames, {float(edit.seconds):.2f} s at {float(edit.rate):g} fps",
        "picture": f"{edit.width} x {edit.height}",
        "cuts on beats": f"{int((errors <= NEAR_BEAT).sum())} of {len(errors)} within 70 ms, "
        f"farthest {1000 * errors.max(initial=0.0):.0f} ms",
        "shots analysed": f"{len(result.table)}",
        "training": "imitated the greedy editor on the training bins, then learnt from reward for "
        f"{steps:,} steps (MaskablePPO)",
        "interval": "95 % bootstrap over the test bins, one training seed",
    }


def _note(returns: npt.NDArray[np.float64]) -> str:
    return f"{len(returns)} test bins"


def _composition_curve(composition: Composition) -> tuple[str, str]:
    x, y = composition.curve[:, 0], composition.curve[:, 1]
    lines = {
        "optimum": composition.optimum,
        "greedy": composition.greedy,
        "random": composition.random,
    }
    svg = learning_curve({"Q-learning": (x, y)}, "episodes", "return of the tune", lines)
    return "Return of the tune while Q-learning composes it", svg


def _composition_facts(composition: Composition) -> dict[str, str]:
    tune = composition.tune
    return {
        "tune": f"{tune.title}, {tune.bars} bars at {tune.tempo:g} bpm",
        "return of the tune": f"{composition.value:.2f}, {composition.fraction:.4f} of the optimum "
        f"(greedy {composition.greedy:.2f}, random {composition.random:.2f})",
    }


def _cut_rows(result: EditResult, film: Path) -> list[CutRow]:
    """Rows of the table, with pictures out of the finished film."""
    rows, start = [], 0
    pictures = middle_frames(film, [cut.frames for cut in result.edit.cuts])
    for number, (cut, picture) in enumerate(zip(result.edit.cuts, pictures, strict=True), start=1):
        rows.append(
            CutRow(
                number=number,
                time=float(start / result.edit.rate),
                length=float(cut.frames / result.edit.rate),
                shot=cut.shot,
                effect=cut.effect,
                transition=cut.transition,
                thumbnail=picture,
                terms=cut.reward_terms,
            )
        )
        start += cut.frames
    return rows


def middle_frames(film: Path, lengths: Sequence[int]) -> list[npt.NDArray[np.uint8]]:
    """Picture of the middle of each piece of a finished film, PICTURE_WIDTH wide."""
    ends = np.cumsum(lengths)
    wanted = iter((ends - np.asarray(lengths) / 2).astype(int).tolist())
    pictures, following = [], next(wanted)
    with open_media(film) as container:
        stream = require_video(container)
        stream.thread_type = "AUTO"
        for number, frame in enumerate(container.decode(stream)):
            if number == following:
                height = round(PICTURE_WIDTH * frame.height / frame.width)
                small = frame.reformat(PICTURE_WIDTH, height, format="rgb24")
                pictures.append(np.asarray(small.to_ndarray(), dtype=np.uint8))
                following = next(wanted, -1)
    return pictures
