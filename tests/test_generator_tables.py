"""Tables of the generators: the plain n-gram, the attention model, frontier, growth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from melody_models import SMALL, small_model, tunes

from segue.agents.generators.attention_training import AttentionLearning
from segue.agents.generators.passages import note_in_chord, passages
from segue.agents.generators.tuning import TuningConfig
from segue.envs.base.errors import SegueError
from segue.envs.melody.ngram_tokens import TokenNGram
from segue.envs.melody.tokens import notes_of
from segue.envs.music.metrics.interval_index import IntervalIndex
from segue.envs.music.metrics.vendi import vendi_score_of_melodies
from segue.experiments import attention_table, frontier_table, growth_table
from segue.experiments.growth_table import BASE, GROWN, PLAIN, SCRATCH, GrowthStudy


def silent(share: float, text: str) -> None:
    assert 0.0 <= share <= 1.0


# --- the plain n-gram --------------------------------------------------------------------------


def test_an_n_gram_is_interpolated_as_witten_and_bell_do() -> None:
    model = TokenNGram.fit([np.array([5, 6, 5, 7])], order=2)
    flat = 1 / 38
    once = (2 + 3 * flat) / 7  # of 5, twice among four tokens of three kinds
    rarely = (1 + 3 * flat) / 7
    chances = model.probabilities((5,))
    assert chances.sum() == pytest.approx(1.0)
    # 5 was followed by 6 and by 7: half of it is theirs, half what they are without context.
    assert chances[5] == pytest.approx(once / 2)
    assert chances[6] == pytest.approx((1 + 2 * rarely) / 4)
    assert model.probabilities((9,))[5] == pytest.approx(once)


def test_what_an_n_gram_foretells() -> None:
    model = TokenNGram.fit([np.array([5, 1, 6, 1] * 8)], order=3)
    nats, accuracy = model.measure([np.array([5, 1, 6, 1] * 4)])
    assert nats < 0.5
    assert accuracy == 1.0
    # Of five onsets 5 after the start and after a hold that follows 9 are foretold wrongly.
    other = model.measure([np.array([9, 1, 5, 1, 6])])
    assert other[0] > nats
    assert other[1] == pytest.approx(1 / 3)


# --- the attention model -----------------------------------------------------------------------


def test_the_model_is_set_beside_the_n_gram(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention_table, "tunes_of", lambda names, split: tunes(6, seed=len(split)))
    monkeypatch.setattr(attention_table, "pretrained_model", small_model)
    row = attention_table._row(
        small_model(), TokenNGram.fit([t.tokens for t in tunes(6)]), tunes(3)
    )
    assert (row["tunes"], row["tokens"]) == (3, 192)
    assert row["hold"] == 0.75
    assert row["onsets"] == 0.25
    assert row["n-gram"]["nll"] < 1.0 < row["attention"]["nll"]
    figures: dict[str, Any] = {
        "tunes": {"folk tunes": row},
        "windows": {"attention": {"nll": 1.0, "onset_accuracy": 0.5}},
        "parameters": 1234,
        "speed": {"products": 0.7, "profile": {"aten::mm": 0.5}, "seconds": {"2 bars": 0.25}},
    }
    text = attention_table.attention_markdown(figures)
    assert "| folk tunes | 3 | 192 | 75.0 % |" in text
    assert "70 % of its time in matrix products" in text
    assert "100 melodies are written in 0.25 s for 2 bars" in text


# --- frontier ----------------------------------------------------------------------------------


def test_harmony_diversity_and_copying_are_told_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = passages(tunes(6), bars=4)
    index = IntervalIndex.build([[60, 62, 64, 65, 67]])
    stick = frontier_table.Yardstick(people, index, copied=2)
    monkeypatch.setattr(frontier_table, "yardstick", lambda split: stick)
    monkeypatch.setattr(frontier_table, "tunes_of", lambda names, split: tunes(8, seed=4))
    monkeypatch.setattr(frontier_table, "pretrained_model", small_model)
    quick = TuningConfig(updates=3, sequences=2, melodies=2, minibatch=4)
    study = frontier_table.FrontierStudy(seeds=2, melodies=2, tuning=quick)
    figures = frontier_table.measure_frontier(study, tmp_path, ["segue"], silent)
    rows = figures["rows"]
    assert [len(seeds) for seeds in rows.values()] == [1, 2, 2, 2]
    human = rows["people, held out"][0]
    assert human["note in chord"] == note_in_chord(people.tokens, people.chords).mean() == 1.0
    assert human["distinct"] == 1.0
    # Finished runs are taken up again.
    again = frontier_table.measure_frontier(study, tmp_path, ["segue"], silent)
    assert again == figures
    text = frontier_table.frontier_markdown(figures)
    assert "| notes that belong to their chord, % | 100.0 |" in text
    assert "6 held-out passages" in text
    assert text.count("**tuned") == 2


def test_diversity_is_that_of_as_many_melodies_as_people_have() -> None:
    people = passages(tunes(6), bars=4)
    stick = frontier_table.Yardstick(people, IntervalIndex.build([[60, 62, 64]]), copied=2)
    many = passages(tunes(18, seed=9), bars=4)
    told = frontier_table._figures(many.tokens, many.chords, stick)["vendi"]
    assert 1.0 < told < vendi_score_of_melodies([notes_of(line) for line in many.tokens]) - 0.5


def test_wrong_frontiers_are_told() -> None:
    with pytest.raises(SegueError, match="at least one"):
        frontier_table.FrontierStudy(seeds=0)
    with pytest.raises(SegueError, match="validation or test"):
        frontier_table.FrontierStudy(seeds=1, split="train")


# --- growth ------------------------------------------------------------------------------------

STUDY = GrowthStudy(
    seeds=1,
    old=("airdsAirs",),
    new=("bach",),
    updates=50,
    size=SMALL,
    learning=AttentionLearning(batch_tokens=20_000, warmup=2, validate_every=5),
    grown=AttentionLearning(learning_rate=0.0005, rehearsal=0.5),
)


def test_the_grown_models_make_a_tenth_of_the_updates_from_the_first_ones() -> None:
    first = growth_table.base(STUDY, 3)
    assert (first.learning.updates, first.collections, first.start) == (50, STUDY.old, "")
    plans = growth_table.plans(STUDY, "bach", 3, "first.safetensors")
    assert list(plans) == [SCRATCH, GROWN, PLAIN]
    assert [one.learning.updates for one in plans.values()] == [50, 5, 5]
    assert [one.start for one in plans.values()] == ["", *["first.safetensors"] * 2]
    assert [one.learning.rehearsal for one in plans.values()] == [0.0, 0.5, 0.0]
    assert {one.collections for one in plans.values()} == {STUDY.new}
    assert {one.seed for one in (first, *plans.values())} == {3}
    usual = STUDY.learning.learning_rate
    rates = [one.learning.learning_rate for one in plans.values()]
    assert rates == [usual, 0.0005, 0.0005]


def test_losses_are_weighed_by_tokens() -> None:
    test = {
        "airdsAirs": {"nll": 1.0, "tokens": 300},
        "ryansMammoth": {"nll": 2.0, "tokens": 100},
        "bach": {"nll": 3.0, "tokens": 10},
    }
    old = ("airdsAirs", "ryansMammoth")
    assert growth_table._losses({"test": test}, old, "bach") == {"old": 1.25, "new": 3.0}
    assert growth_table._losses({"test": {"bach": test["bach"]}}, old, "bach") == {"new": 3.0}


def growth_rows(old: float, new: float) -> dict[str, list[dict[str, float]]]:
    return {
        BASE: [{"old": 1.0}, {"old": 1.2}],
        SCRATCH: [{"new": 0.8}, {"new": 0.6}],
        GROWN: [{"old": old, "new": new}, {"old": 1.2 * old, "new": new}],
        PLAIN: [{"old": 1.1, "new": 0.69}, {"old": 1.32, "new": 0.69}],
    }


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (1.01, 0.7, "Reached: with rehearsal the second corpus' loss is +0.00 %"),
        (1.03, 0.6, "Missed"),
        (1.0, 0.71, "Missed: with rehearsal the second corpus' loss is +1.43 %"),
    ],
)
def test_what_was_forgotten_is_told(old: float, new: float, verdict: str) -> None:
    text = growth_table.growth_markdown({"rows": {"bach": growth_rows(old, new)}, "updates": 500})
    change = f"{100 * old - 100:+.2f}"
    assert f"| {change} ({change} to {change}) % | {new:.4f} ({new:.4f} to {new:.4f}) |" in text
    assert "| second corpus from nothing | 500 |  |  | 0.7000 (0.6000 to 0.8000) |" in text
    assert "| grown without | 50 | 1.2100 (1.1000 to 1.3200) | +10.00" in text
    assert verdict in text


def test_growth_needs_two_corpora() -> None:
    for old, new in (((), ("bach",)), (("bach",), ()), (("bach",), ("bach",))):
        with pytest.raises(SegueError, match="name some"):
            GrowthStudy(1, old, new, 100)
    with pytest.raises(SegueError, match="one seed"):
        GrowthStudy(0, ("airdsAirs",), ("bach",), 100)
    with pytest.raises(SegueError, match="ten updates"):
        GrowthStudy(1, ("airdsAirs",), ("bach",), 9)
