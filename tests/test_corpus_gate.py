"""Hostile files of written music give a piece or one sentence, never a crash, a hang or a flood."""

from __future__ import annotations

import os
import random
import re
import time
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from segue.envs.music.corpus.defaults import default_files
from segue.envs.music.corpus.gate import Limits, NotationError, notation_files, read_bytes
from segue.envs.music.corpus.midi_process import MidiProcess
from segue.envs.music.corpus.reading import read_file, read_tunes
from segue.envs.music.corpus.types import CorpusTune

files_of = cache(default_files)

ABC_MUTATIONS = (
    *("(9:1:9999", "C99999999", "[M:0/0]", "[L:1/0]", "|: :: ::|", "Z99999999", "A/0", "(0:0:0"),
    *("[1 [2 [3", "c,,,,,,,,,", "[K:H###]", "\nM:" + "1+" * 5000 + "1/4", "\nX:" * 3000, "\0"),
    *('"' + "A" * 50_000, "{" * 20_000, "[" * 20_000, ":" * 20_000, "|" * 20_000, "!" * 20_000),
    *(">" * 5000, "[ceg" * 3000, "A" + "'" * 500, "[K:" * 5000, "&" * 9000, "+" * 9000),
    *("\nQ:" + "1/4 " * 49_000 + "=120", "A16" * 3000, "^" * 9000 + "c", "|1" * 5000),
)
XML_MUTATIONS = (
    (r"<divisions>\d+", "<divisions>0"),
    (r"<divisions>\d+", "<divisions>1e308"),
    (r"<duration>\d+", "<duration>-7"),
    (r"<duration>\d+", "<duration>1000000000"),
    (r"<duration>\d+", "<duration>nan"),
    (r"<octave>\d", "<octave>999999999999"),
    (r"<fifths>-?\d", "<fifths>99"),
    (r"<beats>\d", "<beats>99999999999999999999"),
    (r"<beat-type>\d", "<beat-type>0"),
    (r"<note>", "<backup><duration>1000000000</duration></backup><note>"),
    (r"<note>", "<forward><duration>9999999</duration></forward><note>"),
    (r"<measure", "<a>" * 200 + "</a>" * 200 + "<measure"),
    (r"<note>", "<note>&lol;"),
    (r"<part id", "<part/><part id"),
)


