"""Hearing as a whole: rendered tunes, files that hold no music, the verb, the table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from PIL import Image

from segue.envs.base.cache import CACHE_VARIABLE
from segue.envs.base.errors import SegueError
from segue.envs.hearing import transcribe
from segue.envs.hearing.collecting import add_material
from segue.envs.hearing.picture import write_picture
from segue.envs.hearing.transcribe import hear
from segue.envs.hearing.types import Heard
from segue.envs.music.chords import Chord
from segue.envs.music.corpus.abc_reader import read_abc
from segue.envs.music.corpus.library import collections, load_corpus
from segue.envs.music.corpus.types import CorpusTune
from segue.experiments import cli, hearing_table
from segue.experiments.hearing_material import Piece, draw_pieces, played_alone, played_in_full
from segue.experiments.hearing_measures import (
    beat_f,
    chord_share,
    matched,
    note_f,
    same_tempo,
)
from segue.experiments.hearing_table import HearingStudy, hearing_markdown, measure_hearing

ABC = """X:1
T:Soldier's Joy
M:4/4
L:1/8
K:D
|:FGAF DFAd|f2d2 d2cd|e2c2 c2BA|FGAF DFAd|
FGAF DFAd|f2d2 d2fg|afdf gece|d4 d2z2:|
|:fgfe d2fd|g2f2 e2dc|B2g2 a2ge|fgfe d2fd|
fgfe d2fd|g2f2 e2d2|cABc defg|f2d2 d4:|
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def written() -> CorpusTune:
    return read_abc(ABC.encode(), "joy", "joy", "public-domain")[0][0]


@pytest.fixture(scope="module")
def piece(written: CorpusTune) -> Piece:
    (drawn,) = draw_pieces([written], 1, 60.0, 3)
    return replace(drawn, tune=replace(drawn.tune, tempo=104.0, mood="hopeful"), program=0)


