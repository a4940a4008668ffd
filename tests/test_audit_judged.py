"""The audit of a judged melody: its term, the n-gram as a rival, and what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from test_audit_rivals import random_passages
from test_melody_env import phrases

from segue.envs.melody.env import Melody
from segue.envs.melody.ngram_fit import fit_ngram
from segue.envs.melody.prior import Tokens
from segue.experiments import audit_subjects
from segue.experiments.audit import (
    TARGETS,
    TERM_TARGETS,
    WHOLE,
    Audit,
    Part,
    Rate,
    Subject,
    audit,
    rate_of,
)
from segue.experiments.audit_rivals import N_GRAM, RANDOM, RIVALS, Passages, written_by
from segue.experiments.audit_subjects import JUDGE, MELODY_PRESETS, PRESETS
from segue.experiments.audit_tables import audit_markdown, per_cent, rate_cell
from segue.rewards.phrase import PHRASE

PRIOR = fit_ngram(phrases(200, 1))


@dataclass(frozen=True)
class Knows:
    """Knows some melodies by heart, of one model is sure that it made the others."""

    known: frozenset[bytes]

    def score(self, tokens: Tokens) -> npt.NDArray[np.float64]:
        lines = tokens.astype(np.int8)
        return np.array([3.0 if line.tobytes() in self.known else -3.0 for line in lines])


def subject(share: float) -> Subject:
    """Forty melodies, a share of them known to the judge as people's."""
    lines = phrases(40, 5)
    known = frozenset(line.astype(np.int8).tobytes() for line in lines[: round(40 * share)])
    task = Melody("segue", PRIOR, judge=Knows(known))
    scale = np.ones((40, 36), dtype=np.bool_)
    passages = Passages(lines, scale, np.zeros(40, dtype=np.int64))
    part = Part(task, passages, np.zeros(40, dtype=np.uint64), np.arange(40))
    return Subject("judged", (part,), more=(written_by(lambda: PRIOR),))


# --- the n-gram --------------------------------------------------------------------------------


def test_the_model_writes_a_melody_for_each_line() -> None:
    maker = written_by(lambda: PRIOR)
    passages = random_passages(count=30)
    one, two, other = (maker.make(passages, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (maker.kind, one.shape, one.dtype) == (N_GRAM, (30, 32), np.int64)
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    assert len(np.unique(one, axis=0)) > 25


def test_other_rivals_are_what_they_are_without_the_model() -> None:
    with_model = audit(subject(0.5), seed=3)
    less = subject(0.5)
    without = audit(Subject(less.name, less.parts), seed=3)
    assert list(with_model.rates[WHOLE]) == list(RIVALS)
    assert list(without.rates[WHOLE]) == list(TARGETS)
    for term, rates in without.rates.items():
        assert {kind: with_model.rates[term][kind] for kind in rates} == rates


# --- what is asked -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "missed"),
    [
        (1.0, ()),
        # What is not known scores as its rivals do, which decides nothing.
        (0.5, ()),
        (0.0, ("realism: n-gram", "realism: random")),
    ],
)
def test_the_term_is_asked_for_by_itself(share: float, missed: tuple[str, ...]) -> None:
    found = audit(subject(share))
    assert tuple(kind for kind in found.missed if kind.startswith("realism")) == missed
    rate = found.rates["realism"][N_GRAM]
    assert (rate.wins, rate.losses) == (round(40 * share), 0)
    assert set(found.rates) == {WHOLE, *PHRASE.names}


def test_only_a_reward_with_the_term_is_asked_for_it() -> None:
    fair = {kind: Rate(9, 0, 0, 9) for kind in RIVALS}
    poor = {**fair, N_GRAM: Rate(2, 7, 0, 9)}
    almost = {**fair, RANDOM: Rate(999, 1, 0, 9)}
    rows = {WHOLE: poor, "prior": poor}
    assert Audit("x", 9, 9, 0, {}, rows).missed == ()
    assert Audit("x", 9, 9, 0, {}, {**rows, "realism": fair}).missed == ()
    assert Audit("x", 9, 9, 0, {}, {**rows, "realism": poor}).missed == ("realism: n-gram",)
    found = Audit("x", 9, 9, 0, {}, {**rows, "realism": almost})
    assert found.missed == ("realism: random",)
    assert "misses realism: random" in audit_markdown([found])
    assert TERM_TARGETS == {"realism": {N_GRAM: 0.7, RANDOM: 1.0}}
    assert N_GRAM not in TARGETS


def test_the_preset_has_the_judge_that_comes_with_segue() -> None:
    assert MELODY_PRESETS["segue-judged"] == ("segue", "corpus", JUDGE)
    assert PRESETS == ("segue", "segue-judged", "rl-tuner", "rl-tuner-rules", "lead-sheet")
    assert audit_subjects.JUDGE == "segue.agents.generators.pretrained:scorer"


# --- tables ------------------------------------------------------------------------------------


def test_almost_all_does_not_read_as_all() -> None:
    shares = [0.0, 0.00004, 0.5, 0.9994, 0.9996, 0.999996, 1.0]
    shown = ["0.0", "0.004", "50.0", "99.9", "99.96", "99.9996", "100.0"]
    assert [per_cent(share) for share in shares] == shown
    margins = np.append(np.ones(2999), -1.0)
    assert rate_cell(rate_of(margins, np.arange(3000))).startswith("99.97 (")
