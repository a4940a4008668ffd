"""Measures of whole sets of melodies: Vendi score and Frechet distance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import linalg

from segue.envs.base.errors import SegueError
from segue.envs.music.metrics.frechet import (
    FEATURE_NAMES,
    Standard,
    frechet_distance,
    frechet_of_moments,
    melody_features,
)
from segue.envs.music.metrics.vendi import (
    melody_counts,
    vendi_score,
    vendi_score_of_melodies,
    vendi_score_of_rows,
)
from segue.envs.music.tune import Note


def melody(*pitches: int, length: float = 1.0) -> list[Note]:
    return [Note(place * length, length, pitch) for place, pitch in enumerate(pitches)]


# --- Vendi score -------------------------------------------------------------------------------


def test_vendi_score_of_equal_pieces_is_one_and_of_unlike_ones_their_number() -> None:
    assert vendi_score(np.ones((7, 7))) == pytest.approx(1.0)
    assert vendi_score(np.eye(7)) == pytest.approx(7.0)


def test_vendi_score_of_kinds_is_the_exponential_of_their_entropy() -> None:
    # Pieces of one kind are equal, of two kinds unlike: Friedman & Dieng's Lemma 3.1 and after.
    kinds = np.repeat([0, 1, 2], [6, 3, 1])
    share = np.array([0.6, 0.3, 0.1])
    expected = math.exp(-(share * np.log(share)).sum())
    similarities = (kinds[:, None] == kinds).astype(float)
    assert vendi_score(similarities) == pytest.approx(expected)
    assert vendi_score_of_rows(np.eye(3)[kinds]) == pytest.approx(expected)


def test_vendi_score_of_a_set_and_its_copies_is_the_same() -> None:
    rows = np.random.default_rng(0).random((6, 4))
    assert vendi_score_of_rows(np.repeat(rows, 3, axis=0)) == pytest.approx(
        vendi_score_of_rows(rows)
    )


@pytest.mark.parametrize("shape", [(5, 9), (9, 5)])
def test_vendi_score_of_rows_is_that_of_their_cosines(shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(1).normal(size=shape)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert vendi_score_of_rows(rows) == pytest.approx(vendi_score(unit @ unit.T))


def test_vendi_score_of_two_half_like_pieces() -> None:
    # Eigenvalues of K / 2 are 3/4 and 1/4.
    expected = math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert vendi_score(np.array([[1.0, 0.5], [0.5, 1.0]])) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("similarities", "word"),
    [
        (np.ones((2, 3)), "square"),
        (np.zeros((0, 0)), "square"),
        (np.eye(2) * 2, "itself"),
        (np.array([[1.0, 0.2], [0.3, 1.0]]), "symmetric"),
        (np.array([[1.0, 3.0], [3.0, 1.0]]), "negative eigenvalue"),
    ],
)
def test_what_is_no_similarity_matrix_is_told(similarities: np.ndarray, word: str) -> None:
    with pytest.raises(SegueError, match=word):
        vendi_score(similarities)


def test_a_zero_feature_vector_is_told() -> None:
    with pytest.raises(SegueError, match="zero"):
        vendi_score_of_rows(np.array([[1.0, 0.0], [0.0, 0.0]]))
    with pytest.raises(SegueError, match="shape"):
        vendi_score_of_rows(np.zeros((0, 2)))


def test_melodies_are_alike_in_any_key_and_by_half_in_any_rhythm() -> None:
    tune = melody(60, 62, 64, 65)
    transposed = melody(65, 67, 69, 70)
    slower = melody(60, 62, 64, 65, length=2.0)
    other = melody(60, 67, 60, 67)
    rows = melody_counts([tune, transposed, slower, other])
    similarities = rows @ rows.T
    assert np.diag(similarities) == pytest.approx(1.0)
    assert similarities[0, 1] == pytest.approx(1.0)
    # No onset of the slower one has the same place and length as one of the first.
    assert similarities[0, 2] == pytest.approx(0.5)
    assert similarities[0, 3] == pytest.approx(0.5)
    assert similarities[2, 3] == pytest.approx(0.0)


def test_melodies_with_hardly_a_note_are_alike_in_that() -> None:
    rows = melody_counts([[], melody(60), melody(70, 72), melody(60, 62, 64)])
    similarities = rows @ rows.T
    assert np.diag(similarities) == pytest.approx(1.0)
    assert similarities[0, 1] == pytest.approx(0.5)
    assert similarities[1, 2] > 0.5
    assert similarities[0, 3] == pytest.approx(0.0)


def test_vendi_score_of_melodies() -> None:
    tunes = [melody(60, 62, 64, 65), melody(60, 67, 60, 67, length=2.0)]
    assert vendi_score_of_melodies([tunes[0]] * 5) == pytest.approx(1.0)
    assert vendi_score_of_melodies(tunes * 2) == pytest.approx(2.0)


# --- Frechet distance --------------------------------------------------------------------------


def test_frechet_distance_of_independent_normals_has_a_closed_form() -> None:
    one, other = np.diag([1.0, 4.0, 0.0]), np.diag([9.0, 4.0, 1.0])
    found = frechet_of_moments(np.zeros(3), one, np.array([1.0, 2.0, 0.0]), other)
    assert found == pytest.approx(1.0 + 4.0 + (1 - 3) ** 2 + 0.0 + 1.0)


def test_frechet_distance_by_a_matrix_square_root() -> None:
    generator = np.random.default_rng(0)
    first = generator.normal(size=(200, 5)) @ generator.normal(size=(5, 5))
    second = generator.normal(size=(90, 5)) @ generator.normal(size=(5, 5)) + 0.3
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = linalg.sqrtm(one @ other).real
    apart = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
    expected = apart + np.trace(one + other - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected)
    assert frechet_distance(second, first) == pytest.approx(expected)
    assert frechet_distance(first, first[::-1]) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_of_one_feature() -> None:
    rows = np.array([[0.0], [2.0]])
    assert frechet_distance(rows, rows + 3.0) == pytest.approx(9.0)


def test_sets_that_cannot_be_compared_are_told() -> None:
    with pytest.raises(SegueError, match="second set has the shape"):
        frechet_distance(np.zeros((3, 2)), np.zeros((1, 2)))
    with pytest.raises(SegueError, match="2 and 3 features"):
        frechet_distance(np.zeros((3, 2)), np.zeros((3, 3)))
    with pytest.raises(SegueError, match="two rows"):
        Standard.of(np.zeros((1, 2)))


def test_features_of_a_melody_made_by_hand() -> None:
    # C quarter, E eighth, E eighth, G half | the same an octave higher, the half note C.
    bar = [(0.0, 1.0, 60), (1.0, 0.5, 64), (1.5, 0.5, 64), (2.0, 2.0, 67)]
    notes = [Note(*row) for row in bar]
    notes += [Note(onset + 4.0, length, pitch + 12) for onset, length, pitch in bar[:3]]
    notes.append(Note(6.0, 2.0, 72))
    found = dict(zip(FEATURE_NAMES, melody_features(notes), strict=True))
    expected = {
        "pitch class 0": 4 / 8,
        "pitch class 4": 2 / 8,
        "pitch class 7": 2 / 8,
        "interval 0": 2 / 7,
        "interval 3, 4": 3 / 7,  # C E, E G, C E
        "interval 5 to 7": 1 / 7,  # G C
        "interval -4, -3": 1 / 7,  # E C
        "length quarter": 2 / 8,
        "length 8th": 4 / 8,
        "length half": 2 / 8,
        "onset at 0/16": 1.0,
        "onset at 4/16": 1.0,
        "onset at 6/16": 1.0,
        "onset at 8/16": 1.0,
        "notes a bar": 4.0,
        "different pitches": 5.0,
        "range": 16.0,
        "mean pitch": (60 + 64 * 2 + 67 + 72 + 76 * 2 + 72) / 8,
        "mean interval": (4 + 0 + 3 + 5 + 4 + 0 + 4) / 7,
        "pitch entropy": -(3 * 0.25 * math.log2(0.25) + 2 * 0.125 * math.log2(0.125)),
        "groove consistency": 1.0,
        # Held halves sound as a beat before in their second beat.
        "as a beat before": 8 / 28,
        # The last half note begins as its bar does.
        "as a half bar before": 4 / 24,
        "as a bar before": 0.0,
    }
    assert found == pytest.approx({name: expected.get(name, 0.0) for name in FEATURE_NAMES})


def test_a_repeated_bar_is_heard_as_one() -> None:
    notes = melody(60, 62, 64, 65, 60, 62, 64, 65)
    found = dict(zip(FEATURE_NAMES, melody_features(notes), strict=True))
    assert found["as a bar before"] == 1.0
    assert found["as a beat before"] == 0.0


def test_features_are_finite_for_any_melody() -> None:
    assert melody_features([]) == pytest.approx(0.0)
    assert np.isfinite(melody_features(melody(60))).all()
    assert np.isfinite(melody_features([Note(7.5, 0.25, 60)])).all()


def test_features_are_measured_in_peoples_deviations() -> None:
    people = np.array([[1.0, 5.0], [3.0, 5.0]])
    standard = Standard.of(people)
    assert standard(people) == pytest.approx(np.array([[-1.0, 0.0], [1.0, 0.0]]))
    # What people never vary still tells another set apart.
    assert standard(np.array([[2.0, 7.0]])) == pytest.approx(np.array([[0.0, 2.0]]))
