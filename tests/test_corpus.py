"""Corpora: loading, caching, near-copies, splits, added folders and their commands."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from segue.envs.base.cache import CACHE_VARIABLE
from segue.envs.base.errors import SegueError
from segue.envs.music.corpus import library
from segue.envs.music.corpus.abc_reader import read_abc
from segue.envs.music.corpus.defaults import DEFAULT_NAMES, default_files
from segue.envs.music.corpus.duplicates import (
    SHORTEST,
    MelodyIndex,
    copy_threshold,
    group_melodies,
)
from segue.envs.music.corpus.library import Corpus, add_folder, collections, load_corpus
from segue.envs.music.corpus.reading import read_tunes
from segue.envs.music.corpus.split import SPLITS, melody_digest, split_of
from segue.envs.music.corpus.storage import arrays_to_tunes, tunes_to_arrays
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.scales import MODES
from segue.experiments import cli

OTHER = "X:1\nT:Other\nM:3/4\nL:1/4\nK:F\n" + "FAc|fec|dBG|cAF|GEC|DFA|BGE|F3|" * 2 + "\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def airs(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("airs")))
        return load_corpus(["airdsAirs"])


def melodies(corpus: Corpus) -> list[list[int]]:
    return [[note.pitch for note in tune.notes] for tune in corpus.tunes]


def folder_with(tmp_path: Path, files: dict[str, str]) -> Path:
    folder = tmp_path / "tunes"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_defaults_are_the_four_public_domain_collections() -> None:
    assert DEFAULT_NAMES == ("airdsAirs", "ryansMammoth", "oneills1850", "bach")
    with pytest.raises(SegueError):
        default_files("essenFolksong")
    with pytest.raises(SegueError, match="airdsAirs"):
        load_corpus(["essenFolksong"])


def test_tunes_are_normalised(airs: Corpus) -> None:
    assert len(airs.tunes) > 1000
    assert {tune.licence for tune in airs.tunes} == {"public-domain"}
    assert len({tune.source for tune in airs.tunes}) == len(airs.tunes)
    for tune in airs.tunes:
        assert tune.title
        assert tune.mode in MODES
        assert 0 <= tune.pickup < tune.bar_quarters
        assert -tune.pickup <= tune.notes[0].onset
        assert all(note.duration > 0 for note in tune.notes)
        for note, after in pairwise(tune.notes):
            assert note.onset + note.duration <= after.onset + 1e-9


def test_most_melodies_are_in_their_key(airs: Corpus) -> None:
    """The last note is the tonic or belongs to its triad in nearly every tune."""
    closes = Counter((t.notes[-1].pitch - t.tonic) % 12 for t in airs.tunes)
    assert (closes[0] + closes[3] + closes[4] + closes[7]) / len(airs.tunes) > 0.85


def test_second_load_comes_from_the_cache(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    path = next(p for p in default_files("ryansMammoth") if p.name == "AcaciaReel.abc")
    monkeypatch.setattr(library, "default_files", lambda name: (path,))
    first = load_corpus(["ryansMammoth"])
    with monkeypatch.context() as patch:
        patch.setattr(library, "read_file", None)
        assert load_corpus(["ryansMammoth"]) == first
    for entry in cache.glob("corpus-*"):
        entry.write_bytes(b"damaged")
    assert load_corpus(["ryansMammoth"]) == first


def test_arrays_keep_tunes_exactly(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"a.abc": OTHER.replace("FAc", '"Bb7"F(3A2c2d2')})
    tunes = read_tunes(folder / "a.abc")
    assert tunes[0].chords
    assert arrays_to_tunes(tunes_to_arrays(tunes, {"a": "b"})) == (tunes, {"a": "b"})
    assert arrays_to_tunes({}) is None


def near_copy(melody: list[int], rng: random.Random) -> list[int]:
    """Transpose, change a note in twelve, repeat notes."""
    shift = rng.randint(-11, 11)
    copy = [pitch + shift for pitch in melody]
    for place in rng.sample(range(len(copy)), max(1, len(copy) // 12)):
        copy[place] += rng.choice((-4, -3, -2, -1, 1, 2, 3, 4))
    return [pitch for pitch in copy for _ in range(rng.choice((1, 1, 1, 2)))]


def test_planted_copies_are_found(airs: Corpus) -> None:
    rng = random.Random(0)
    all_of_them = melodies(airs)
    index = MelodyIndex(all_of_them)
    chosen = rng.sample([i for i, m in enumerate(all_of_them) if len(m) >= 48], 300)
    nearest = copies = 0
    for number in chosen:
        start = rng.randrange(len(all_of_them[number]) - 47)
        query = near_copy(all_of_them[number][start : start + 48], rng)
        group = airs.groups[number]
        nearest += airs.groups[index.nearest(query)[0].melody] == group
        copies += any(airs.groups[match.melody] == group for match in index.find_copies(query))
    assert nearest >= 297
    assert copies >= 297


def test_melodies_played_backwards_are_no_copies(airs: Corpus) -> None:
    rng = random.Random(1)
    all_of_them = melodies(airs)
    index = MelodyIndex(all_of_them)
    backwards = [melody[::-1][:48] for melody in rng.sample(all_of_them, 300)]
    assert sum(bool(index.find_copies(melody)) for melody in backwards) <= 6


def test_where_a_copy_lies() -> None:
    melody = [60, 62, 64, 64, 65, 67, 71, 69, 66, 62, 61, 57, 60, 63, 70, 68]
    index = MelodyIndex([[50, 51], melody, melody[2:9]])
    (match,) = index.nearest([pitch + 3 for pitch in melody[4:12]])
    assert (match.melody, match.similarity, match.transposition) == (1, 1.0, -3)
    assert (match.start, match.stop) == (4, 12)
    assert match.overall < 0.6
    assert index.nearest(melody, without=1)[0].melody == 2
    assert index.nearest([60] * 40) == ()
    assert index.nearest([]) == MelodyIndex([]).nearest(melody) == ()
    assert copy_threshold(SHORTEST) == 1.0


def test_groups_and_copies() -> None:
    rng = random.Random(3)
    first, second = ([rng.randint(55, 79) for _ in range(80)] for _ in range(2))
    variant = [p + (p % 9 == 0) for p in first]
    grouping = group_melodies([first, second, [p - 5 for p in first], variant])
    assert grouping.groups == (0, 1, 0, 0)
    assert grouping.copies == (False, False, True, False)


def test_splits(airs: Corpus) -> None:
    parts = {name: airs.split(name) for name in SPLITS}
    sources = [tune.source for part in parts.values() for tune in part]
    assert sorted(sources) == sorted(tune.source for tune in airs.tunes)
    assert 0.75 < len(parts["train"]) / len(airs.tunes) < 0.85
    place = {tune.source: name for name, part in parts.items() for tune in part}
    for tune, group in zip(airs.tunes, airs.groups, strict=True):
        assert place[tune.source] == place[airs.tunes[group].source]
    wrong: Any = "dev"
    with pytest.raises(SegueError, match="'dev'"):
        airs.split(wrong)


def test_split_does_not_depend_on_key() -> None:
    def tune(notes: str) -> CorpusTune:
        return read_abc(f"X:1\nL:1/4\nM:4/4\nK:C\n{notes}|".encode(), "t", "t", "x")[0][0]

    assert melody_digest(tune("CDEF")) == melody_digest(tune("DE^FG"))
    assert melody_digest(tune("CDEF")) != melody_digest(tune("CDE^F"))
    assert melody_digest(tune("CDEF")) != melody_digest(tune("C/DEF"))
    assert split_of(tune("CDEF")) == split_of(tune("DE^FG"))


def test_adding_a_folder_leaves_the_split_of_others(tmp_path: Path) -> None:
    ryan = next(p for p in default_files("ryansMammoth") if p.name == "AcaciaReel.abc")
    files = {"a.abc": OTHER, "bad.abc": "X:1\nK:Q\nA\n", "bad.mid": "junk", "no.txt": "x"}
    folder = folder_with(tmp_path, files)
    addition = add_folder(folder, name="one", licence="CC0-1.0")
    assert (addition.collection.tunes, addition.files) == (1, 1)
    assert [problem.split()[0] for problem in addition.problems] == ["one/bad.abc:1", "one/bad.mid"]
    second = tmp_path / "second"
    second.mkdir()
    (second / ryan.name).write_bytes(ryan.read_bytes())
    (second / "copy.abc").write_text(OTHER)
    add_folder(second)
    alone, both = load_corpus(["one"]), load_corpus(["one", "second"])
    assert [tune.source for tune in both.tunes] == ["one/a.abc:1", "second/AcaciaReel.abc:1"]
    assert both.tunes[0] == alone.tunes[0]
    assert both.tunes[0].licence == "CC0-1.0"
    assert [c.name for c in collections()[len(DEFAULT_NAMES) :]] == ["one", "second"]
    # Added again, a collection is replaced.
    (folder / "a.abc").write_text(OTHER.replace("FAc|", "Fcc|"))
    add_folder(folder, name="one")
    assert load_corpus(["one"]).tunes[0].notes != alone.tunes[0].notes


@pytest.mark.parametrize("name", ["bach", "../up", "a/b", "", " "])
def test_names_stay_in_the_cache(name: str, tmp_path: Path, cache: Path) -> None:
    folder = folder_with(tmp_path, {"a.abc": OTHER})
    if name:
        with pytest.raises(SegueError, match="name"):
            add_folder(folder, name=name)
    else:
        assert add_folder(folder, name=name).collection.name == "tunes"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["segue", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def test_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_with(tmp_path, {"a.abc": OTHER, "bad.xml": "<x"})
    assert run(monkeypatch, "corpus", "add", str(folder), "--name", "mine") == 0
    said = capsys.readouterr()
    assert "mine: 1 tunes from 1 files, 1 problems" in said.out
    assert "mine/bad.xml is no proper XML" in said.err
    assert run(monkeypatch, "corpus", "add", str(folder), "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["collection"]["name"], record["files"]) == ("tunes", 1)
    assert run(monkeypatch, "corpus", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)["collections"]
    assert [row["name"] for row in listed] == [*DEFAULT_NAMES, "mine", "tunes"]
    (folder / "a.abc").unlink()
    assert run(monkeypatch, "corpus", "add", str(folder)) == 2
    assert "tunes/bad.xml" in capsys.readouterr().err
    assert run(monkeypatch, "corpus", "add", str(tmp_path / "none")) == 2
    assert "none does not exist" in capsys.readouterr().err
