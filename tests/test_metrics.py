"""Descriptors, features and comparison of sets of pieces."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pretty_midi
import pytest
from scipy import integrate, stats

from segue.envs.base.errors import SegueError
from segue.envs.music.metrics import comparison, descriptors, features
from segue.envs.music.tune import Note


def notes(*rows: tuple[float, float, int]) -> list[Note]:
    return [Note(*row) for row in rows]


def quarters(*pitches: int) -> list[Note]:
    return [Note(float(place), 1.0, pitch) for place, pitch in enumerate(pitches)]


MELODY = notes(
    (0, 1, 60),
    (1, 0.5, 62),
    (1.5, 0.5, 64),
    (2, 1, 65),
    (3, 1, 67),
    (4, 1, 67),
    (5.5, 0.5, 66),
    (6, 1, 69),
    (8, 2, 72),
    (10, 1, 71),
    (12, 1 / 3, 69),
    (12 + 1 / 3, 1 / 3, 67),
    (12 + 2 / 3, 1 / 3, 66),
    (13, 2.5, 67),
)
PARTS = notes(
    (0, 2, 48),
    (0, 1, 55),
    (0, 1, 64),
    (1, 1, 65),
    (2, 1.5, 50),
    (2.5, 1, 53),
    (4, 0.5, 59),
    (4.25, 2, 62),
    (5, 1, 62),
    (6, 0.75, 55),
)

# Made with MusPy 0.5.0 in an environment of its own: muspy.Music(resolution=24) of the same notes,
# a bar of 96 steps; the polyphony rate with threshold=1, by which its code meets its definition.
MUSPY = {
    "pitch range": (12, 17),
    "pitches used": (9, 8),
    "pitch classes used": (8, 6),
    "polyphony": (1.0, 1.72),
    "polyphony rate": (0.0, 0.5185185185185185),
    "scale consistency": (0.9285714285714286, 1.0),
    "pitch entropy": (2.950212064914747, 2.9219280948873623),
    "pitch class entropy": (2.8073549220576037, 2.4464393446710155),
    "empty measure rate": (0.0, 0.0),
}


@pytest.mark.parametrize("name", MUSPY)
def test_descriptors_agree_with_muspy(name: str) -> None:
    descriptor = descriptors.DESCRIPTORS[name]
    assert (descriptor(MELODY, 4.0), descriptor(PARTS, 4.0)) == pytest.approx(MUSPY[name])


def test_groove_and_scale_rates_agree_with_muspy() -> None:
    # Both pieces end inside a bar, where MusPy counts no bar too many.
    assert descriptors.groove_consistency(MELODY, 4.0, 96) == pytest.approx(0.9756944444444444)
    assert descriptors.groove_consistency(PARTS, 4.0, 96) == pytest.approx(0.9791666666666666)
    assert descriptors.pitch_in_scale_rate(MELODY, 0, "major") == pytest.approx(6 / 7)
    assert descriptors.pitch_in_scale_rate(PARTS, 4, "minor") == pytest.approx(0.8)


def test_two_parts_are_polyphony() -> None:
    two = notes((0, 4, 48), (0, 2, 60), (2, 1, 62))
    assert descriptors.polyphony_rate(two) == pytest.approx(3 / 4)  # MusPy's `> 2` says 0.
    assert descriptors.polyphony(two) == pytest.approx(7 / 4)
    assert descriptors.polyphony_rate(notes((0, 2, 60), (1, 3, 60))) == 0.0


def test_a_bar_that_is_not_there_is_not_compared() -> None:
    same = [Note(bar * 4.0 + beat, 1.0, 60) for bar in range(3) for beat in range(4)]
    assert descriptors.groove_consistency(same) == 1.0  # MusPy's extra bar makes it 11/12.
    assert math.isnan(descriptors.groove_consistency(same[:4]))
    halves = notes((0, 2, 60), (2, 2, 60), (4, 4, 60))
    assert descriptors.groove_consistency(halves, 4.0, 16) == pytest.approx(15 / 16)
    upbeat = [Note(-1.0, 1.0, 55), *same]
    assert descriptors.groove_consistency(upbeat) == 1.0


def test_empty_beats_and_bars() -> None:
    gap = notes((0, 1, 60), (2, 1, 62), (3, 1, 64))
    assert descriptors.empty_beat_rate(gap) == pytest.approx(1 / 4)  # MusPy: 0.
    assert descriptors.empty_beat_rate(gap, beat=2.0) == 0.0
    upbeat = notes((-2, 1, 60), (0, 1, 60))
    assert descriptors.empty_beat_rate(upbeat) == pytest.approx(1 / 3)
    late = notes((0, 4, 60), (12, 4, 62))
    assert descriptors.empty_measure_rate(late, 4.0) == pytest.approx(1 / 2)
    assert descriptors.empty_measure_rate([Note(-1.0, 1.0, 60), *late], 4.0) == pytest.approx(1 / 2)


def test_nothing_can_be_said_of_nothing() -> None:
    for name, descriptor in descriptors.DESCRIPTORS.items():
        value = descriptor([], 4.0)
        assert math.isnan(value) or (value == 0.0 and name.endswith("used")), name
    for feature in features.FEATURES.values():
        assert np.ravel(feature([])).shape in {(1,), (12,), (144,)}


def test_entropy_by_hand() -> None:
    assert descriptors.pitch_entropy(quarters(60, 60, 62, 64)) == pytest.approx(1.5)
    assert descriptors.pitch_class_entropy(quarters(60, 72, 62, 74)) == pytest.approx(1.0)
    assert descriptors.pitch_entropy(quarters(60, 60)) == 0.0


def midi(piece: Sequence[Note], tempo: float = 120.0) -> pretty_midi.PrettyMIDI:
    file = pretty_midi.PrettyMIDI(initial_tempo=tempo)
    instrument = pretty_midi.Instrument(0)
    second = 60.0 / tempo
    for note in piece:
        begin, end = note.onset * second, (note.onset + note.duration) * second
        instrument.notes.append(pretty_midi.Note(90, note.pitch, begin, end))
    file.instruments.append(instrument)
    return file


def legato(seed: int, count: int = 40) -> list[Note]:
    generator = np.random.default_rng(seed)
    onset, piece = 0.0, []
    for _ in range(count):
        duration = float(generator.choice([0.5, 1.0, 1.5]))
        piece.append(Note(onset, duration, int(generator.integers(55, 80))))
        onset += duration
    return piece


@pytest.mark.parametrize("seed", range(3))
def test_features_agree_with_pretty_midi(seed: int) -> None:
    # Legato: there pretty_midi's limit of 50 ms between notes plays no part.
    piece = legato(seed)
    file = midi(piece)
    np.testing.assert_allclose(
        features.pitch_class_histogram(piece),
        file.get_pitch_class_histogram(use_duration=True, normalize=True),
    )
    matrix = features.pitch_class_transition_matrix(piece)
    np.testing.assert_allclose(matrix, file.get_pitch_class_transition_matrix())
    seconds = np.diff(file.get_onsets()).mean()
    assert features.average_inter_onset_interval(piece) == pytest.approx(seconds / 0.5)
    roll = file.get_piano_roll(100).any(axis=1)
    assert features.FEATURES["pitch count"](piece) == roll.sum()
    assert features.FEATURES["pitch range"](piece) == np.ptp(np.flatnonzero(roll))


def test_features_by_hand() -> None:
    piece = notes((0, 1, 60), (1, 0.5, 62), (3, 0.5, 59), (3.5, 1.5, 60))
    assert features.average_pitch_interval(piece) == pytest.approx(2.0)
    assert features.average_inter_onset_interval(piece) == pytest.approx(3.5 / 3)
    matrix = features.pitch_class_transition_matrix(piece)
    assert matrix.sum() == 3
    assert matrix[0, 2] == matrix[2, 11] == matrix[11, 0] == 1  # Across the rest as well.
    names = list(features.NOTE_LENGTHS)
    histogram = features.note_length_histogram(piece)
    assert histogram[names.index("8th")] == 0.5
    assert histogram[names.index("dotted quarter")] == 0.25
    lengths = features.note_length_transition_matrix(piece)
    assert lengths[names.index("quarter"), names.index("8th")] == 1
    assert lengths[names.index("8th"), names.index("8th")] == 1
    assert features.average_inter_onset_interval(notes((0, 1, 60), (0, 1, 64), (1, 1, 62))) == 1.0


def test_distances_count_each_pair_once() -> None:
    points = np.random.default_rng(0).normal(size=(7, 3))
    others = np.random.default_rng(1).normal(size=(4, 3))
    intra = comparison.intra_set_distances(points)
    expected = [np.linalg.norm(points[i] - points[j]) for i in range(7) for j in range(i + 1, 7)]
    np.testing.assert_allclose(intra, expected)
    inter = comparison.inter_set_distances(points, others)
    np.testing.assert_allclose(inter, [np.linalg.norm(p - o) for p in points for o in others])


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (1.5, 0.7), (3.0, 0.02)])
def test_divergence_and_overlap_agree_with_scipy(shift: float, scale: float) -> None:
    generator = np.random.default_rng(3)
    first, second = generator.normal(size=60) * scale, generator.normal(shift, 1.0, size=90)
    p, q = stats.gaussian_kde(first), stats.gaussian_kde(second)
    low, high = min(first.min(), second.min()) - 6, max(first.max(), second.max()) + 6
    steps = np.linspace(low, high, 200_001)
    overlap = integrate.trapezoid(np.minimum(p(steps), q(steps)), steps)
    assert comparison.overlapping_area(first, second) == pytest.approx(overlap, abs=2e-4)
    relative = p(steps) * (p.logpdf(steps) - q.logpdf(steps))
    divergence = integrate.trapezoid(np.where(p(steps) > 0, relative, 0.0), steps)
    assert comparison.kl_divergence(first, second) == pytest.approx(divergence, rel=2e-3, abs=1e-3)


def test_one_grid_for_both_densities() -> None:
    # Of equal shape but far apart: on a grid of its own each, mgeval finds no divergence.
    sample = np.random.default_rng(5).normal(size=50)
    assert comparison.kl_divergence(sample, sample + 10.0) > 10.0
    assert comparison.overlapping_area(sample, sample + 10.0) < 1e-3
    assert comparison.kl_divergence(sample, sample) == pytest.approx(0.0, abs=1e-9)
    assert comparison.overlapping_area(sample, sample) == pytest.approx(1.0, abs=1e-6)
    assert math.isnan(comparison.kl_divergence(np.ones(5), sample))


def test_like_sets_overlap_and_unlike_sets_do_not() -> None:
    people = [legato(seed, 20 + seed % 5) for seed in range(30)]
    alike = [legato(100 + seed, 20 + seed % 5) for seed in range(30)]
    unlike = [quarters(*(60 + (seed + i) % 2 for i in range(8))) for seed in range(30)]
    close = {row.feature: row for row in comparison.compare(alike, people)}
    far = {row.feature: row for row in comparison.compare(unlike, people)}
    assert list(close) == list(features.FEATURES)
    for name in ("pitch class histogram", "note length histogram", "average pitch interval"):
        assert close[name].overlap > 0.85, name
        assert close[name].divergence < 0.1, name
        assert not far[name].overlap > 0.5, name
    assert close["note count"].human_mean == pytest.approx(22.0)
    assert close["note count"].human_deviation == pytest.approx(math.sqrt(2.0))
    with pytest.raises(SegueError, match="generated set has 2"):
        comparison.compare(alike[:2], people)


def test_describe_leaves_out_what_cannot_be_told() -> None:
    means = comparison.describe([quarters(60, 62, 64, 65), quarters(*[60] * 8), []])
    assert means["pitch range"] == pytest.approx(2.5)
    assert means["groove consistency"] == 1.0
    assert list(means) == list(descriptors.DESCRIPTORS)
