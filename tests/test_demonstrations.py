"""Records of people's edits: slates, timelines, features, the file, and what foretells them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.film.demonstrations import edit_of_timeline, with_features
from segue.envs.film.finished_edit import edit_of
from segue.envs.film.human_edit_statistics import (
    LengthModel,
    before_last,
    fit_lengths,
    foretell,
    most_frequent,
    setup_hits,
)
from segue.envs.film.human_edits import (
    FILE,
    HumanEdit,
    Shot,
    Source,
    read_edits,
    setups,
    shot_lengths,
    write_edits,
)
from segue.envs.film.plan import check_edit
from segue.envs.film.shots import FEATURES
from segue.envs.film.slates import read_slate
from segue.envs.film.synthetic import write_synthetic_film

RATE = 24.0


def time(frames: float) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(frames, RATE)


def clip(name: str, first: int, frames: int, **said: str) -> otio.schema.Clip:
    made = otio.schema.Clip(
        name,
        otio.schema.ExternalReference(f"file:///media/{name}"),
        otio.opentime.TimeRange(time(first), time(frames)),
    )
    made.metadata["segue"] = said
    return made


def gap(frames: int) -> otio.schema.Gap:
    return otio.schema.Gap(duration=time(frames))


def timeline(*tracks: Sequence[otio.core.Composable]) -> otio.schema.Timeline:
    made = otio.schema.Timeline("reel 1", global_start_time=time(86400))
    for number, items in enumerate(tracks, 1):
        made.tracks.append(otio.schema.Track(f"V{number}", list(items)))
    return made


def edit(lengths: Sequence[int], names: Sequence[str] = (), title: str = "reel") -> HumanEdit:
    names = names or [f"{number}" for number in range(len(lengths))]
    starts = np.cumsum([0, *lengths]).tolist()
    shots = tuple(
        Shot("picture", start, frames, source=0, setup=name)
        for start, frames, name in zip(starts, lengths, names, strict=False)
    )
    source = Source("a.mov", "", Fraction(24))
    return HumanEdit(title, f"{title}.edl", Fraction(24), 0, 0, (source,), shots)


# -- slates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "setup", "scene", "take"),
    [
        ("24A-3", "24A", "24", "3"),
        ("24a t3", "24A", "24", "3"),
        ("S024A_TK03", "24A", "24", "3"),
        ("Scene 24A Take 3", "24A", "24", "3"),
        ("24A-3_B", "24A B", "24", "3"),
        ("45-2-3", "45/2", "45", "3"),
        ("sc045_sh020_tk03.mov", "45/20", "45", "3"),
        ("ZZ100_501.take_1.0001.exr", "ZZ100_501", "", "1"),
        (r"S:\path\to\ZZ100_502A.take_2.0101.exr", "ZZ100_502A", "", "2"),
        ("ZZ100_501 (LAY3) FF", "ZZ100_501", "", ""),
        ("24A-3.Copy.01", "24A", "24", "3"),
        ("A012C003_210512_R1AB.mov", "A012C003_210512_R1AB", "", ""),
    ],
)
def test_slates_are_read(name: str, setup: str, scene: str, take: str) -> None:
    slate = read_slate(name)
    assert (slate.setup, slate.scene, slate.take) == (setup, scene, take)


def test_what_the_timeline_says_counts_for_more_than_names() -> None:
    assert read_slate("x.mov", scene="12c", take="4").setup == "12C"
    assert read_slate("24A-3", scene="24a", angle="B").setup == "24A B"
    assert read_slate("take_1", "ZZ100_501.take_1.0001.exr").setup == "ZZ100_501"
    assert read_slate("take_2", reel="TAPE7") == replace(read_slate("TAPE7"), take="2")
    assert read_slate("", "/", reel="AX").setup == ""


# -- timelines ------------------------------------------------------------------------------------


def test_a_timeline_says_what_is_seen() -> None:
    dissolve = otio.schema.Transition("d", "SMPTE_Dissolve", time(6), time(6))
    slow = clip("24C-1", 50, 30)
    slow.effects.append(otio.schema.LinearTimeWarp("slow", time_scalar=0.5))
    drawn = otio.schema.Clip(
        "words",
        otio.schema.GeneratorReference("words", "Text"),
        otio.opentime.TimeRange(time(0), time(24)),
    )
    lower = [
        *(gap(100), clip("24A-1", 10, 40, reel="A001"), dissolve, clip("24B-2", 90, 60)),
        *(gap(12), slow, drawn),
    ]
    upper = [gap(160), clip("24A-3", 200, 20, reel="A002")]

    found = edit_of_timeline(timeline(lower, upper), "reel1.otio")

    assert (found.title, found.origin, found.rate) == ("reel 1", "reel1.otio", 24)
    said = [(s.kind, s.start, s.frames, s.setup, s.take, s.in_point, s.track) for s in found.shots]
    assert said == [
        ("picture", 0, 40, "24A", "1", 10, 1),
        ("picture", 40, 20, "24B", "2", 90, 1),
        ("picture", 60, 20, "24A", "3", 200, 2),
        ("picture", 80, 20, "24B", "2", 130, 1),
        ("black", 100, 12, "", "", 0, 1),
        ("picture", 112, 30, "24C", "1", 50, 1),
        ("title", 142, 24, "", "", 0, 1),
    ]
    assert [(s.transition, s.transition_frames) for s in found.shots[:3]] == [
        ("cut", 0),
        ("dissolve", 12),
        ("cut", 0),
    ]
    assert found.shots[5].speed == Fraction(1, 2)
    assert [shot.reel for shot in found.shots[:3]] == ["A001", "", "A002"]
    assert [source.name for source in found.sources] == ["24A-1", "24B-2", "24A-3", "24C-1"]
    assert setups(found) == ("24A", "24B", "24A", "24B", "24C")
    assert shot_lengths(found)[0] == pytest.approx(40 / 24)


def test_footage_at_hand_gives_files_frames_and_features(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    firsts = write_synthetic_film(
        media / "a.mp4", shots=3, seed=4, size=(160, 90), sound=False, seconds_per_shot=(1.0, 1.5)
    )
    items = [
        clip("a.mp4", firsts[1] + 2, 12),
        clip("b.mp4", 5, 20),
        clip("a.mp4", firsts[2] + 3, 9),
    ]

    found = edit_of_timeline(timeline(items), "reel.otio", media)
    found = with_features(found, cache=tmp_path / "cache")

    assert [bool(source.path) for source in found.sources] == [True, False]
    assert found.sources[0].frames == firsts[-1]
    first, second, third = found.shots
    assert first.in_point == firsts[1] + 2
    assert set(first.features) == set(FEATURES)
    assert first.features != third.features
    assert second.features == {}
    write_synthetic_film(media / "b.mp4", shots=1, size=(64, 36), seconds_per_shot=(0.3, 0.3))
    again = edit_of_timeline(timeline(items[1:2]), "reel.otio", media)
    assert again.sources[0].path
    assert with_features(again, cache=tmp_path / "cache").shots[0].features == {}
    # Shots move right, down, left: `write_synthetic_film`.
    assert first.features["motion_y"] > 0.1 > abs(first.features["motion_x"])
    assert third.features["motion_x"] < -0.1


def test_a_through_edit_is_no_cut() -> None:
    items = [clip("24A-1", 10, 40), clip("24A-1", 50, 20), clip("24A-1", 75, 20)]
    found = edit_of_timeline(timeline(items), "reel.otio")
    assert [(s.start, s.frames, s.in_point) for s in found.shots] == [(0, 60, 10), (60, 20, 75)]


def test_a_timeline_without_clips_is_refused() -> None:
    with pytest.raises(SegueError, match="no clips"):
        edit_of_timeline(timeline([gap(10)]), "empty.otio")


# -- the file -------------------------------------------------------------------------------------


def test_edits_come_back_as_they_were(tmp_path: Path) -> None:
    rich = Shot(
        *("picture", 0, 30, 0, 17, Fraction(1, 2), "24A", "A001", "24", "3", "B", "24A-3", 2),
        *("dissolve", 12, 3, 4, True, 0.75, {"brightness": 0.5}),
    )
    source = Source("ä.mov", "/media/ä.mov", Fraction(24000, 1001), 500, 640, 360)
    one = HumanEdit("Réel", "r.edl", Fraction(30000, 1001), 640, 360, (source,), (rich,))
    write_edits([one, edit([10, 20])], tmp_path / FILE)
    assert read_edits(tmp_path) == (one, edit([10, 20]))
    assert read_edits(tmp_path / FILE)[0].frames == 30
    first = json.loads((tmp_path / FILE).read_text(encoding="utf-8").splitlines()[0])
    assert (first["schema"], first["version"]) == ("segue-human-edit", 1)


LINE = json.dumps(
    {
        "schema": "segue-human-edit",
        "version": 1,
        "title": "t",
        "origin": "o",
        "rate": "24",
        "width": 0,
        "height": 0,
        "sources": [],
        "shots": [{"kind": "picture", "start": 0, "frames": 5}],
    }
)


def broken(**changes: object) -> str:
    record = json.loads(LINE)
    record.update(changes)
    return json.dumps(record)


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        broken(schema="other"),
        broken(version=2),
        broken(rate="1/0"),
        broken(rate="-24"),
        broken(rate=24),
        broken(shots=[{"kind": "dream", "start": 0, "frames": 5}]),
        broken(shots=[{"kind": "picture", "start": 0, "frames": 0}]),
        broken(shots=[{"kind": "picture", "start": 0, "frames": 5, "source": 0}]),
        broken(shots=[{"kind": "picture", "start": 0, "frames": "5"}]),
        broken(shots=[{"kind": "picture", "start": 0, "frames": 5, "confidence": math.nan}]),
        broken(shots=[{"kind": "picture", "start": 0, "frames": 5, "more": 1}]),
        broken(shots=[{"kind": "black", "start": k, "frames": 5} for k in (0, 4)]),
        broken(shots=5),
        "[" * 100_000,
    ],
)
def test_a_line_that_is_no_edit_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / FILE
    path.write_text(f"{LINE}\n{line}\n", encoding="utf-8")
    with pytest.raises(SegueError, match="Line 2 of"):
        read_edits(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SegueError, match=FILE):
        read_edits(tmp_path)


# -- as segue's own edit --------------------------------------------------------------------------


def test_an_edit_has_every_frame_and_only_transitions_that_fit(tmp_path: Path) -> None:
    film, source = tmp_path / "film.mp4", tmp_path / "source.mp4"
    for path in (film, source):
        write_synthetic_film(path, shots=2, size=(160, 90), sound=False)
    shots = (
        Shot("picture", 0, 20, 0, 5, fade_in=8),
        Shot("picture", 20, 6, 0, 40, transition="dissolve", transition_frames=30),
        Shot("title", 26, 30),
        Shot("picture", 56, 20, 0, 7, Fraction(1, 2), transition="curtain", transition_frames=9),
        Shot("picture", 76, 20, 0, 9, Fraction(0)),
        Shot("picture", 96, 9, 0, 9, fade_out=5, transition="cut", mirrored=False),
    )
    sources = (Source("source.mp4", str(source), Fraction(24), 90, 160, 90),)
    human = HumanEdit("t", "film.mp4", Fraction(24), 161, 90, sources, shots)
    made = edit_of(human, film)
    check_edit(made)
    assert made.frames == 105
    assert [cut.frames for cut in made.cuts] == [shot.frames for shot in shots]
    assert [cut.source for cut in made.cuts] == [source, source, film, source, film, source]
    assert made.cuts[2].in_point == 26
    assert [cut.transition_frames for cut in made.cuts] == [0, 12, 0, 8, 0, 0]
    assert made.cuts[3].transition == "dissolve"
    effects = [cut.effect for cut in made.cuts]
    assert effects == ["fade_in", "none", "none", "slow_motion", "none", "fade_out"]
    with pytest.raises(SegueError, match="no shots"):
        edit_of(replace(human, shots=()), film)


# -- what foretells them --------------------------------------------------------------------------


def test_baselines_foretell_what_they_say() -> None:
    answer = edit([24] * 6, ["A", "B", "A", "B", "A", "B"])
    assert setup_hits([answer], before_last) == [True] * 4
    assert before_last(["A", "B", "C"]) == "B"
    assert most_frequent(["A", "B", "A", "C"]) == "A"
    assert most_frequent(["A", "B"]) == "B"
    master = edit([24] * 6, ["A", "A", "A", "B", "A", "C"])
    assert setup_hits([master], most_frequent) == [True, False, True, False]
    found = foretell([answer, master])
    assert (found.edits, found.shots, found.setups, found.choices) == (2, 12, 5, 8)
    assert found.before_last == (4 + 2) / 8


def test_the_length_model_is_the_ar1_log_normal() -> None:
    model = LengthModel(1.0, 0.5, 0.3)
    one, two = 2.0, 4.0
    spread = 0.3 / math.sqrt(0.75)

    def density(x: float, mean: float, deviation: float) -> float:
        z = (math.log(x) - mean) / deviation
        return -math.log(x * deviation * math.sqrt(2 * math.pi)) - z * z / 2

    expected = [density(one, 1.0, spread), density(two, 1.0 + 0.5 * (math.log(one) - 1.0), 0.3)]
    assert model.log_likelihoods([one, two]) == pytest.approx(expected)


def test_the_length_model_is_fitted_to_the_others() -> None:
    generator = np.random.default_rng(0)
    edits = []
    for number in range(6):
        x, lengths = 1.0, []
        for _ in range(300):
            x = 1.0 + 0.6 * (x - 1.0) + 0.4 * generator.normal()
            lengths.append(max(round(24 * math.exp(x)), 1))
        edits.append(edit(lengths, title=f"{number}"))
    model = fit_lengths(edits)
    assert model.mean == pytest.approx(1.0, abs=0.1)
    assert model.memory == pytest.approx(0.6, abs=0.05)
    assert model.deviation == pytest.approx(0.4, abs=0.03)
    held_out = foretell(edits).length_log_likelihood
    forgetful = LengthModel(model.mean, 0.0, model.deviation / math.sqrt(1 - model.memory**2))
    plain = np.mean([v for e in edits for v in forgetful.log_likelihoods(shot_lengths(e))])
    assert held_out > plain + 0.1
    odd = edit([2000] * 40, title="odd")
    assert fit_lengths([odd]).deviation > 0
    assert foretell([odd, *edits]).length_log_likelihood < held_out


def test_one_edit_cannot_foretell_its_own_lengths() -> None:
    assert math.isnan(foretell([edit([24, 30, 36, 20])]).length_log_likelihood)
    with pytest.raises(SegueError, match="no shots"):
        foretell([])
