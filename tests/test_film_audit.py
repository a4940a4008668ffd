"""The audit of the montage reward, on a made-up film of known shots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_film import RATE, film

from segue.envs.base.errors import SegueError
from segue.envs.montage.types import HANDLE, LENGTHS
from segue.experiments import film_audit_montage
from segue.experiments.audit import WHOLE
from segue.experiments.film_audit_montage import EXPLOITS, FILM, SHOTS, audit_films, passages
from segue.rewards.film import MONTAGE_WITH_REUSE

BEAT = RATE * film_audit_montage.BEAT
"""Frames."""


def test_passages_are_runs_of_shots_that_fill_the_film() -> None:
    table = film()
    found = passages(table)
    assert len(found) == (30 - SHOTS) // film_audit_montage.STRIDE + 1
    assert (np.diff(found, axis=1) == 1).all()
    short = replace(table, frames=np.where(np.arange(30) == 5, 2 * HANDLE + 1, table.frames))
    assert not (passages(short) == 5).any()
    # Twelve shots of one beat do not fill it.
    assert not len(passages(replace(table, frames=np.full(30, int(BEAT) + 2 * HANDLE, np.int32))))


def test_lengths_are_the_nearest_that_fit() -> None:
    usable = np.array([1.0, 1.9, 2.0, 3.5, 5.5, 7.0, 40.0]) * BEAT
    lengths = np.asarray(LENGTHS)[film_audit_montage._choices(usable, BEAT)]
    assert lengths.tolist() == [1, 1, 2, 3, 4, 6, 8]


def test_people_win_and_exploits_lose() -> None:
    found = audit_films(film(), copies=4, seed=1)
    assert found.missed == ()
    assert found.means["human"] > found.means["random-valid"]
    assert all(found.means[name] < found.means["random-valid"] for name in EXPLOITS)
    rates = found.rates
    assert rates["order"]["human > random-valid"].share == 1.0
    assert rates["pacing"]["random-valid > strobe cuts"].share == 1.0
    assert rates["diversity"]["random-valid > one shot repeated"].share == 1.0
    assert rates["stillness"]["random-valid > frozen frames"].share == 1.0
    assert rates["quality"]["random-valid > black frames"].share == 1.0
    assert rates["legality"]["random-valid > random"].share == 1.0
    assert rates[WHOLE]["human > random-valid"].wins == 4 * found.passages
    assert "passes" in found.markdown()


def test_an_audit_is_the_same_again_and_another_by_seed() -> None:
    table = film()
    assert audit_films(table, 1, seed=3).means == audit_films(table, 1, seed=3).means
    assert audit_films(table, 1, seed=3).means != audit_films(table, 1, seed=4).means


def test_a_reward_that_sees_no_motion_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    task = film_audit_montage.Montage
    blind = dict.fromkeys(MONTAGE_WITH_REUSE.names, 0.0) | {"pacing": 1.0}
    monkeypatch.setattr(
        film_audit_montage,
        "Montage",
        lambda bank, reuse: task(bank, reuse=reuse, reward_weights=blind),
    )
    assert "random-valid > frozen frames" in audit_films(film(), copies=4, seed=1).missed


def test_too_few_shots_are_refused() -> None:
    with pytest.raises(SegueError, match=f"no {FILM * film_audit_montage.BEAT:g} s of shots"):
        audit_films(film(shots=8))
