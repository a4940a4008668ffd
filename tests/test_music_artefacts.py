from __future__ import annotations

import base64
import dataclasses
import io
import re
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from fontTools.ttLib import TTFont
from PIL import Image

from segue.envs.base.errors import SegueError
from segue.envs.music.audio import (
    FADE_SECONDS,
    PEAK,
    check_soundfont,
    default_soundfont,
    render_audio,
    write_audio,
)
from segue.envs.music.chords import parse_symbol
from segue.envs.music.metre import Metre
from segue.envs.music.piano_roll import RollView, note_color, piano_roll, write_piano_roll
from segue.envs.music.piano_roll_animation import (
    FRAME_HUNDREDTHS,
    HEIGHT,
    MAX_FRAMES,
    WIDTH,
    animation_bytes,
    animation_frames,
    frame_hundredths,
    write_animation,
)
from segue.envs.music.score import score_image, score_svg, write_score
from segue.envs.music.tune import ChordSpan, Note, Tune

SVG = "{http://www.w3.org/2000/svg}"
YELLOW, RED = (255, 214, 70), (214, 54, 64)


def march(bars: int = 4, tempo: float = 132.0) -> Tune:
    """Quarters and eighths up and down a scale, one chord a bar."""
    notes, onset, index = [], 0.0, 0
    while onset < 4 * bars:
        value = (1.0, 0.5, 0.5, 2.0)[index % 4]
        notes.append(Note(onset, value, 72 + (0, 2, 4, 5, 7, 5, 4, 2)[index % 8]))
        onset, index = onset + value, index + 1
    symbols = [("C", "Am", "Bb7", "G7")[bar % 4] for bar in range(bars)]
    chords = tuple(ChordSpan(4.0 * i, 4.0, parse_symbol(s)) for i, s in enumerate(symbols))
    return Tune("March", 0, "major", tempo, Metre(4, 4), bars, "hopeful", tuple(notes), chords)


# Sound


def test_sound_lasts_as_long_as_the_tune_and_flac_holds_the_same_samples(tmp_path: Path) -> None:
    tune = march(bars=2, tempo=133.7)
    read = []
    for name, kind in (("tune.wav", "WAV"), ("tune.FLAC", "FLAC")):
        write_audio(tune, tmp_path / name)
        info = soundfile.info(tmp_path / name)
        assert (info.format, info.subtype, info.channels) == (kind, "PCM_16", 2)
        sound, rate = soundfile.read(tmp_path / name, dtype="int16")
        assert sound.shape == (round(tune.seconds * rate), 2)
        read.append(sound)
    assert np.array_equal(*read)
    assert np.array_equal(read[0], render_audio(tune)[0])
    assert np.abs(read[0]).max() == pytest.approx(32767 * PEAK, abs=1)
    assert np.abs(read[0][-1]).max() <= 1
    before = read[0][-round(2 * FADE_SECONDS * rate) : -round(FADE_SECONDS * rate)]
    assert np.abs(before).max() > 1000, "only the end fades"
    assert (tmp_path / "tune.FLAC").stat().st_size < 0.8 * (tmp_path / "tune.wav").stat().st_size


def test_sound_starts_where_notes_do() -> None:
    notes = tuple(Note(4.0 * i, 0.5, 84) for i in range(3))
    tune = dataclasses.replace(march(3, tempo=60.0), notes=notes, chords=())
    sound, rate = render_audio(tune)
    level = np.abs(sound.astype(float)).max(axis=1)
    for note in notes[1:]:
        start = round(note.onset * rate)
        window = level[start - 2000 : start + 4000]
        rise = int(np.argmax(window > 0.5 * window.max())) - 2000
        assert -0.001 * rate <= rise <= 0.012 * rate  # The player works in blocks of 1.3 ms.


