"""``segue demonstrations`` as a user meets it, and the table of found sources."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.film import sample_film as samples
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.human_edits import HumanEdit, Shot, Source, read_edits
from segue.envs.film.renderer import render
from segue.envs.film.synthetic import write_synthetic_film
from segue.envs.film.timelines import read_timeline
from segue.experiments import demonstrations_table as table
from segue.experiments.cli import main
from segue.experiments.demonstrations import parse_rate

Run = Callable[..., tuple[int, str, str]]

EDL = """TITLE: REEL {0}
FCM: NON-DROP FRAME
001  A001     V     C        01:00:00:00 01:00:02:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME: 24A-1
002  A002     V     C        02:00:00:00 02:00:01:12 01:00:02:00 01:00:03:12
* FROM CLIP NAME: 24B-2
003  A001     V     C        01:00:10:00 01:00:13:00 01:00:03:12 01:00:06:12
* FROM CLIP NAME: 24A-3
"""


@pytest.fixture
def inside(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run the command line in this process, in a folder of its own."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SEGUE_CACHE", str(tmp_path / "cache"))
        words = ["segue", "demonstrations", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err  # type: ignore[return-value]

    return run


def test_timelines_become_demonstrations_and_a_report(inside: Run, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"reel{number}.edl").write_text(EDL.format(number))
    (tmp_path / "broken.otio").write_text("{ not a timeline")
    names = ("reel1.edl", "broken.otio", "missing.edl", "reel2.edl")

    code, said, err = inside("from-timeline", *names, "--out", "out", "--json")

    assert code == 0
    record = json.loads(said)
    assert [edit["origin"] for edit in record["edits"]] == ["reel1.edl", "reel2.edl"]
    assert len(record["problems"]) == 2
    for name in ("broken.otio", "missing.edl"):
        assert name in err
    edits = read_edits(tmp_path / "out")
    assert [shot.setup for shot in edits[0].shots] == ["24A", "24B", "24A"]
    assert [shot.reel for shot in edits[0].shots] == ["A001", "A002", "A001"]
    assert [shot.take for shot in edits[0].shots] == ["1", "2", "3"]
    assert [shot.frames for shot in edits[0].shots] == [48, 36, 72]

    code, said, _ = inside("report", "out", "--json")
    assert code == 0
    report = json.loads(said)
    assert (report["edits"], report["shots"], report["choices"]) == (2, 6, 2)
    assert report["before_last"] == 1.0
    code, said, _ = inside("report", "out")
    assert code == 0
    assert "100.0 %" in said


def test_the_rate_of_a_list_may_be_told(inside: Run, tmp_path: Path) -> None:
    (tmp_path / "reel.edl").write_text(EDL.format(1))
    assert inside("from-timeline", "reel.edl", "--rate", "23.976", "--out", "out")[0] == 0
    assert read_edits(tmp_path / "out")[0].rate == Fraction(24000, 1001)
    assert parse_rate("25") == 25
    for wrong in ("fast", "0", "-24", "1/0", "1000", "nan"):
        with pytest.raises(SegueError, match="frame rate"):
            parse_rate(wrong)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("from-timeline", "missing.edl"), "No timeline could be read"),
        (("from-timeline", "missing.edl", "--footage", "nowhere"), "nowhere"),
        (("from-finished", "missing.mp4", "--source", "other.mp4"), "missing.mp4"),
        (("report", "nowhere"), "nowhere"),
    ],
)
def test_wrong_input_ends_with_2_and_a_sentence(
    inside: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = inside(*arguments)
    assert code == 2
    assert "Traceback" not in err
    (last,) = [line for line in err.splitlines()[-1:] if line.startswith("segue: ")]
    assert said in last
    assert not (tmp_path / "runs").exists()


def cut(source: Path, first: int, frames: int) -> Cut:
    return Cut(source, Fraction(24), 96, first, frames, Fraction(1), "none", "cut", 0, f"{first}")


def test_a_finished_edit_becomes_a_timeline_and_a_demonstration(
    inside: Run, tmp_path: Path
) -> None:
    source, film = tmp_path / "source.mp4", tmp_path / "film.mp4"
    spans = {"shots": 4, "seconds_per_shot": (1.0, 1.0), "sound": False}
    write_synthetic_film(source, seed=3, size=(160, 90), **spans)  # type: ignore[arg-type]
    cuts = (cut(source, 30, 15), cut(source, 75, 14), cut(source, 5, 13))
    render(Edit("film", Fraction(24), 160, 90, cuts), film, workers=1)

    code, said, err = inside("from-finished", film, "--source", source, "--out", "out", "--json")

    assert code == 0, err
    record = json.loads(said)
    assert [(s["source"], s["in_point"], s["frames"]) for s in record["shots"]] == [
        ("source.mp4", 30, 15),
        ("source.mp4", 75, 14),
        ("source.mp4", 5, 13),
    ]
    (human,) = read_edits(tmp_path / "out")
    assert [shot.setup for shot in human.shots] == ["source 002", "source 004", "source 001"]
    assert all(shot.features for shot in human.shots)
    found = read_timeline(tmp_path / "out" / "timeline.otio")
    clips = list(found.find_clips())
    assert isinstance(clips[0], otio.schema.Clip)
    starts = [int(one.source_range.start_time.value) for one in clips]
    assert starts == [30, 75, 5]
    assert (tmp_path / "out" / "manifest.json").is_file()


# -- the table ------------------------------------------------------------------------------------


def found(*shots: Shot) -> HumanEdit:
    source = Source("film.mp4", "", Fraction(24), 15_000)
    return HumanEdit("t", "t.mp4", Fraction(24), 0, 0, (source,), shots)


def test_the_trailers_truth_is_its_script(tmp_path: Path) -> None:
    truth = table.trailer_truth(Fraction(24))
    assert [(piece.start, piece.stop, int(piece.first)) for piece in truth.pieces] == [
        (0, 240, 24),
        (240, 336, 384),
        (336, 768, 888),
        (768, 864, 5154),
        (864, 1134, 5394),
        (1098, 1251, 6756),
    ]
    assert truth.pieces[-1].place(1198) == 6806
    assert truth.cuts == (864,)


def test_a_score_counts_what_is_right_and_what_is_wrong() -> None:
    truth = table.Truth(
        (
            table.Piece(0, 30, 0, Fraction(100), Fraction(1)),
            table.Piece(30, 66, 0, Fraction(500), Fraction(1, 2)),
            table.Piece(54, 100, 0, Fraction(900), Fraction(1)),
        ),
        cuts=(30,),
        soft=((54, 66),),
    )
    shots = (
        Shot("picture", 0, 30, 0, 100),
        Shot("picture", 30, 30, 0, 500, Fraction(1, 2)),
        Shot("picture", 60, 40, 0, 906, transition="dissolve", transition_frames=12),
    )
    right = table.score("right", found(*shots), truth)
    assert (right.frames, right.frames_found) == (100, 100)
    assert (right.pieces, right.pieces_found) == (3, 3)
    assert (right.cuts, right.cuts_found, right.cuts_false) == (1, 1, 0)
    assert (right.soft, right.soft_found) == (1, 1)

    late = replace(shots[0], in_point=102)
    wrong = table.score("wrong", found(late, shots[1], replace(shots[2], transition="cut")), truth)
    assert wrong.frames_found == 70
    assert wrong.pieces_found == 2
    assert (wrong.cuts_found, wrong.cuts_false, wrong.soft_found) == (1, 1, 0)
    both = right.plus(wrong)
    assert (both.frames, both.frames_found) == (200, 170)
    page = table.markdown([both], 3)
    assert "85.0 % of 200" in page


def test_random_edits_can_be_rendered_and_their_truth_told(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    write_synthetic_film(film, shots=4, size=(64, 36), sound=False, seconds_per_shot=(4.0, 5.0))
    for kind in table.KINDS:
        edit = table.random_edit(film, kind, 1)
        assert edit == table.random_edit(film, kind, 1)
        truth = table.truth_of(edit)
        assert len(truth.cuts) + len(truth.soft) == table.PIECES - 1
        start = 0
        for piece, cut_ in zip(truth.pieces, edit.cuts, strict=True):
            middle = cut_.frames // 2
            assert piece.place(start + middle) == edit.source_frame(cut_, middle)
            start += cut_.frames


def test_the_trailer_is_fetched_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(packed: object, folder: Path) -> Path:
        raise samples._FetchError("no network")

    monkeypatch.setattr(samples, "_download", cannot)
    with pytest.raises(SegueError, match=r"trailer.mp4 cannot be had \(no network\)"):
        samples.sample_trailer(tmp_path)
