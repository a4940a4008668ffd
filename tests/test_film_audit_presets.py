"""The audits of the multicam and highlight rewards, on drawn scenes and made-up edits."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_film import film

from segue.envs.film import human_edits
from segue.envs.film.human_edits import HumanEdit
from segue.envs.highlight.annotations import Annotated
from segue.envs.multicam.demonstration import Shot
from segue.envs.multicam.generator import draw_scene
from segue.experiments import cli, film_audit_verb
from segue.experiments import film_audit_highlight as highlight
from segue.experiments import film_audit_multicam as multicam
from segue.experiments.audit import WHOLE
from segue.experiments.film_audit import HUMAN, VALID

TALK = [Shot("AB"[number % 2], 4.0) for number in range(120)]
"""A conversation of 8 min, cut every 4 s."""
EXPLOITS = ("random", multicam.STROBE, multicam.TWO, multicam.ONE)


def weighted(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, weights: dict[str, float]
) -> None:
    """Change weights of the reward that `module` audits."""
    monkeypatch.setattr(module, name, partial(getattr(module, name), reward_weights=weights))


# --- multicam ----------------------------------------------------------------------------------


def test_exploits_of_drawn_conversations_lose() -> None:
    found = multicam.audit_drawn(copies=2, seed=1)
    assert found.missed == ()
    assert found.passages == multicam.SCENES
    assert HUMAN not in found.means
    assert "passes; no edits by people" in found.markdown()
    rates = found.rates
    assert rates["visibility"][f"{VALID} > {multicam.BLACK}"].share == 1.0
    assert rates["long_take"][f"{VALID} > {multicam.ONE}"].share == 1.0
    assert rates["pacing"][f"{VALID} > {multicam.STROBE}"].share == 1.0
    # None but random play breaks the rules.
    lawful = [versus for versus, rate in rates["legality"].items() if rate.tied == 1.0]
    assert lawful == [f"{VALID} > {name}" for name in (*EXPLOITS[1:], multicam.BLACK)]


@pytest.mark.parametrize(
    ("weights", "missed"),
    [
        ({"long_take": 0.0}, {multicam.ONE}),
        ({"pacing": -1.0}, {multicam.STROBE}),
        ({"pacing": 0.0, "ping_pong": 0.0}, {multicam.TWO}),
        ({"visibility": 0.0}, {multicam.BLACK}),
        ({"legality": 0.0}, {"random"}),
    ],
)
def test_a_multicam_reward_without_a_term_is_caught(
    weights: dict[str, float], missed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weighted(monkeypatch, multicam, "Multicam", weights)
    found = multicam.audit_drawn(copies=2, seed=1).missed
    assert {f"{VALID} > {name}" for name in missed} <= set(found)


def test_exploits_are_what_they_are_called() -> None:
    scenes = [
        draw_scene(cameras, steps, Fraction(1, 2), np.random.default_rng(0))
        for cameras, steps in ((4, 11), (2, 6))
    ]
    rows = np.array([0, 0, 0, 1])
    lines = multicam._exploits(scenes, rows, 11, np.random.default_rng(0))
    assert tuple(lines) == EXPLOITS
    counts = np.array([4, 4, 4, 2])[:, None]
    assert all(((line >= 0) & (line < counts)).all() for line in lines.values())
    for name in (multicam.STROBE, multicam.TWO):
        cuts = np.diff(lines[name], axis=1) != 0
        # Every second step, but for the last shot, which takes what is left.
        assert cuts[:3].tolist() == [[step % 2 == 1 and step < 9 for step in range(10)]] * 3
        assert cuts[3, :5].tolist() == [False, True, False, True, False]
    assert all(len(np.unique(line)) == 2 for line in lines[multicam.TWO])
    assert (lines[multicam.ONE][:3] == scenes[0].levels.sum(axis=0).argmax()).all()


def test_passages_are_runs_of_about_a_minute() -> None:
    found = multicam.passages(TALK)
    assert [len(passage) for passage in found] == [15] * 8
    assert multicam.passages(TALK[:19]) == [tuple(TALK[:15]), tuple(TALK[15:19])]
    # Too short an end, a shot that cannot be played, and a passage of one set-up.
    assert multicam.passages(TALK[:18]) == [tuple(TALK[:15])]
    assert multicam.passages([Shot("C", 0.9), *TALK[:15]]) == [tuple(TALK[:15])]
    assert multicam.passages([Shot("A", 70.0)]) == []


def test_an_edit_is_taken_apart_where_the_task_has_no_such_cut() -> None:
    shots = [("picture", "A"), ("picture", "B"), ("black", ""), ("picture", "C"), ("picture", "C")]
    edit = made_edit([(kind, setup, 48) for kind, setup in shots])
    names = [[shot.camera for shot in run] for run in multicam.runs_of_edit(edit)]
    assert [run for run in names if run] == [["A", "B"], ["C"], ["C"]]
    assert multicam.runs_of_edit(edit)[0][0].seconds == 2.0


def made_edit(shots: list[tuple[str, str, int]]) -> HumanEdit:
    """An edit at 24 frames per second of shots of a kind, a set-up and frames."""
    starts = np.cumsum([0, *(frames for _, _, frames in shots)]).tolist()
    made = tuple(
        human_edits.Shot(kind, start, frames, setup=setup)
        for (kind, setup, frames), start in zip(shots, starts[:-1], strict=True)
    )
    return HumanEdit("Talk", "talk.edl", Fraction(24), 0, 0, (), made)


def test_people_who_cut_at_leisure_win() -> None:
    found = multicam.audit_edits(multicam.passages(TALK), 1, copies=2)
    assert found.missed == ()
    rates = found.rates
    assert rates[WHOLE][f"{HUMAN} > {VALID}"].wins == 2 * found.passages == 16
    assert rates["legality"][f"{HUMAN} > {VALID}"].tied == 1.0
    # Who holds every shot for half a minute does not: what the audit of real edits found.
    slow = [Shot("AB"[number % 2], 30.0) for number in range(16)]
    late = multicam.audit_edits(multicam.passages(slow), 1, copies=2)
    assert late.rates["long_take"][f"{HUMAN} > {VALID}"].share == 0.0


def test_films_are_shots_of_set_ups_of_their_own() -> None:
    (shots,) = multicam.shots_of_films(film(shots=3, length=36))
    assert shots == [Shot("shot 0", 1.5), Shot("shot 1", 1.5), Shot("shot 2", 1.5)]


# --- highlight ---------------------------------------------------------------------------------


def test_exploits_of_drawn_videos_lose() -> None:
    found = highlight.audit_drawn(copies=4, seed=1)
    assert found.missed == ()
    assert found.rates["diversity"][f"{VALID} > {highlight.PART}"].share > 0.8
    assert found.rates["legality"][f"{VALID} > random"].share == 1.0


def test_a_highlight_reward_without_a_term_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    weighted(monkeypatch, highlight, "Highlight", {"diversity": 0.0})
    missed = highlight.audit_drawn(copies=4, seed=1).missed
    assert f"{VALID} > {highlight.PART}" in missed
    assert f"{VALID} > {highlight.LOOK}" in missed


def test_black_and_frozen_shots_of_a_film_lose() -> None:
    table = film(shots=80)
    found = highlight.audit_damaged(table, copies=4)
    assert found.passages == (80 - highlight.SHOTS) // highlight.STRIDE + 1
    assert found.missed == ()
    assert found.rates["importance"][f"{VALID} > {highlight.BLACK}"].share == 1.0


def test_one_part_of_a_film_loses() -> None:
    table = film(shots=80)
    scenes = replace(table, colours=table.colours[np.arange(80) // 10])
    found = highlight.audit_films(scenes, copies=4).rates["diversity"]
    assert found[f"{VALID} > {highlight.PART}"].share > 0.8
    assert found[f"{VALID} > {highlight.LOOK}"].share > 0.8
    # A film of few shots is one passage.
    assert highlight.audit_films(film(shots=14), copies=1).passages == 1


def annotated(generator: np.random.Generator, agree: float) -> Annotated:
    """Scores of 8 people for 2 min at 10 frames per second, who agree so much."""
    shared, own = generator.random(60), generator.random((8, 60))
    scores = 1.0 + 4.0 * (agree * shared + (1.0 - agree) * own)
    return Annotated("talk", "talks", 10.0, scores.repeat(20, axis=1))


@pytest.mark.parametrize(("agree", "wins"), [(0.8, True), (0.0, False)])
def test_annotators_win_by_what_the_others_found_important(agree: float, wins: bool) -> None:
    generator = np.random.default_rng(0)
    videos = [annotated(generator, agree) for _ in range(12)]
    found = highlight.audit_annotators(videos, copies=2)
    assert found.passages == 12
    # By their own scores they would win all the same.
    assert (f"{HUMAN} > {VALID}" not in found.missed) is wins
    rates = found.rates["legality"]
    assert rates[f"{HUMAN} > {VALID}"].tied == 1.0
    assert rates[f"{VALID} > random"].share == 1.0


# --- the verb ----------------------------------------------------------------------------------


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["segue", "audit", "film", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def test_the_command_without_films(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edit = made_edit([("picture", "AB"[number % 2], 96) for number in range(30)])
    # The same edit twice counts once.
    human_edits.write_edits([edit, replace(edit, origin="talk.otio")], tmp_path / human_edits.FILE)
    out = tmp_path / "out"
    options = ("--edits", str(tmp_path), "--copies", "1", "--out", str(out), "--json")
    assert run(monkeypatch, *options) == 0
    said = capsys.readouterr()
    assert "montage is not audited, since no finished film" in said.err
    record = json.loads(said.out)
    drawn, edits, videos = record["presets"]
    assert [one["name"] for one in record["presets"]] == [
        "multicam-drawn",
        "multicam-edits",
        "highlight-drawn",
    ]
    assert [one["people"] for one in (drawn, edits, videos)] == [False, True, False]
    assert edits["passages"] == 2
    assert edits["rates"]["visibility"][f"{HUMAN} > {VALID}"]["share"] is None
    assert json.loads((out / "audit-film.json").read_text()) == record["presets"]
    assert "passages of 1 edits by people" in (out / "audit-film.md").read_text()
    for name in ("multicam-drawn", "multicam-edits", "highlight-drawn"):
        assert "whole reward" in (out / f"audit-{name}.svg").read_text()
    sources = json.loads((out / "manifest.json").read_text())["sources"]
    assert [source["name"] for source in sources] == [human_edits.FILE]


def test_the_presets_of_a_film(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(film_audit_verb, "analyse", lambda films, progress: film())
    material = film_audit_verb.Material(films=(Path("film.mp4"),))
    record, lines = film_audit_verb.film_verb(material, None, 1, 0, tmp_path / "all", ["segue"])
    names = [one["name"] for one in record["presets"]]
    assert names[0] == "montage-films"
    assert names[1:3] == ["multicam-drawn", "multicam-edits"]
    assert names[3:] == ["highlight-drawn", "highlight-films", "highlight-damaged"]
    assert sum(line.startswith("### `") for line in lines) == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--preset", "story"), "'story'; choose one of montage, multicam, highlight"),
        (("--preset", "montage"), "montage is audited on finished films"),
        (("--copies", "0"), "copies is 0"),
        (("--preset", "multicam", "--edits", "edits.jsonl"), "no 15 s of shots by two set-ups"),
        (("--tvsum", "edits.jsonl"), "edits.jsonl"),
    ],
)
def test_bad_input_is_told(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    edit = made_edit([("picture", "A", 24 * 100)])
    human_edits.write_edits([edit], Path("edits.jsonl"))
    assert run(monkeypatch, *arguments) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
