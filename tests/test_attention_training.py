"""Training of the attention model: it learns, and goes on exactly where it stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from melody_models import SMALL, small_model, tunes

from segue.agents.deep.tensor_tree import Arrays, join, split
from segue.agents.generators import attention_training
from segue.agents.generators.attention_training import AttentionLearning, AttentionTraining
from segue.agents.generators.batches import IGNORED, collate, epoch, excerpt, grouped, whole
from segue.agents.generators.conditions import METRE
from segue.envs.base.errors import SegueError

QUICK = AttentionLearning(
    updates=60,
    batch_tokens=640,
    learning_rate=0.01,
    warmup=5,
    dropout=0.1,
    validate_every=10,
    rehearsal=0.25,
)


def training(learning: AttentionLearning = QUICK, seed: int = 0) -> AttentionTraining:
    held_out = {"new": tunes(8, seed=1), "old": tunes(8, seed=3)}
    return AttentionTraining(SMALL, learning, tunes(24), held_out, seed, tunes(24, seed=2))


def stored(state: dict[str, Any]) -> Any:
    """A state as it comes back from a checkpoint."""
    arrays: Arrays = {}
    tree = json.loads(json.dumps(split(state, arrays)))
    return join(tree, arrays)


def test_it_learns_where_notes_begin_and_which() -> None:
    run = training()
    before = run.validate()
    while not run.finished:
        run.update()
        if run.step % QUICK.validate_every == 0:
            after = run.validate()
    assert run.step == 60
    assert before["new/nll"] > 3.0
    # A quarter of the tokens are one of three pitches: .27 nats; the rest is certain.
    assert after["new/nll"] < 0.6
    assert after["old/nll"] < 0.6
    assert after["new/onset_accuracy"] > 0.2


def test_it_goes_on_bit_for_bit() -> None:
    whole_run, first = training(), training()
    for _ in range(7):
        first.update()
    first.validate()
    second = training()
    second.load_state(stored(first.state()))
    for _ in range(7):
        whole_run.update()
    whole_run.validate()
    for _ in range(6):
        assert second.update() == whole_run.update()
    assert second.validate() == whole_run.validate()
    ours, theirs = second.state(), whole_run.state()
    assert ours["step"] == theirs["step"] == 13
    for name, value in ours["model"].items():
        assert torch.equal(value, theirs["model"][name])
        assert torch.equal(ours["best"][name], theirs["best"][name])


def test_another_seed_is_another_run() -> None:
    assert training(seed=0).update() != training(seed=1).update()


def test_it_stops_when_nothing_gets_better_and_keeps_the_best() -> None:
    run = training(replace(QUICK, learning_rate=0.0, patience=2))
    first = run.validate()
    best = run.best()
    for count in range(1, 3):
        assert not run.finished
        run.update()
        assert run.validate() == first
        assert run.finished == (count == 2)
    assert run.best() is best


def test_it_begins_from_another_model() -> None:
    model = small_model(seed=5)
    run = training()
    run.begin_from(model.network.state_dict())
    for name, value in model.network.state_dict().items():
        assert torch.equal(run.best()[name], value)


def test_an_epoch_shows_every_tune_and_hides_some_of_what_is_known() -> None:
    known = [whole(tune, 64) for tune in tunes(40)]
    batches = epoch(known, np.random.default_rng(0), 640, excerpts=0.0, untold=0.5)
    shown = [tune for batch in batches for tune in batch]
    assert len(shown) == 40
    assert all(len(batch) * 64 <= 640 for batch in batches)
    told = np.array([tune.tags > 0 for tune in shown])
    known_tags = np.array([tune.tags > 0 for tune in known])
    assert 0.4 < told[known_tags].mean() < 0.6
    assert 10 < sum(tune.bars > 0 for tune in shown) < 30
    assert 10 < sum(bool(tune.chords.any()) for tune in shown) < 30
    again = epoch(known, np.random.default_rng(0), 640, excerpts=0.0, untold=0.5)
    assert [len(batch) for batch in again] == [len(batch) for batch in batches]


def test_earlier_tunes_are_rehearsed_by_their_share_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[int, float]] = []

    def counted(tunes: Any, rng: Any, batch_tokens: int, *rest: Any) -> Any:
        shown.append((len(tunes), batch_tokens / QUICK.batch_tokens))
        return epoch(tunes, rng, batch_tokens, *rest)

    monkeypatch.setattr(attention_training, "epoch", counted)
    for share in (0.0, 0.25, 0.6):
        training(replace(QUICK, rehearsal=share)).update()
    assert [tunes for tunes, _ in shown] == [24, 32, 60]
    assert [times for _, times in shown] == pytest.approx([1.0, 4 / 3, 2.5], rel=0.01)


def test_some_tunes_are_cut_to_excerpts() -> None:
    known = [whole(tune, 64) for tune in tunes(60)]
    batches = epoch(known, np.random.default_rng(0), 640, excerpts=0.5, untold=0.0)
    cut = [tune for batch in batches for tune in batch if not tune.placed]
    assert 20 < len(cut) < 40
    assert all(tune.bars == 0 for tune in cut)


def test_two_short_bars_are_now_and_then_taken_for_one() -> None:
    known = replace(whole(tunes(1)[0], 64), bar=8)
    bars = set()
    for seed in range(20):
        taken = excerpt(known, np.random.default_rng(seed))
        bars.add(taken.bar)
        assert (taken.tags[METRE] == 0) == (taken.bar == 16)
        assert len(taken.tokens) % taken.bar == 0
    assert bars == {8, 16}


def test_nothing_is_learnt_behind_the_end_of_a_tune() -> None:
    short, long = whole(tunes(1, bars=1)[0], 64), whole(tunes(1)[0], 64)
    batch = collate([short, long])
    assert (batch.tokens[0, 16:] == IGNORED).all()
    assert (batch.tokens[1] != IGNORED).all()
    assert [len(group) for group in grouped([short] * 5, 40)] == [2, 2, 1]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"updates": 0}, "updates is 0"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"precision": "float16"}, "precision is 'float16'"),
    ],
)
def test_wrong_settings_are_told(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(SegueError, match=message):
        replace(QUICK, **changed)


def test_there_must_be_something_to_learn_from() -> None:
    with pytest.raises(SegueError, match="no tunes to learn from"):
        AttentionTraining(SMALL, QUICK, [], {"new": tunes(2)}, 0)
    with pytest.raises(SegueError, match="no tunes to learn from"):
        AttentionTraining(SMALL, QUICK, tunes(2), {"new": []}, 0)


def test_single_and_half_precision_learn_alike() -> None:
    runs = [training(replace(QUICK, precision=name)) for name in ("float32", "bfloat16")]
    for _ in range(20):
        losses = [run.update()["loss"] for run in runs]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)
