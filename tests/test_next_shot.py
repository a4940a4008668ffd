"""Learning the next set-up and the length of a shot, on simulated films."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from segue.agents.film import (
    Choices,
    NextSetup,
    Reel,
    choices_of,
    fit_next_setup,
    fit_shot_length,
    reel_of,
)
from segue.agents.film.shot_features import FEATURES
from segue.agents.film.shot_length import length_features
from segue.envs.base.errors import SegueError
from segue.envs.film.human_edit_statistics import fit_length_model
from segue.envs.film.human_edits import FILE, HumanEdit, Shot, Source, write_edits
from segue.experiments import human_edit_model
from segue.experiments.demonstrations import report_verb
from segue.experiments.human_edit_model import learn, learnt_rows

RATE = 24


# -- a simulated editor ---------------------------------------------------------------------------


def simulate(seed: int, scenes: int = 8, first_scene: int = 1) -> HumanEdit:
    """A reel: each scene opens on its master and alternates between two pairs of singles, with
    masters and inserts in between; every other cut is matched by a second camera's.
    """
    generator = np.random.default_rng(seed)
    names: list[str] = []
    for scene in range(first_scene, first_scene + scenes):
        names += _scene(generator, f"{scene}", int(generator.integers(12, 24)))
    return edit_of(names, _lengths(generator, names), f"reel {seed}")


def _scene(generator: np.random.Generator, scene: str, shots: int) -> list[str]:
    names, pair = [scene], ("A", "B")
    while len(names) < shots:
        draw = generator.random()
        last, before = names[-1], names[-2] if len(names) > 1 else ""
        if draw < 0.12:
            names.append(scene)
        elif draw < 0.22:  # an insert, and back
            names += [f"{scene}{generator.choice(['E', 'F'])}", last]
        elif draw < 0.32:
            pair = ("C", "D") if pair == ("A", "B") else ("A", "B")
            names.append(scene + pair[0])
        else:
            answers = [one for one in (scene + pair[0], scene + pair[1]) if one != last]
            names.append(before if before in answers else answers[0])
    return names


def _lengths(generator: np.random.Generator, names: Sequence[str]) -> list[int]:
    """Frames: each reel has its pace, which drifts, and each set-up its own length."""
    pace = generator.normal(1.0, 0.4)
    own: dict[str, float] = {}
    lengths = []
    for name in names:
        pace += 0.05 * generator.normal()
        own.setdefault(name, 0.5 * generator.normal())
        seconds = math.exp(pace + own[name] + 0.3 * generator.normal())
        lengths.append(max(round(RATE * seconds), 1))
    return lengths


def edit_of(names: Sequence[str], frames: Sequence[int], title: str = "reel") -> HumanEdit:
    starts = np.cumsum([0, *frames]).tolist()
    shots = tuple(
        Shot("picture", start, length, source=0, setup=name, scene=name.rstrip("ABCDEF "))
        for start, length, name in zip(starts, frames, names, strict=False)
    )
    source = Source("a.mov", "", Fraction(RATE))
    return HumanEdit(title, f"{title}.edl", Fraction(RATE), 0, 0, (source,), shots)


def shuffled(edit: HumanEdit, seed: int) -> HumanEdit:
    order = np.random.default_rng(seed).permutation(len(edit.shots))
    names = [edit.shots[number].setup for number in order]
    return edit_of(names, [edit.shots[number].frames for number in order], edit.title)


FILMS = [simulate(seed, first_scene=1 + 8 * seed) for seed in range(4)]


# -- the next set-up ------------------------------------------------------------------------------


def test_the_model_beats_both_rules_on_reels_it_never_saw() -> None:
    found = learn(FILMS)
    assert found is not None
    assert found.protocol == "leave one edit out"
    setups = found.setups
    assert setups.choices == sum(len(edit.shots) - 2 for edit in FILMS)
    for told in (setups.untold, setups.scene_told):
        assert told.gain.low > 0.03
        assert told.learnt.value > told.most_frequent.value + 0.15
        assert told.gain.value == pytest.approx(told.learnt.value - told.before_last.value)
        assert told.learnt.low < told.learnt.value < told.learnt.high
    assert setups.scene_told.learnt.value > setups.untold.learnt.value > setups.used_only.value
    assert setups.scene_told.most_frequent.value > setups.untold.most_frequent.value
    assert found.lengths.gain.low > 0.05


def test_nothing_is_learnt_where_the_order_is_chance() -> None:
    films = [shuffled(edit, seed) for seed, edit in enumerate(FILMS)]
    found = learn(films)
    assert found is not None
    chance = np.mean([max(np.bincount(reel_of(edit).setups)) / len(edit.shots) for edit in films])
    assert found.setups.untold.learnt.value < chance + 0.02
    assert found.setups.untold.learnt.value < 0.2


def test_features_know_nothing_of_the_future() -> None:
    reel = reel_of(FILMS[0])
    for cut in (2, 7, 40, 90):
        order = np.r_[
            :cut, np.random.default_rng(cut).permutation(np.arange(cut, len(reel.setups)))
        ]
        seconds = reel.seconds[order].copy()
        seconds[cut:] *= 1.7
        starts = np.r_[0.0, seconds.cumsum()[:-1]]
        other = replace(reel, setups=reel.setups[order], seconds=seconds, starts=starts)
        ours, theirs = choices_of(reel), choices_of(other)
        np.testing.assert_array_equal(ours.features[: cut - 1], theirs.features[: cut - 1])
        assert not np.array_equal(ours.features, theirs.features)
        # The length of a shot may depend on its own set-up, but on nothing later.
        same = cut + int(order[cut] == cut)
        np.testing.assert_array_equal(
            length_features(reel, 1.0)[:same], length_features(other, 1.0)[:same]
        )


def test_the_bin_does_not_tell_the_order_of_the_edit() -> None:
    edit = FILMS[1]
    assert reel_of(edit).bin == reel_of(shuffled(edit, 3)).bin
    assert reel_of(edit_of(["12B", "9", "A12", "12", "12A"], [24] * 5)).bin == (
        *("9", "A12", "12", "12A", "12B"),
    )


def test_names_without_order_may_be_exchanged() -> None:
    generator = np.random.default_rng(5)
    numbers = generator.integers(0, 6, 80)
    words = ["harbour", "mast", "gull", "rope", "anchor", "quay"]
    other = dict(zip(words, reversed(words), strict=True))
    names = [words[number] for number in numbers]
    model = NextSetup(generator.normal(size=len(FEATURES)))
    plain = [replace(shot, scene="") for shot in edit_of(names, [30] * 80).shots]
    renamed = [replace(shot, setup=other[shot.setup]) for shot in plain]
    found = []
    for shots in (plain, renamed):
        choices = choices_of(reel_of(replace(FILMS[0], shots=tuple(shots))))
        found.append(chosen(model, choices))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def chosen(model: NextSetup, choices: Choices) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    logs = model.log_probabilities(choices)
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1.0)
    return logs[np.arange(len(choices.chosen)), choices.chosen]


def test_features_say_what_their_names_say() -> None:
    names = ["1", "1A", "1B", "1A", "1B", "1D", "2"]
    choices = choices_of(reel_of(edit_of(names, [24] * len(names))))
    bin_ = ["1", "1A", "1B", "1D", "2"]

    def value(cut: int, setup: str, feature: str) -> float:
        return float(choices.features[cut - 2, bin_.index(setup), FEATURES.index(feature)])

    assert [value(5, setup, "current") for setup in bin_] == [0, 0, 1, 0, 0]
    assert [value(5, setup, "before_last") for setup in bin_] == [0, 1, 0, 0, 0]
    assert [value(5, setup, "second") for setup in bin_] == [1, 0, 0, 0, 0]
    assert value(5, "1A", "before_last_run") == pytest.approx(2 / 3)
    assert value(5, "1A", "followed") == pytest.approx(1 / 2)
    assert value(5, "1A", "log_followed_by") == pytest.approx(math.log(3))
    assert [value(5, setup, "unused_same_scene") for setup in bin_] == [0, 0, 0, 1, 0]
    assert [value(5, setup, "next_scene") for setup in bin_] == [0, 0, 0, 0, 1]
    assert [value(5, setup, "unused_after_newest") for setup in bin_] == [0, 0, 0, 1, 0]
    assert [value(2, setup, "unused_same_scene_log_count") for setup in bin_] == pytest.approx(
        [0, 0, math.log(2), math.log(2), 0]
    )
    assert [value(2, setup, "next_scene_log_unused_here") for setup in bin_] == pytest.approx(
        [0, 0, 0, 0, math.log(3)]
    )
    assert value(6, "1", "log_seconds_ago") == pytest.approx(math.log(6) / 2)
    assert choices.used[0].tolist() == [True, True, False, False, False]
    assert choices.in_scene[0].tolist() == [True, True, True, True, False]
    assert choices.in_scene[-1].tolist() == [False, False, False, False, True]


def test_scenes_that_are_cut_against_each_other_are_known() -> None:
    names = ["1", "2", "1A", "2A", "3", "1", "2"]
    choices = choices_of(reel_of(edit_of(names, [24] * len(names))))
    column = FEATURES.index("left_scene_of_intercut")
    bin_ = ["1", "1A", "2", "2A", "3"]
    found = [
        [name for name, x in zip(bin_, row, strict=True) if x]
        for row in choices.features[:, :, column]
    ]
    assert found == [[], ["2", "2A"], ["1", "1A"], [], ["3"]]


def test_the_cameras_of_a_slate_may_be_one() -> None:
    edit = edit_of(["1", "1A", "1A B", "1 B", "2"], [24] * 5)
    reel = reel_of(edit)
    assert reel.bin == ("1", "1 B", "1A", "1A B", "2")
    assert reel.slates[0] == reel.slates[1] != reel.slates[2] == reel.slates[3]
    assert reel.scenes.tolist() == [0, 0, 0, 0, 1]
    choices = choices_of(reel)
    weights = np.zeros(len(FEATURES))
    for feature, factor in (("before_last", 1.5), ("current", 2.0), ("next_scene", 2.5)):
        weights[FEATURES.index(feature)] = math.log(factor)
    model = NextSetup(weights)
    np.testing.assert_allclose(
        np.exp(model.log_probabilities(choices)[0]), np.array([1.5, 1, 2, 1, 2.5]) / 8, rtol=1e-6
    )
    # The likeliest camera is always 2, but both cameras of a slate together are likelier.
    assert model.hits(choices).tolist() == [False, False, True]
    assert model.hits(choices, by_slate=True).tolist() == [True, False, False]
    only = np.zeros((3, 5), np.bool_)
    only[:, [0, 1]] = True
    assert model.hits(choices, only, by_slate=True).tolist() == [False, True, False]


def test_the_fit_has_one_outcome() -> None:
    choices = [choices_of(reel_of(edit)) for edit in FILMS[:2]]
    np.testing.assert_array_equal(fit_next_setup(choices).weights, fit_next_setup(choices).weights)
    assert learn(FILMS[:2]) == learn(FILMS[:2])
    with pytest.raises(SegueError, match="third shot"):
        fit_next_setup([choices_of(reel_of(edit_of(["1", "1A"], [24, 24])))])


# -- lengths --------------------------------------------------------------------------------------


def lengths_only(logs: Sequence[float], title: str = "reel") -> Reel:
    seconds = np.exp(np.asarray(logs, np.float64))
    reel = reel_of(edit_of(["1A", "1B"] * (len(seconds) // 2), [24] * len(seconds), title))
    return replace(reel, seconds=seconds, starts=np.r_[0.0, seconds.cumsum()[:-1]])


def test_densities_of_lengths_integrate_to_1() -> None:
    model = fit_shot_length([reel_of(edit) for edit in FILMS[:2]])
    reel = reel_of(FILMS[2])
    grid = np.linspace(-9.0, 11.0, 1501)
    for shot in (0, 1, 30):
        cut = reel.until(shot + 1)
        density = []
        for log in grid:
            seconds = np.r_[cut.seconds[:-1], math.exp(log)]
            density.append(model.log_densities(replace(cut, seconds=seconds))[-1] + log)
        assert np.trapezoid(np.exp(density), grid) == pytest.approx(1.0, abs=2e-3)


def simulate_lengths(seed: int, shots: int, spread_of_pace: float) -> Reel:
    generator = np.random.default_rng(seed)
    pace, x, logs = 1.0 + spread_of_pace * generator.normal(), 0.0, []
    for _ in range(shots):
        x = 0.4 * x + 0.5 * generator.normal()
        logs.append(pace + x)
    return lengths_only(logs)


def gain_over_ar1(reels: Sequence[Reel]) -> float:
    gains = []
    for number, reel in enumerate(reels):
        others = [other for one, other in enumerate(reels) if one != number]
        plain = fit_length_model([other.seconds.tolist() for other in others])
        learnt = fit_shot_length(others).log_densities(reel)
        gains.append(learnt - np.array(plain.log_likelihoods(reel.seconds.tolist())))
    return float(np.concatenate(gains).mean())


def test_a_longer_memory_beats_ar1_only_where_there_is_one() -> None:
    paced = [simulate_lengths(seed, 150, 0.8) for seed in range(5)]
    assert gain_over_ar1(paced) > 0.05
    plain = [simulate_lengths(seed, 150, 0.0) for seed in range(5)]
    assert gain_over_ar1(plain) > -0.01
    few = [simulate_lengths(seed, 20, 0.0) for seed in range(3)]
    assert gain_over_ar1(few) > -0.05


def test_the_mixture_never_falls_far_behind_ar1() -> None:
    model = fit_shot_length([reel_of(edit) for edit in FILMS])
    generator = np.random.default_rng(0)
    odd = lengths_only([*([-3.0, 6.0] * 20), *generator.normal(0.0, 3.0, 60)])
    learnt = model.log_densities(odd)
    plain = np.array(model.baseline.log_likelihoods(odd.seconds.tolist()))
    assert (learnt.cumsum() - plain.cumsum()).min() > -math.log(2) - 1e-9
    assert np.isfinite(learnt).all()
    equal = fit_shot_length([lengths_only([1.0] * 40)]).log_densities(lengths_only([1.0] * 4))
    assert np.isfinite(equal).all()


# -- the report -----------------------------------------------------------------------------------


def test_one_edit_is_foretold_from_its_first_half(monkeypatch: pytest.MonkeyPatch) -> None:
    (edit,) = FILMS[:1]
    half = len(edit.shots) // 2
    seen: list[int] = []

    def fit(choices: Sequence[Choices]) -> NextSetup:
        seen.extend(len(one.chosen) for one in choices)
        return fit_next_setup(choices)

    monkeypatch.setattr(human_edit_model, "fit_next_setup", fit)
    found = learn([edit])
    assert found is not None
    assert found.protocol == "first half tells the second"
    assert set(seen) == {half - 2}
    assert found.setups.choices == len(edit.shots) - half
    assert found.lengths.shots == len(edit.shots) - half


def test_too_little_is_said(tmp_path: Path) -> None:
    small = [edit_of(["1", "1A", "1"], [24] * 3, title) for title in "ab"]
    assert learn(small) is None
    assert learn([]) is None
    assert learn([edit_of(["1"], [24], f"{number}") for number in range(40)]) is None
    write_edits(small, tmp_path / FILE)
    record, lines = report_verb(tmp_path)
    assert record["learnt"] is None
    assert "too little to learn from" in lines[-1]


def test_the_report_prints_what_was_learnt_beside_the_rules(tmp_path: Path) -> None:
    films = [edit_of([s.setup for s in e.shots], [s.frames for s in e.shots]) for e in FILMS[:3]]
    shots = [
        replace(s, setup=f"{s.setup} B") if n % 5 == 4 else s for n, s in enumerate(films[0].shots)
    ]
    films[0] = replace(films[0], shots=tuple(shots))
    write_edits(films, tmp_path / FILE)
    record, lines = report_verb(tmp_path)
    learnt = record["learnt"]
    assert learnt["setups"]["untold"]["before_last"]["value"] == pytest.approx(
        record["before_last"]
    )
    assert learnt["setups"]["untold"]["most_frequent"]["value"] == pytest.approx(
        record["most_frequent"]
    )
    assert learnt["lengths"]["baseline"]["value"] == pytest.approx(record["length_log_likelihood"])
    assert learnt["slates"]["choices"] == learnt["setups"]["choices"]
    slates = [[s.setup.removesuffix(" B") for s in film.shots] for film in films]
    cuts = [(names[:n], names[n]) for names in slates for n in range(2, len(names))]
    assert learnt["slates"]["new"] == pytest.approx(
        np.mean([name not in past for past, name in cuts])
    )
    assert learnt["slates"]["new"] < learnt["setups"]["new"]
    assert learnt["slates"]["untold"]["before_last"]["value"] == pytest.approx(
        np.mean([name == past[-2] for past, name in cuts])
    )
    choices = [choices_of(reel_of(film)) for film in films]
    for told, among in (("untold", False), ("scene_told", True)):
        hits = [
            fit_next_setup([other for other in choices if other is not one]).hits(
                one, one.in_scene if among else None, by_slate=True
            )
            for one in choices
        ]
        found = learnt["slates"][told]["learnt"]["value"]
        assert found == pytest.approx(np.concatenate(hits).mean())
        assert found > learnt["setups"][told]["learnt"]["value"]
    said = "\n".join(lines)
    assert f"{100 * learnt['slates']['scene_told']['learnt']['value']:.1f} %" in said
    assert f"{learnt['lengths']['gain']['value']:.3f}" in said
    plain = learn(FILMS[:2])
    assert plain is not None
    assert plain.slates is plain.setups
    assert not any("slate" in name for name, _ in learnt_rows(plain))
