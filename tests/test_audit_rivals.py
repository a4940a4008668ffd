"""Audits of melody rewards: the rivals, and how wins are counted."""

from __future__ import annotations

import numpy as np
import pytest

from segue.experiments.audit import Rate
from segue.experiments.audit_rivals import (
    Lines,
    Passages,
    repeated_evenly,
    repeated_in_rhythm,
    scale_evenly,
    scale_in_rhythm,
    shuffled,
)

G_MAJOR = np.isin(np.arange(25) % 12, [7, 9, 11, 0, 2, 4, 6])


def random_passages(count: int = 40, steps: int = 64) -> Passages:
    generator = np.random.default_rng(0)
    lines = generator.integers(0, 27, (count, steps))
    lines[generator.random(lines.shape) < 0.5] = 1
    tonics = np.full(count, 7, dtype=np.int64)
    return Passages(lines, np.broadcast_to(G_MAJOR, (count, 25)), tonics)


def onsets_of(lines: Lines) -> list[list[int]]:
    return [line[line >= 2].tolist() for line in lines]


# --- rivals ------------------------------------------------------------------------------------


def test_shuffling_keeps_rhythm_and_pitches() -> None:
    passages = random_passages()
    mixed = shuffled(passages, np.random.default_rng(1))
    human = passages.lines
    assert (np.where(mixed >= 2, 2, mixed) == np.where(human >= 2, 2, human)).all()
    for before, after in zip(onsets_of(human), onsets_of(mixed), strict=True):
        assert sorted(before) == sorted(after)
        assert before != after


def test_exploits_in_its_rhythm_keep_the_rhythm() -> None:
    passages = random_passages()
    human = passages.lines
    for maker in (repeated_in_rhythm, scale_in_rhythm):
        rivals = maker(passages, np.random.default_rng(1))
        assert (np.where(rivals >= 2, 2, rivals) == np.where(human >= 2, 2, human)).all()
    for before, after in zip(
        onsets_of(human),
        onsets_of(repeated_in_rhythm(passages, np.random.default_rng())),
        strict=True,
    ):
        assert set(after) == {before[0]}


def test_scales_run_through_the_key() -> None:
    passages = random_passages()
    ladder = np.flatnonzero(G_MAJOR).tolist()
    found = [scale_in_rhythm(passages, np.random.default_rng(1))]
    found += [scale_evenly(passages, np.random.default_rng(1), every) for every in (1, 2)]
    directions = set()
    for line in (line for rivals in found for line in onsets_of(rivals)):
        places = [ladder.index(token - 2) for token in line]
        moves = np.diff(places)
        assert (line[0] - 2) % 12 == 7
        assert (np.abs(moves) == 1).all()
        turns = np.flatnonzero(np.diff(moves)) + 1
        assert {places[turn] for turn in turns} <= {0, len(ladder) - 1}
        directions.add(moves[0])
    assert directions == {-1, 1}


@pytest.mark.parametrize("every", [1, 2])
def test_even_notes(every: int) -> None:
    passages = random_passages()
    for maker in (repeated_evenly, scale_evenly):
        rivals = maker(passages, np.random.default_rng(1), every)
        assert (rivals[:, ::every] >= 2).all()
        assert every == 1 or (rivals[:, 1::2] == 1).all()
    repeated = repeated_evenly(passages, np.random.default_rng(1), every)[:, 0]
    assert set(repeated.tolist()) == {2 + 7, 2 + 19}, "both tonics of the range"


# --- rates -------------------------------------------------------------------------------------


def test_rates_set_ties_apart() -> None:
    rate = Rate(wins=9, losses=1, ties=10, tunes=10)
    assert (rate.share, rate.tied) == (0.9, 0.5)
    # Wilson's interval of 9 in 10.
    assert rate.interval() == pytest.approx((0.5958, 0.9821), abs=1e-4)
    nothing = Rate(0, 0, 3, 0)
    assert np.isnan([nothing.share, *nothing.interval()]).all()


def test_the_interval_counts_tunes() -> None:
    low, high = Rate(900, 100, 0, 10).interval()
    assert (low, high) == pytest.approx(Rate(9, 1, 0, 10).interval())
    assert Rate(900, 100, 0, 1000).interval()[0] > low
    assert Rate(50, 0, 0, 50).interval() == (pytest.approx(0.9287, abs=1e-4), 1.0)
