"""The attention model: what it sees, sampling, filling gaps, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from melody_models import SMALL, small_model, tunes

from segue.agents.generators.attention import AttentionConfig, Dropout, _rotated
from segue.agents.generators.attention_prior import WINDOW, AttentionPrior
from segue.agents.generators.batches import as_found, collate, excerpt, whole
from segue.agents.generators.conditions import MODES, TAG_SIZES, Conditions, conditions_of
from segue.agents.generators.features import COLUMNS, HISTORY_SIZES, SIZES, features
from segue.agents.generators.melody_model import MelodyModel
from segue.agents.generators.reader import Plan, Reader, draw_tokens, whole_tune
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import STEPS, TOKENS, log_likelihood, sample

MODEL = small_model()


def described(tokens: list[int], **changed: int) -> np.ndarray:
    facts = {"bar": 4, "start": 0, "bars": 0, "placed": 1, "metre": 0} | changed
    columns = {name: np.array([value]) for name, value in facts.items() if name != "placed"}
    placed = np.array([bool(facts["placed"])])
    return features(np.array([tokens]), placed=placed, **columns)[0]


def test_what_is_seen_of_a_melody() -> None:
    seen = described([10, 1, 0, 12, 13, 1], start=1, bars=3)
    assert seen.shape == (6, COLUMNS)
    assert seen[:, 0].tolist() == [38, 10, 1, 0, 12, 13]  # the last token
    assert seen[:, 1].tolist() == [36, 8, 8, 8, 10, 11]  # the last pitch, and those before
    assert seen[:, 2].tolist() == [36, 36, 36, 36, 8, 10]
    assert seen[:, 3].tolist() == [36, 36, 36, 36, 36, 8]
    assert seen[:, 4].tolist() == [0, 3, 5, 2, 3, 3]  # twice the time since, 1 more in a note
    assert seen[:, 5].tolist() == [1, 2, 3, 0, 1, 2]  # place in the bar
    assert seen[:, 6].tolist() == [1, 1, 1, 2, 2, 2]  # bar
    assert seen[:, 7].tolist() == [3, 3, 3, 2, 2, 2]  # bars left
    assert seen[:, 8].tolist() == [38, 38, 38, 38, 10, 1]  # a bar before


def test_of_an_excerpt_the_place_is_not_told() -> None:
    seen = described([10, 1, 1, 1, 12], placed=0, metre=2)
    assert seen[:, 6].tolist() == [0] * 5
    assert seen[:, 7].tolist() == [0] * 5
    assert seen[:, 5].tolist() == [48, 49, 50, 51, 48]


def test_no_sixteenth_sees_itself_or_what_follows() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(TOKENS, size=STEPS).tolist()
    for place in (0, 7, 20):
        changed = [*tokens[:place], *rng.integers(TOKENS, size=STEPS - place).tolist()]
        assert (described(tokens)[: place + 1] == described(changed)[: place + 1]).all()


def test_all_that_is_seen_has_its_place_in_the_table() -> None:
    rng = np.random.default_rng(1)
    rows = features(
        rng.integers(TOKENS + 1, size=(50, 300)),
        bar=rng.integers(1, 25, size=50),
        start=np.zeros(50, dtype=np.int64),
        bars=rng.integers(0, 400, size=50),
        placed=rng.random(50) < 0.5,
        metre=rng.integers(0, 11, size=50),
    )
    assert (rows >= 0).all()
    assert (rows < np.array(HISTORY_SIZES)).all()


def test_the_model_reads_token_by_token_as_it_reads_at_once() -> None:
    rng = np.random.default_rng(2)
    tokens = rng.integers(TOKENS, size=(5, STEPS)).astype(np.int8)
    chords = rng.integers(1, 1 << 12, size=STEPS).astype(np.int32)
    plan = Plan(STEPS, conditions=Conditions(mode="minor"), chords=chords)
    batch = collate([plan.as_excerpt(row) for row in tokens])
    with torch.no_grad():
        at_once = MODEL.network(batch.seen, batch.chords).double().log_softmax(-1).numpy()
    reader = Reader(MODEL.network, [plan] * 5)
    reader.write(tokens[:, :7])
    for place in range(7, STEPS):
        assert reader.log_probabilities() == pytest.approx(at_once[:, place], abs=1e-5)
        reader.write(tokens[:, place])


def test_attention_knows_how_far_apart_places_are() -> None:
    network = MODEL.network
    query, key = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))

    def weight(here: int, there: int) -> float:
        angles = torch.tensor([here, there])[:, None] * network.rates
        turned = _rotated(torch.stack([query, key]), (angles.cos(), angles.sin()))
        return float(turned[0] @ turned[1])

    assert weight(5, 3) == pytest.approx(weight(40, 38), abs=1e-4)
    assert abs(weight(5, 3) - weight(5, 1)) > 1e-3
    # It is used: of equal tokens, told nothing of their place, the order matters.
    seen = torch.zeros(1, 3, len(SIZES), dtype=torch.int64)
    seen[0, :, 0] = torch.tensor([4, 9, 4])
    swapped = seen[:, [1, 0, 2]]
    chords = torch.zeros(1, 3, 24)
    with torch.no_grad():
        ends = [network(row, chords)[0, -1] for row in (seen, swapped)]
    assert not torch.allclose(*ends, atol=1e-5)


def test_chords_and_conditions_make_a_difference() -> None:
    plans = [
        Plan(8),
        Plan(8, chords=np.full(8, 145, dtype=np.int32)),
        Plan(8, conditions=Conditions(mode="minor")),
        Plan(8, conditions=Conditions(density=3.0)),
        Plan(8, whole=False),
        Plan(8, bar=4, start=2),
    ]
    chances = [Reader(MODEL.network, [plan]).log_probabilities() for plan in plans]
    for number, row in enumerate(chances):
        for other in chances[:number]:
            assert not np.allclose(row, other)


def test_the_same_seed_writes_the_same_melodies() -> None:
    first, second = (MODEL.sample(Plan(24), 6, np.random.default_rng(3)) for _ in range(2))
    assert (first == second).all()
    assert len(np.unique(first, axis=0)) == 6
    assert first.min() >= 0
    assert first.max() < TOKENS


def test_a_motif_is_gone_on_with() -> None:
    motif = [14, 1, 16, 1]
    melodies = MODEL.sample(Plan(24), 3, np.random.default_rng(4), motif=motif)
    assert (melodies[:, :4] == motif).all()


def test_temperature_and_nucleus() -> None:
    chances = np.log(np.tile([0.5, 0.3, 0.15, 0.05], (20_000, 1)))
    drawn = [
        np.bincount(draw_tokens(chances, np.random.default_rng(5), *settings), minlength=4) / 20_000
        for settings in ((1.0, 1.0), (1.0, 0.75), (0.5, 1.0), (1.0, 0.5))
    ]
    cold = np.array([0.25, 0.09, 0.0225, 0.0025])
    wanted = [[0.5, 0.3, 0.15, 0.05], [0.625, 0.375, 0, 0], cold / cold.sum(), [1, 0, 0, 0]]
    assert np.array(drawn) == pytest.approx(np.array(wanted), abs=0.012)


def test_a_gap_is_filled_by_what_leads_to_what_follows() -> None:
    # A model that holds a token for likely where it stood a bar before, so the right side tells
    # which candidates are good.
    rng = np.random.default_rng(6)
    plan = Plan(20, bar=4)
    before, after = [14, 1, 16, 1], [18, 1, 14, 1]
    filled = MODEL.fill(plan, before, after, rng, candidates=64)
    assert filled[:4].tolist() == before
    assert filled[-4:].tolist() == after
    many = [MODEL.fill(plan, before, after, np.random.default_rng(k)) for k in range(12)]
    likely = MODEL.log_likelihood(plan, np.array(many)).mean()
    loose = MODEL.sample(plan, 200, rng, motif=before)
    loose[:, -4:] = after
    assert likely > MODEL.log_likelihood(plan, loose).mean()


def test_the_prior_answers_as_the_model_does() -> None:
    prior = AttentionPrior(MODEL)
    melodies = sample(prior, 9, np.random.default_rng(7))
    told = MODEL.log_likelihood(WINDOW, melodies)
    assert log_likelihood(prior, melodies) == pytest.approx(told, abs=1e-4)
    # Questions out of order are answered, too.
    rows = prior.log_probabilities(melodies[:4, :5])
    assert np.exp(rows).sum(axis=1) == pytest.approx(np.ones(4))
    other = prior.log_probabilities(melodies[4:8, :6])
    again = AttentionPrior(MODEL).log_probabilities(melodies[4:8, :6])
    assert other == pytest.approx(again, abs=1e-6)


def test_the_prior_reads_each_token_but_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, read = small_model(), []
    asked = model.network.forward

    def watched(seen: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
        read.append(seen.shape[1])
        return asked(seen, *rest, **named)

    monkeypatch.setattr(model.network, "forward", watched)
    sample(AttentionPrior(model), 3, np.random.default_rng(0))
    assert read == [1] * STEPS


def test_a_model_comes_back_from_its_file(tmp_path: Path) -> None:
    MODEL.save(tmp_path / "m.safetensors")
    back = MelodyModel.load(tmp_path / "m.safetensors")
    assert back.network.config == SMALL
    assert back.facts == {"collections": ["bach"]}
    melodies = MODEL.sample(Plan(16), 4, np.random.default_rng(8))
    kept = back.log_likelihood(Plan(16), melodies)
    assert kept == pytest.approx(MODEL.log_likelihood(Plan(16), melodies), abs=0.05)
    back.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (
        tmp_path / "m.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("data", [b"", b"no model", b"\x08\0\0\0\0\0\0\0{}      "])
def test_another_file_is_no_model(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.safetensors").write_bytes(data)
    with pytest.raises(SegueError, match=r"m\.safetensors is no melody model"):
        MelodyModel.load(tmp_path / "m.safetensors")
    with pytest.raises(SegueError, match="is no melody model"):
        MelodyModel.load(tmp_path / "missing.safetensors")


def test_what_is_known_of_a_tune() -> None:
    tune = tunes(1)[0]
    known = conditions_of(tune)
    assert (known.mode, known.metre, known.genre) == ("major", (4, 4), "chorale")
    assert (known.density, known.tempo) == (1.0, 100.0)
    assert conditions_of(replace(tune, tempo=120.0)).tempo is None
    assert known.tags().tolist()[0] == 1 + MODES.index("major")
    assert (known.tags() < np.array(TAG_SIZES)).all()
    assert Conditions().tags().tolist() == [0] * len(TAG_SIZES)
    tested = as_found(tune, 512)
    assert tested.bars == 0
    assert tested.tags.tolist() == [*known.tags().tolist()[:4], 0, 0, 0]


def test_an_excerpt_is_whole_bars_of_the_tune_and_begins_with_what_sounds() -> None:
    tune = tunes(1, bars=8)[0]
    held = tune.tokens.copy()
    held[16] = 1
    known = whole(replace(tune, tokens=held), 512)
    begun = set()
    for seed in range(60):
        taken = excerpt(known, np.random.default_rng(seed))
        begin = next(
            at
            for at in range(0, 128, 16)
            if (taken.tokens[1:] == held[at + 1 : at + len(taken.tokens)]).all()
            and len(held[at:]) >= len(taken.tokens)
        )
        begun.add(begin)
        assert len(taken.tokens) % 16 == 0
        assert not taken.placed
        assert taken.tokens[0] == (held[12] if begin == 16 else held[begin])
    assert 16 in begun
    assert len(begun) > 4


def test_dropout_keeps_the_mean_and_follows_its_generator() -> None:
    ones = torch.ones(1000, 50)
    first, second = (Dropout(0.3, torch.Generator().manual_seed(1))(ones) for _ in range(2))
    assert torch.equal(first, second)
    assert first.mean().item() == pytest.approx(1.0, abs=0.02)
    assert (first == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: AttentionConfig(width=10, heads=3), "no multiple"),
        (lambda: AttentionConfig(layers=0), "layers is 0"),
        (lambda: Plan(0), "0 sixteenths"),
        (lambda: Plan(8, bar=25), "bar of 25"),
        (lambda: Plan(8, chords=np.zeros(4, dtype=np.int32)), "chords for 4 of 8"),
        (lambda: Conditions(mode="locrian"), "no mode 'locrian'"),
        (lambda: MODEL.sample(Plan(8), 0, np.random.default_rng(0)), "0 melodies"),
        (lambda: MODEL.sample(Plan(129), 1, np.random.default_rng(0)), "longer than the 128"),
        (lambda: MODEL.sample(Plan(8), 1, np.random.default_rng(0), temperature=0.0), "temperat"),
        (lambda: MODEL.sample(Plan(8), 1, np.random.default_rng(0), nucleus=1.5), "nucleus"),
        (lambda: MODEL.sample(Plan(8), 1, np.random.default_rng(0), motif=[38]), "0 to 37"),
        (lambda: MODEL.sample(Plan(2), 1, np.random.default_rng(0), motif=[2, 3]), "leaves noth"),
        (lambda: MODEL.fill(Plan(4), [2, 1], [3, 1], np.random.default_rng(0)), "leave no gap"),
    ],
)
def test_wrong_numbers_are_told_in_a_sentence(wrong: object, message: str) -> None:
    with pytest.raises(SegueError, match=message):
        wrong()  # type: ignore[operator]


def test_a_tune_is_planned_in_its_metre() -> None:
    plan = whole_tune(8, (6, 8), Conditions(mode="dorian"))
    assert (plan.length, plan.bar, plan.conditions.metre) == (96, 12, (6, 8))
    assert plan.as_excerpt(np.zeros(96, dtype=np.int8)).bars == 8
    assert len(SIZES) == COLUMNS + len(TAG_SIZES)