@pytest.fixture(scope="module")
def folder(piece: Piece, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings of a tune: alone.wav and arranged.flac."""
    place = tmp_path_factory.mktemp("recordings")
    soundfile.write(place / "alone.wav", *played_alone(piece))
    soundfile.write(place / "arranged.flac", *played_in_full(piece))
    return place


def score(piece: Piece, heard: Heard) -> float:
    truth = [(note.onset * 60 / piece.tune.tempo, note.pitch) for note in piece.tune.notes]
    return note_f(truth, [(note.start, note.pitch) for note in heard.notes])


def test_a_melody_alone(piece: Piece, folder: Path) -> None:
    heard = hear(folder / "alone.wav", source="me/alone.wav", licence="CC0-1.0")
    tune = heard.tune
    assert score(piece, heard) > 0.97
    assert tune.tempo == pytest.approx(104.0, rel=0.01)
    assert (tune.tonic, tune.mode) == (2, "major")
    assert (tune.title, tune.source, tune.licence) == ("alone", "me/alone.wav", "CC0-1.0")
    assert set(heard.certainty) == {"melody", "beats", "key"}
    assert tune.confidence == pytest.approx(min(heard.certainty.values()), abs=1e-4)
    assert 0.3 < tune.confidence < 1.0
    # On the grid it is the tune that was written, but for where the bars begin.
    played = [(note.pitch, round(note.duration * 4)) for note in piece.tune.notes[:40]]
    assert [(note.pitch, round(note.duration * 4)) for note in tune.notes[:40]] == played
    assert hear(folder / "alone.wav", source="me/alone.wav", licence="CC0-1.0").tune == tune


def test_an_arrangement(piece: Piece, folder: Path) -> None:
    told: list[float] = []
    heard = hear(folder / "arranged.flac", progress=lambda share, text: told.append(share))
    assert score(piece, heard) > 0.9
    assert heard.tune.metre == (4, 4)
    assert heard.tune.tempo == pytest.approx(104.0, rel=0.01)
    truth = [
        (span.onset * 60 / 104, (span.onset + span.duration) * 60 / 104, span.chord)
        for span in piece.tune.chords
    ]
    spans = [
        (*heard.moments([s.onset, s.onset + s.duration]).tolist(), s.chord)
        for s in heard.tune.chords
    ]
    assert chord_share(truth, [(a, b, chord) for a, b, chord in spans]) > 0.9
    last = piece.tune.notes[-1].onset * 60 / 104 + 0.1
    beats = np.arange(0, last, 60 / 104)
    heard_beats = heard.pulse.beats
    inside = heard_beats[(heard_beats > -0.1) & (heard_beats < last)]
    assert beat_f(beats, inside) > 0.95
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


def test_without_the_network_one_voice_is_heard(
    piece: Piece, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcribe, "model_path", lambda: None)
    heard = hear(folder / "alone.wav")
    assert score(piece, heard) > 0.8
    assert heard.tune.tempo == pytest.approx(104.0, rel=0.02)
    assert heard.tune.chords


@pytest.mark.parametrize("has_network", [True, False])
def test_where_there_is_no_melody(
    has_network: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_network:
        monkeypatch.setattr(transcribe, "model_path", lambda: None)
    rate = 22_050
    sounds = {
        "silence": np.zeros(rate * 4),
        "noise": 0.2 * np.random.default_rng(0).standard_normal(rate * 4),
        "blip": 0.5 * np.sin(np.arange(rate // 4) / 5),
        "undefined": np.full(rate * 2, np.nan),
    }
    for name, sound in sounds.items():
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, sound.astype(np.float32), rate, subtype="FLOAT")
        with pytest.raises(SegueError, match=f"No melody could be heard in .*{name}.wav"):
            hear(path)


def test_broken_and_hostile_files(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "arranged.flac").read_bytes()
    playlist = b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"
    cases = {"cut": whole[:9000], "junk": b"junk" * 99, "list": playlist, "none": b""}
    damaged = bytearray(whole)
    damaged[9000:12000] = bytes(3000)
    said = {}
    for name, data in (cases | {"damaged": bytes(damaged)}).items():
        path = tmp_path / f"{name}.flac"
        path.write_bytes(data)
        try:
            said[path.name] = f"{path.name}: {len(hear(path).tune.notes)} notes"
        except SegueError as error:
            said[path.name] = str(error)
    assert all(name in text and "\n" not in text for name, text in said.items())
    assert all("notes" not in said[f"{name}.flac"] for name in ("junk", "list", "none"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SegueError, match="holds no music"):
        add_material(tmp_path / "empty")


def test_the_picture(folder: Path, tmp_path: Path) -> None:
    heard = hear(folder / "alone.wav")
    write_picture(heard, folder / "alone.wav", tmp_path / "a.png")
    picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
    reddish = (picture[..., 0] > 170) & (picture[..., 1] < 90)
    assert reddish.sum() > 20 * len(heard.notes)
    # Notes that are lower stand lower.
    low = min(heard.notes, key=lambda note: note.pitch)
    high = max(heard.notes, key=lambda note: note.pitch)
    columns = [round(52 + (1440 - 68) * (n.start + n.end) / 2 / 30) for n in (low, high)]
    rows = [np.flatnonzero(reddish[:, column]).mean() for column in columns]
    assert rows[0] > rows[1]
    with pytest.raises(SegueError, match=r"\.png"):
        write_picture(heard, folder / "alone.wav", tmp_path / "a.jpg")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["segue", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def test_a_folder_of_recordings_and_written_music_becomes_a_collection(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = tmp_path / "mine"
    (home / "inner").mkdir(parents=True)
    (home / "joy.abc").write_text(ABC)
    (home / "alone.wav").write_bytes((folder / "alone.wav").read_bytes())
    (home / "inner" / "alone.flac").write_bytes((folder / "arranged.flac").read_bytes())
    (home / "bad.mp3").write_bytes(b"junk")
    out = tmp_path / "out"
    call = ("corpus", "add", str(home), "--licence", "CC0-1.0", "--out", str(out), "--json")
    assert run(monkeypatch, *call) == 0
    said = capsys.readouterr()
    record = json.loads(said.out)
    assert (record["collection"]["name"], record["collection"]["tunes"]) == ("mine", 3)
    assert (record["files"], len(record["problems"])) == (3, 1)
    assert "bad.mp3 is not a media file" in said.err
    names = {"alone.mid", "alone.abc", "alone.png", "inner-alone.mid", "inner-alone.abc"}
    assert {path.name for path in out.iterdir()} == names | {"inner-alone.png", "manifest.json"}
    row = record["heard"][0]
    assert (row["source"], row["licence"], row["key"]) == ("mine/alone.wav", "CC0-1.0", "D major")
    assert 0 < row["confidence"] < 1
    assert read_abc((out / "alone.abc").read_bytes(), "s", "t", "x")[0][0].notes
    sources = json.loads((out / "manifest.json").read_text())["sources"]
    assert {source["licence"] for source in sources} == {"CC0-1.0"}
    # What was heard alone is the tune that was written: of the copies only the first one stays.
    kept = {tune.source: tune for tune in load_corpus(["mine"]).tunes}
    assert "mine/alone.wav" not in kept
    assert kept.pop("mine/joy.abc:1").confidence == 1.0
    assert all(tune.confidence < 1 for tune in kept.values())


def test_one_recording(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "corpus", "add", str(folder / "alone.wav")) == 0
    assert "D major" in capsys.readouterr().out
    assert len(list((tmp_path / "runs").iterdir())) == 1
    (tune,) = load_corpus(["alone"]).tunes
    assert (tune.source, tune.licence) == ("alone/alone.wav", "unknown")
    assert tune == hear(folder / "alone.wav", source="alone/alone.wav").tune
    # Where nothing can be written nothing is kept.
    (tmp_path / "file").write_text("")
    call = ("corpus", "add", str(folder / "alone.wav"), "--name", "b", "--out", "file")
    assert run(monkeypatch, *call) == 2
    assert "b" not in [collection.name for collection in collections()]
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(44_100), 22_050)
    assert run(monkeypatch, "corpus", "add", str(silent)) == 2
    assert "No melody could be heard in" in capsys.readouterr().err
    assert not (tmp_path / "silent").exists()


def test_measures() -> None:
    assert matched(np.array([1.0, 2.0]), np.array([1.04, 1.05, 2.06]), 0.05) == 1
    assert matched(np.array([1.0, 1.06]), np.array([1.05, 1.1]), 0.05) == 2
    truth = [(0.0, 60), (1.0, 62), (2.0, 62)]
    assert note_f(truth, truth) == 1.0
    assert note_f(truth, [(0.04, 60), (1.0, 74), (2.06, 62)]) == pytest.approx(1 / 3)
    assert note_f(truth, []) == 0.0
    assert beat_f(np.arange(4.0), np.arange(4.0) + 0.06) == 1.0
    assert beat_f(np.arange(4.0), np.arange(0, 4, 0.5)) == pytest.approx(2 / 3)
    c, c7, a, dim = Chord(0, "maj"), Chord(0, "7"), Chord(9, "min"), Chord(11, "dim")
    chords = [(0.0, 2.0, c7), (2.0, 4.0, a), (4.0, 6.0, dim)]
    assert chord_share(chords, [(0.0, 3.0, c), (3.0, 6.0, a)]) == 0.75
    assert np.isnan(chord_share(chords[2:], []))
    assert same_tempo(100.0, 101.9)
    assert not same_tempo(100.0, 50.0)


def test_the_table(written: CorpusTune, monkeypatch: pytest.MonkeyPatch) -> None:
    held = SimpleNamespace(split=lambda name: (written,) if name == "test" else ())
    monkeypatch.setattr(hearing_table, "load_corpus", lambda progress: held)
    figures = measure_hearing(HearingStudy(1, 8.0), lambda share, text: None)
    assert figures["tunes"] == 1
    assert figures["alone"]["notes"] > 0.9
    assert 0 < figures["arranged"]["real_time"] < 1
    text = hearing_markdown(figures)
    assert f"| {figures['alone']['notes']:.3f} | {figures['arranged']['notes']:.3f} |" in text
    with pytest.raises(SegueError, match="at least one tune"):
        HearingStudy(0, 8.0)