def test_a_soundfont_is_named_by_path(tmp_path: Path) -> None:
    data, tune = default_soundfont().read_bytes(), march(bars=1)
    start = data.index(b"smpl") + 8
    (size,) = struct.unpack_from("<I", data, start - 4)
    samples = np.frombuffer(data, "<i2", size // 2, start).copy()
    samples[::2] = 0  # A shriller sound.
    data = data[:start] + samples.tobytes() + data[start + size :]
    (tmp_path / "other.sf2").write_bytes(data)
    write_audio(tune, tmp_path / "own.wav")
    write_audio(tune, tmp_path / "other.wav", tmp_path / "other.sf2")
    own, other = (soundfile.read(tmp_path / f"{name}.wav")[0] for name in ("own", "other"))
    assert own.shape == other.shape
    assert np.abs(own - other).max() > 0.1


def test_what_is_no_soundfont_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    good = default_soundfont().read_bytes()
    head = good.rindex(b"phdr")
    chained = b"LIST" + struct.pack("<I", 4) + b"INFO"
    bad = {
        "text": b"no sound here",
        "wave": b"RIFF0000WAVE",
        "cut": good[: len(good) // 2],
        "grown": good[: head + 4] + b"\xff\xff\xff\x7f" + good[head + 8 :],
        "lists": b"RIFF" + struct.pack("<I", 4 + 12 * 5000) + b"sfbk" + chained * 5000,
        "scrambled": good[: head + 8] + bytes(range(256)) * 8 + good[head + 8 + 2048 :],
    }
    for name, data in bad.items():
        path = tmp_path / f"{name}.sf2"
        path.write_bytes(data)
        with pytest.raises(SegueError, match=rf"{name}\.sf2.*(no soundfont|damaged)"):
            render_audio(march(1), path)
        with pytest.raises(SegueError, match=rf"{name}\.sf2.*(no soundfont|damaged)"):
            check_soundfont(path)
    check_soundfont(default_soundfont())
    with pytest.raises(SegueError, match="Cannot read the soundfont"):
        render_audio(march(1), tmp_path / "missing.sf2")
    with pytest.raises(SegueError, match="Cannot read the soundfont"):
        render_audio(march(1), tmp_path)
    capfd.readouterr()  # A panic of the renderer writes on stderr.


# Score


def test_score_shows_staves_and_words(tmp_path: Path) -> None:
    tune = march(bars=8)
    write_score(tune, tmp_path / "march.png")
    image = Image.open(tmp_path / "march.png")
    assert (image.format, image.width) == ("PNG", 1400)
    dark = np.asarray(image.convert("L")) < 128
    # A staff line is dark nearly from margin to margin: two systems of five.
    lines = np.flatnonzero(dark.mean(axis=1) > 0.8)
    assert 1 + np.count_nonzero(np.diff(lines) > 1) == 10
    above = dark[: lines[0]]
    assert above[: above.shape[0] // 3].any(), "title"
    assert above[-60:-20].any(), "chord symbols"
    assert np.array_equal(score_image(tune), np.asarray(image))
    assert score_image(tune, 700).shape[:2] == (round(image.height / 2), 700)
    sharp = dataclasses.replace(tune, chords=march().chords[:1])
    assert not np.array_equal(score_image(sharp), np.asarray(image))


def test_flats_of_chord_symbols_are_drawn() -> None:
    def ink(symbol: str) -> int:
        chords = (ChordSpan(0.0, 32.0, parse_symbol(symbol)),)
        picture = score_image(dataclasses.replace(march(), chords=chords), 1000)
        return int(np.count_nonzero(picture < 128))

    assert ink("Ab") > ink("A")


def test_svg_holds_all_that_it_shows(tmp_path: Path) -> None:
    tune = dataclasses.replace(march(), title='<Ä> & "B"')
    write_score(tune, tmp_path / "march.svg")
    text = (tmp_path / "march.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    words = ["".join(element.itertext()).split() for element in root.iter(f"{SVG}text")]
    said = {"".join(parts) for parts in words}
    assert {'<Ä>&"B"', "Hopeful", "♩", "=132", "Cmajor", "Am", "B♭7"} <= said
    noteheads = [g for g in root.iter(f"{SVG}g") if g.get("class") == "notehead"]
    assert len(noteheads) == len(tune.notes)
    ids = {element.get("id") for element in root.iter()}
    links = [v for e in root.iter() for k, v in e.attrib.items() if k.endswith("href")]
    assert links
    assert all(link[0] == "#" and link[1:] in ids for link in links)
    assert "@import" not in text
    assert all(url.startswith("data:") for url in re.findall(r"url\(([^)]*)\)", text))
    letters = {ord(letter) for parts in words for part in parts for letter in part}
    held = [
        set(TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap())
        for data in re.findall(r"base64,([^)]*)\)", text)
    ]
    assert letters <= set().union(*held)
    assert all(ord(letter) in held[1] for letter in "<Ä&"), "the bold face of the title"
    assert score_svg(tune) == text


# Piano roll


def test_piano_roll_shows_notes_where_they_sound(tmp_path: Path) -> None:
    tune = march()
    picture = piano_roll(tune, height=300, width=640)
    assert picture.shape == (300, 640, 3)
    assert picture.dtype == np.uint8
    left, right = 640 * 0.055, 640 * 0.988
    quarter = (right - left) / tune.quarters
    for index in (0, len(tune.notes) - 1):
        note = tune.notes[index]
        rest = tune.notes[:index] + tune.notes[index + 1 :]
        without = piano_roll(dataclasses.replace(tune, notes=rest), 300, 640)
        columns = np.flatnonzero((picture != without).any(axis=(0, 2)))
        assert columns.min() == pytest.approx(left + note.onset * quarter, abs=3)
        end = note.onset + note.duration
        assert columns.max() == pytest.approx(left + end * quarter, abs=3)
    assert piano_roll(dataclasses.replace(tune, notes=(), chords=())).shape == (480, 960, 3)
    write_piano_roll(tune, tmp_path / "roll.png")
    image = Image.open(tmp_path / "roll.png")
    assert (image.format, image.size) == ("PNG", (1440, 720))
    assert np.array_equal(np.asarray(image), piano_roll(tune, 720, 1440))


def middles(tune: Tune) -> list[float]:
    """Seconds at the middle of each frame."""
    ends = np.cumsum(frame_hundredths(tune)) / 100
    return [float(a + b) / 2 for a, b in pairwise([0.0, *ends])]


@pytest.mark.parametrize("swing", [1.0, 2.0])
def test_notes_light_up_while_they_sound(swing: float) -> None:
    tune = dataclasses.replace(march(), swing=swing)
    view = RollView(tune, HEIGHT, WIDTH)
    seen = set()
    for seconds, frame in zip(middles(tune), animation_frames(tune), strict=True):
        assert frame.shape == (HEIGHT, WIDTH, 3)
        now = seconds * tune.tempo / 60
        cursor = np.flatnonzero((frame[round(view.top) + 1] == RED).all(axis=1)).mean()
        for note in tune.notes:
            begin = tune.metre.swung(note.onset, swing)
            end = tune.metre.swung(note.onset + note.duration, swing)
            left, upper, right, lower = view.box(note)
            if left + 3 < cursor < right - 3:
                assert begin - 0.01 <= now <= end + 0.01, "the cursor is on what sounds"
            spots = [x for x in (left + 2, right - 2) if abs(x - cursor) > 8]
            for x in spots:
                color = tuple(frame[round((upper + lower) / 2), round(x)].tolist())
                full = note_color(view, note)
                state = {(255, 255, 255): "ahead", YELLOW: "lit", full: "played"}[color]
                assert state == ("ahead" if now < begin else "lit" if now < end else "played")
                seen.add(state)
    assert seen == {"ahead", "lit", "played"}


def test_gif_lasts_as_long_as_the_tune(tmp_path: Path) -> None:
    tune = march(bars=2)
    write_animation(tune, tmp_path / "roll.gif")
    data = (tmp_path / "roll.gif").read_bytes()
    assert data == animation_bytes(tune)
    gif = Image.open(io.BytesIO(data))
    stays = frame_hundredths(tune)
    assert (gif.format, gif.size, gif.n_frames) == ("GIF", (WIDTH, HEIGHT), len(stays))
    assert gif.info["loop"] == 0, "again and again"
    for index, frame in enumerate(animation_frames(tune)):
        gif.seek(index)
        assert gif.info["duration"] == 10 * stays[index]
        assert np.array_equal(np.asarray(gif.convert("RGB")), frame)


@pytest.mark.parametrize(("bars", "tempo"), [(1, 300.0), (16, 132.0), (16, 131.7), (64, 50.0)])
def test_frames_of_any_tune_are_few_and_add_up(bars: int, tempo: float) -> None:
    tune = march(bars, tempo)
    stays = frame_hundredths(tune)
    assert sum(stays) == round(100 * tune.seconds)
    assert len(stays) <= MAX_FRAMES
    assert set(stays[:-1]) <= {max(FRAME_HUNDREDTHS, stays[0])}
    assert stays[-1] >= 2


def test_sixteen_bars_stay_small_and_a_tune_may_be_empty() -> None:
    assert len(animation_bytes(march(16))) < 2_000_000
    empty = dataclasses.replace(march(1, 240.0), notes=(), chords=())
    assert len(list(animation_frames(empty))) == len(frame_hundredths(empty))


# All writers

Writer = Callable[[Tune, Path], None]
WRITERS: tuple[tuple[Writer, str], ...] = (
    *((write_audio, ".wav"), (write_audio, ".flac")),
    *((write_score, ".png"), (write_score, ".svg")),
    *((write_piano_roll, ".png"), (write_animation, ".gif")),
)


@pytest.mark.parametrize(
    ("write", "suffix"), WRITERS, ids=lambda value: getattr(value, "__name__", value)
)
def test_writers_refuse_bad_targets(tmp_path: Path, write: Writer, suffix: str) -> None:
    tune = march(bars=1)
    with pytest.raises(SegueError, match=r"does not exist"):
        write(tune, tmp_path / "missing" / f"tune{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(SegueError, match="is a folder"):
        write(tune, tmp_path / f"folder{suffix}")
    with pytest.raises(SegueError, match=rf"tune\.mp3 .*\{suffix}"):
        write(tune, tmp_path / "tune.mp3")
    if write not in (write_piano_roll, write_animation):  # Which draw any mood.
        with pytest.raises(SegueError, match="hangry"):
            write(dataclasses.replace(tune, mood="hangry"), tmp_path / f"tune{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == [f"folder{suffix}"]


def test_the_board_shows_the_animation(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.img_mime_type_detector import from_bytes

    from segue.experiments.tensorboard import Board

    data = animation_bytes(march(bars=1))
    with Board(tmp_path) as board:
        board.gif("piano_roll", data, 7)
        with pytest.raises(ValueError, match="no GIF"):
            board.gif("piano_roll", b"\x89PNG", 7)
    events = EventAccumulator(str(tmp_path)).Reload()
    (shown,) = events.Images("piano_roll")
    assert (shown.step, shown.width, shown.height) == (7, WIDTH, HEIGHT)
    assert shown.encoded_image_string == data
    assert from_bytes(data) == "image/gif", "as which TensorBoard serves it"


def test_sound_is_measured_mood_by_mood(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from segue.experiments import audio_benchmark
    from segue.experiments.bench import bench

    now = [0.0]
    costs = {"hopeful": [0.5, 0.1, 0.1, 9.0], "sad": [2.0, 2.0, 2.0]}  # Seconds, the first cold.

    def write(tune: Tune, path: Path) -> None:
        now[0] += tune.seconds / 100 * costs[tune.mood].pop(0)

    monkeypatch.setattr(audio_benchmark, "write_audio", write)
    monkeypatch.setattr(audio_benchmark, "MOODS", ("hopeful", "sad"))
    monkeypatch.setattr(audio_benchmark.time, "perf_counter", lambda: now[0])
    figures = bench(["audio"])["audio"]
    assert figures["first_times_real_time"] == pytest.approx(200)
    rates = figures["times_real_time"]
    assert rates == {"hopeful": pytest.approx(1000), "sad": pytest.approx(50)}
    assert [r["measured"] for r in figures["ratios"]] == [pytest.approx(50)]
    shown = capsys.readouterr().out
    assert "at least 60" in shown
    assert "real time" in shown