def generic(data: bytes, rng: random.Random) -> bytes:
    """Flip, set, cut, repeat, overwrite and leave out bytes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 12))):
        place = rng.randrange(len(changed) or 1)
        kind = rng.randrange(5)
        if not changed or kind == 0:
            changed[place : place + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del changed[place:]
        elif kind == 2:
            end = place + rng.randrange(1, 300)
            changed[place:place] = bytes(changed[place:end]) * rng.choice((1, 40))
        elif kind == 3:
            changed[place : place + 4] = rng.choice((b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0" * 4))
        else:
            del changed[place : place + rng.randrange(1, 60)]
    return bytes(changed)


def midi_bytes() -> bytes:
    notes = b"".join(bytes([0, 0x90, p, 64, 96, 0x80, p, 0]) for p in (60, 62, 64, 65, 67) * 6)
    signs = b"\0\xff\x58\4\3\2\x18\x08\0\xff\x59\2\1\0\0\xff\x51\3\7\xa1\x20"
    track = signs + notes + b"\0\xff\x2f\0"
    head = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk"
    return head + len(track).to_bytes(4, "big") + track


def xml_bytes() -> bytes:
    path = next(p for p in files_of("bach") if p.name == "bwv67.4.xml")
    return path.read_bytes()


def mutated(kind: str, seed: int) -> bytes:
    rng = random.Random(seed)
    if kind == "mid":
        return generic(midi_bytes(), rng)
    if kind == "abc":
        data = rng.choice(files_of("ryansMammoth")).read_bytes()
        if seed % 3 == 0:
            return generic(data, rng)
        place = rng.randrange(len(data))
        return data[:place] + ABC_MUTATIONS[seed % len(ABC_MUTATIONS)].encode() + data[place:]
    if kind == "mxl":
        return generic(files_of("bach")[seed].read_bytes(), rng)
    if seed % 3 == 0:
        return generic(xml_bytes(), rng)
    pattern, text = XML_MUTATIONS[seed % len(XML_MUTATIONS)]
    return re.sub(pattern, text, xml_bytes().decode(), count=rng.choice((0, 1))).encode()


def check(path: Path, midi: MidiProcess) -> bool:
    """Whether the file gave a piece; a typed error is fine, too."""
    began = time.perf_counter()
    tunes: tuple[CorpusTune, ...] = ()
    try:
        reading = read_file(path, midi)
    except NotationError as error:
        said = str(error)
    else:
        said = path.name
        tunes = reading.tunes
    assert time.perf_counter() - began < 5.0
    assert path.name in said
    assert "\n" not in said
    for tune in tunes:
        end = -tune.pickup
        for note in tune.notes:
            assert note.duration > 0
            assert note.onset >= end - 1e-9
            assert 0 <= note.pitch <= 127
            end = note.onset + note.duration
    return bool(tunes)


@pytest.mark.parametrize(
    ("kind", "count"), [("mid", 50), ("abc", 45), ("musicxml", 42), ("mxl", 15)]
)
def test_mutated_files(kind: str, count: int, tmp_path: Path) -> None:
    path = tmp_path / f"mutated.{kind}"
    pieces = 0
    with MidiProcess() as midi:
        for seed in range(count):
            path.write_bytes(mutated(kind, seed))
            pieces += check(path, midi)
    assert pieces < count  # Some of them are beyond reading.
    if kind != "mxl":  # A damaged archive gives nothing.
        assert pieces > 0


def bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("score.xml", "w") as file,
    ):
        for _ in range(40):
            file.write(b" " * 2**20)


def laughs(path: Path) -> None:
    entities = '<!ENTITY a0 "ha">'
    for level in range(1, 10):
        below = f"&a{level - 1};" * 10
        entities += f'<!ENTITY a{level} "{below}">'
    path.write_text(f"<!DOCTYPE score-partwise [{entities}]><score-partwise>&a9;</score-partwise>")


def external(path: Path) -> None:
    path.write_text(
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><score-partwise>&f;</score-partwise>'
    )


@pytest.mark.parametrize(
    ("make", "name", "message"),
    [
        (bomb, "a.mxl", "expands to more"),
        (laughs, "a.xml", "declares the XML entity"),
        (external, "a.xml", "declares the XML entity"),
        (lambda p: p.write_text("<a>" * 60), "a.xml", "nested deeper"),
        (lambda p: p.write_bytes(b""), "a.abc", "is empty"),
        (lambda p: p.mkdir(), "a.abc", "is not a file"),
        (lambda p: p.write_bytes(b"hello"), "a.mid", "is no MIDI file"),
        (
            lambda p: p.write_bytes(b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk\xff\xff\xff\xff"),
            "a.mid",
            "cannot be read",
        ),
        (lambda p: p.write_bytes(b"PK\3\4hello"), "a.mxl", "damaged archive"),
        (lambda p: p.write_text("X:1\nK:C\n" + "Z9999" * 99), "a.abc", "longer than"),
        (lambda p: os.mkfifo(p), "a.abc", "is not a file"),
    ],
)
def test_what_is_said(
    make: Callable[[Path], object], name: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(NotationError, match=message) as caught:
        read_tunes(path)
    assert name in str(caught.value)


def write_two(path: Path) -> Path:
    path.write_text("X:1\nK:C\nCDEF GABc|\n\nX:2\nK:C\nC8|\n")
    return path


def test_size_and_events_are_capped(tmp_path: Path) -> None:
    path = tmp_path / "a.abc"
    path.write_text("X:1\nK:C\nCDEF GABc|\n")
    with pytest.raises(NotationError, match="more than the 10 bytes"):
        read_bytes(path, Limits(size=10))
    with MidiProcess() as midi:
        assert read_file(path, midi, limits=Limits(events=8)).tunes
        assert "too many notes" in read_file(path, midi, limits=Limits(events=7)).problems[0]
        with pytest.raises(NotationError, match="or 7 notes"):
            read_file(write_two(path), midi, limits=Limits(collected=7))
        path.with_suffix(".mid").write_bytes(midi_bytes())
    with (
        MidiProcess(Limits(events=29)) as midi,
        pytest.raises(NotationError, match="more than the 29 notes"),
    ):
        read_file(path.with_suffix(".mid"), midi)


def test_a_dead_or_hanging_parser_is_replaced() -> None:
    with MidiProcess(Limits(seconds=0.5)) as midi:
        midi.parse(midi_bytes(), "a")
        process = midi._process
        assert process is not None
        process.kill()
        with pytest.raises(NotationError, match="crash"):
            midi.parse(midi_bytes(), "b")
        assert len(midi.parse(midi_bytes(), "c")["parts"]) == 1
        # A file that never comes in whole keeps the parser waiting.
        again = midi._process
        assert again is not None
        assert again.stdin is not None
        again.stdin.write((1 << 20).to_bytes(8, "big"))
        with pytest.raises(NotationError, match="longer than"):
            midi.parse(midi_bytes(), "d")
        midi.parse(midi_bytes(), "e")
        last = midi._process
    assert last is not None
    assert last.poll() is not None


def test_links_lead_nowhere(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    for place in (outside, folder):
        place.mkdir()
        (place / "a.abc").write_text("X:1\nK:C\nC4|\n")
    (folder / "in.abc").symlink_to(folder / "a.abc")
    (folder / "out.abc").symlink_to(outside / "a.abc")
    (folder / "tree").symlink_to(outside)
    (folder / ".hidden.abc").write_text("X:1\n")
    assert [path.name for path in notation_files(folder)] == ["a.abc", "in.abc"]
