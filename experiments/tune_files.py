"""The files of a composed tune, and what TensorBoard shows of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from segue.envs.base.cache import file_digest
from segue.envs.film.sample_film import USER_LICENCE
from segue.envs.music.audio import default_soundfont, render_audio, write_sound
from segue.envs.music.midi import write_midi
from segue.envs.music.musicxml import write_musicxml
from segue.envs.music.piano_roll import write_piano_roll
from segue.envs.music.piano_roll_animation import write_animation
from segue.envs.music.score import write_score
from segue.experiments.compose import Composition
from segue.experiments.manifest import Source
from segue.experiments.progress import Tell
from segue.experiments.tensorboard import FRACTION, RETURN, Board


def write_tune(
    composition: Composition, folder: Path, tell: Tell, soundfont: Path | None = None
) -> dict[str, Path]:
    """Write a tune as music, sound, score and piano roll.

    Parameters
    ----------
    composition : Composition
        The tune.
    folder : Path
        Where the files go; it must exist.
    tell : callable
        Called with the share done and a text.
    soundfont : Path or None
        What plays it; None is `segue.envs.music.audio.default_soundfont`.

    Returns
    -------
    dict of str to Path
        By name: ``tune.mid``, ``tune.musicxml``, ``tune.wav``, ``tune.flac``, ``score.png``,
        ``score.svg``, ``piano_roll.png``, ``piano_roll.gif``.

    Raises
    ------
    SegueError
        If a file cannot be written, or the soundfont cannot be used.
    """
    tune = composition.tune
    tell(0.0, "playing the tune")
    sound, rate = render_audio(tune, soundfont)
    writers: dict[str, Callable[[Path], None]] = {
        "tune.mid": partial(write_midi, tune),
        "tune.musicxml": partial(write_musicxml, tune),
        **dict.fromkeys(("tune.wav", "tune.flac"), partial(write_sound, sound, rate)),
        **dict.fromkeys(("score.png", "score.svg"), partial(write_score, tune)),
        "piano_roll.png": partial(write_piano_roll, tune),
        "piano_roll.gif": partial(write_animation, tune),
    }
    for index, (name, write) in enumerate(writers.items()):
        tell(index / len(writers), f"writing {name}")
        write(folder / name)
    return {name: folder / name for name in writers}


def show_tune(board: Board, composition: Composition, folder: Path) -> None:
    """Put the learning curve, the scores and the piano roll, still and playing, on the board.

    Parameters
    ----------
    board : Board
        Gets them at the steps of the agent.
    composition : Composition
        The tune.
    folder : Path
        Where `write_tune` wrote.
    """
    last = composition.steps
    episodes, returns = composition.curve.T
    steps = np.rint(episodes * (last / episodes[-1])).astype(int)
    for step, value in zip(steps.tolist(), returns.tolist(), strict=True):
        board.scalars(step, {f"{RETURN}/tune": value})
    board.scalars(last, {f"{FRACTION}/tune": composition.fraction})
    board.terms(last, {f"tune/{name}": value for name, value in composition.terms.items()})
    scores = {
        composition.by: composition.value,
        "greedy": composition.greedy,
        "random": composition.random,
        "exact optimum": composition.optimum,
    }
    lines = [f"| {name} | {value:.3f} |" for name, value in scores.items()]
    board.text("tune/scores", "\n".join(["| policy | return |", "| --- | --- |", *lines]), last)
    roll = np.asarray(Image.open(folder / "piano_roll.png").convert("RGB"))
    board.picture("tune/piano_roll", roll, last)
    board.gif("tune/playing", (folder / "piano_roll.gif").read_bytes(), last)


def soundfont_source(soundfont: Path | None) -> Source:
    """Say whose sounds play a tune: the user's own, or those of the default soundfont.

    Raises
    ------
    SegueError
        If the file cannot be read.
    """
    if soundfont is not None:
        return Source(soundfont.name, USER_LICENCE, "", file_digest(soundfont))
    path = default_soundfont()
    whose = "Tim Brechbill; the sounds of the tune, not part of it"
    return Source(path.name, "GPL-2.0-only", whose, file_digest(path))
