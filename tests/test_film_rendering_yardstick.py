"""The yardsticks of the rendering benchmark."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from film_footage import (
    LENGTH,
    RATE,
    clicks,
    cut,
    edit_of,
    lumas,
    mixed_edit,
    number_of,
    numbered,
    pictures,
    write_film,
    write_sounding_film,
)

from segue.envs.base.errors import SegueError
from segue.envs.film.effects import EFFECTS
from segue.envs.film.transitions import TRANSITIONS
from segue.experiments.ffmpeg_graph import build_ffmpeg_command
from segue.experiments.render_benchmark import Row, compare_with_ffmpeg, row_edit, row_table
from segue.experiments.render_peers import CONTENDERS, Measured, measure


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "numbered.mp4"
    write_film(path, numbered(LENGTH), RATE)
    return path


def test_the_yardstick_renders_the_same_film(film: Path, tmp_path: Path) -> None:
    edit = replace(mixed_edit(film), music=None)
    command = build_ffmpeg_command(edit, tmp_path / "film.mp4")
    assert command[-1] == str(tmp_path / "film.mp4")
    told = compare_with_ffmpeg(edit, tmp_path)
    assert told["segue_frames"] == told["ffmpeg_frames"] == edit.frames
    assert told["ratio"] == told["segue_seconds"] / told["ffmpeg_seconds"]
    assert list(tmp_path.iterdir()) == []
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    ours = [y for y, _, _ in pictures(edit)]
    for at in (5, 35, 50, 80, 110, 135, 153):  # outside transitions
        assert number_of(lumas(tmp_path / "film.mp4")[at]) == number_of(ours[at])


def test_ffmpegs_graph_knows_every_effect_and_transition(film: Path, tmp_path: Path) -> None:
    drawn = [name for name, spec in EFFECTS.items() if spec.draw]
    joins = [name for name, spec in TRANSITIONS.items() if spec.blend]
    cuts = [cut(film, 10, 12)]
    for number, effect in enumerate(drawn):
        transition = joins[number % len(joins)]
        cuts.append(cut(film, 20, 12, effect=effect, transition=transition, transition_frames=4))
    edit = edit_of(*cuts)
    assert {piece.transition for piece in edit.cuts} == {"cut", *joins}
    subprocess.run(
        build_ffmpeg_command(edit, tmp_path / "film.mp4"), check=True, stdin=subprocess.DEVNULL
    )
    assert len(lumas(tmp_path / "film.mp4")) == edit.frames


def test_every_contender_renders_picture_and_sound(tmp_path: Path) -> None:
    source = tmp_path / "source.mkv"
    write_sounding_film(source, clicks(4.0), frames=96)
    edit = edit_of(
        cut(source, 10, 24, source_frames=96),
        cut(source, 60, 24, source_frames=96, transition="dissolve", transition_frames=4),
        source_gain=1.0,
    )
    for contender in CONTENDERS:
        path = tmp_path / f"{contender}.mp4"
        measured = measure(contender, edit, path)
        assert measured.seconds > 0
        assert measured.cpu_seconds > 0
        assert measured.rss >= measured.pss > 0
        shown = lumas(path)
        assert len(shown) == 48
        assert [number_of(shown[at]) for at in (3, 20, 30, 45)] == [13, 30, 66, 81]
        with av.open(str(path)) as container:
            sound = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
        # The source clicks at frames 24, 48 and 72: in the film at 14 and 36. Others cut the sound
        # where it suits their packets.
        loud = np.flatnonzero(np.abs(sound[0]) > 0.4 * np.abs(sound[0]).max()) / sound.shape[1] * 2
        slack = 0.05 if contender == "segue" else 0.6
        for wanted in (14, 36):
            assert np.abs(loud * 24 - wanted).min() < slack
        assert all(min(abs(at - 14), abs(at - 36)) < slack + 1 for at in (loud * 24).tolist())
    with pytest.raises(SegueError, match="segue could not render"):
        measure("segue", edit, tmp_path / "missing" / "film.mp4")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".mkv", *[".mp4"] * 3]


def test_the_tables_film_and_its_rows(tmp_path: Path) -> None:
    source = tmp_path / "source.mkv"
    write_sounding_film(source, clicks(32.0), frames=32 * 24)
    for effects in (False, True):
        edit = row_edit(source, effects=effects)
        assert edit.frames == 480
        assert [piece.transition for piece in edit.cuts] == ["cut", *["dissolve"] * 9]
        assert all((piece.effect != "none") == effects for piece in edit.cuts)
        assert edit.source_gain == 1
    rows = [
        Row("plain", "ffmpeg", Measured(2.0, 3.0, 100.0, 90.0), 480),
        Row("plain", "segue", Measured(1.0, 4.5, 200.0, 150.0), 480),
    ]
    table = row_table(rows, 480)
    assert "| plain | segue | 1.0 | 0.50 | 4.5 | 1.50 | 200, 150 | 480 |" in table
    short = tmp_path / "short.mkv"
    write_sounding_film(short, clicks(2.0), frames=48)
    with pytest.raises(SegueError, match="shorter than half a minute"):
        row_edit(short)
