"""``segue sample``: melodies freely, on from a motif, into a gap."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from melody_models import small_model
from typer.testing import CliRunner

from segue.envs.base.errors import SegueError
from segue.envs.music.corpus.midi_process import MidiProcess
from segue.envs.music.corpus.reading import read_file
from segue.experiments.cli import app
from segue.experiments.sample_verb import _without_end

TUNE = """X:1
T:Motif
M:3/4
L:1/4
K:D
A|dfd|efg|fed|A2A|dfd|efg|fed|d2|]
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    small_model().save(path)
    return str(path)


@pytest.fixture
def motif(tmp_path: Path) -> Path:
    (tmp_path / "motif.abc").write_text(TUNE)
    return tmp_path / "motif.abc"


def run(*arguments: object) -> dict[str, list[list[int]]]:
    said = CliRunner().invoke(
        app, ["sample", *map(str, arguments), "--json"], catch_exceptions=False
    )
    assert said.exit_code == 0, said.output
    found: dict[str, list[list[int]]] = json.loads(said.stdout.splitlines()[-1])
    return found


def test_melodies_in_every_form_and_the_same_again(model: str, tmp_path: Path) -> None:
    given = (model, "--count", 2, "--bars", 2, "--metre", "6/8", "--mode", "dorian")
    first, again, other = (
        run(*given, "--seed", seed, "--out", tmp_path / name)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first["tokens"] == again["tokens"] != other["tokens"]
    assert [len(row) for row in first["tokens"]] == [24, 24]
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    kinds = ("mid", "musicxml", "png")
    numbered = [f"melody_{number:03d}.{kind}" for number in (1, 2) for kind in kinds]
    assert files == sorted([*numbered, "manifest.json", "melodies.json"])
    for name in ("melody_001.mid", "melody_002.musicxml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_melody_goes_on_from_a_motif_in_its_key(model: str, motif: Path, tmp_path: Path) -> None:
    motif.write_text(TUNE.replace("|dfd|efg|fed|d2|]", "|]"))
    found = run(model, "--motif", motif, "--bars", 7, "--out", tmp_path / "out")
    with MidiProcess() as midi:
        (tune,) = read_file(tmp_path / "out" / "melody_001.musicxml", midi).tunes
    pitches = [note.pitch for note in tune.notes]
    assert pitches[:12] == [69, 74, 78, 74, 76, 78, 79, 78, 76, 74, 69, 69]
    assert (tune.metre, tune.tonic) == ((3, 4), 2)
    # Seven bars of three quarters, of the first of which only the pickup is written.
    assert [len(row) for row in found["tokens"]] == [76] * 4


def test_a_gap_is_written_anew_and_the_rest_stays(model: str, motif: Path, tmp_path: Path) -> None:
    found = run(model, "--motif", motif, "--gap", "4-5", "--count", 3, "--out", tmp_path / "out")
    whole = run(model, "--motif", motif, "--gap", "2", "--count", 3, "--out", tmp_path / "other")
    for row, other in zip(found["tokens"], whole["tokens"], strict=True):
        assert row[:4] == other[:4]
        assert row[16:28] == other[16:28]
        assert row[52:] == other[52:]
    assert found["tokens"][0][28:52] != found["tokens"][1][28:52]
    # From the very beginning of bar 4 to the end of bar 5.
    kept = whole["tokens"][0]
    for place in (slice(28, 36), slice(44, 52)):
        assert any(row[place] != kept[place] for row in found["tokens"])


def test_a_motif_is_gone_on_with_where_its_last_note_ends() -> None:
    assert _without_end(np.array([14, 1, 0, 16, 1, 0, 1, 1], np.int8)).tolist() == [14, 1, 0, 16, 1]
    assert _without_end(np.array([14, 1, 16, 1], np.int8)).tolist() == [14, 1, 16, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gap", "2"], "name it with --motif"),
        (["--metre", "7/8"], "no metre '7/8'"),
        (["--mode", "locrian"], "no mode 'locrian'"),
        (["--bars", "0"], "0 sixteenths"),
        (["--bars", "40"], "longer than the 128"),
        (["--count", "0"], "0 melodies"),
        (["--seed", "-1"], "seed is -1"),
        (["--motif", "missing.abc"], "missing.abc"),
        (["--motif", "{motif}", "--gap", "10-12"], "names no bars"),
        (["--motif", "{motif}", "--gap", "x"], "names no bars"),
        (["--motif", "{motif}", "--bars", "2"], "leaves nothing to write"),
    ],
)
def test_what_cannot_be_written_is_told(
    arguments: list[str], message: str, model: str, motif: Path, tmp_path: Path
) -> None:
    given = [text.format(motif=motif) for text in arguments]
    with pytest.raises(SegueError, match=message):
        CliRunner().invoke(
            app,
            ["sample", model, *given, "--out", str(tmp_path / "out")],
            catch_exceptions=False,
        )
    assert not (tmp_path / "out").exists()


def test_three_notes_are_no_motif(model: str, motif: Path) -> None:
    motif.write_text("X:1\nM:4/4\nL:1/4\nK:C\nCDE|]\n")
    with pytest.raises(SegueError, match="fewer than four notes"):
        CliRunner().invoke(app, ["sample", model, "--motif", str(motif)], catch_exceptions=False)
