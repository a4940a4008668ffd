"""The judge that comes with segue: its file, its card, and how it is made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import save

from segue.agents.generators import pretrained
from segue.agents.generators.scorer import FORMAT, MelodyScorer, ScorerConfig
from segue.envs.base.errors import SegueError
from segue.envs.melody.env import MelodyEnv, MelodyVectorEnv
from segue.envs.melody.prior import STEPS, TOKENS
from segue.experiments import generators_table, pretrained_scorer

Melodies = npt.NDArray[np.int8]

JUDGE = "segue.agents.generators.pretrained:scorer"

ODE = [18, 1, 1, 1, 18, 1, 1, 1, 19, 1, 1, 1, 21, 1, 1, 1, 21, 1, 1, 1, 19, 1, 1, 1]
ODE += [18, 1, 1, 1, 16, 1, 1, 1]


def noise(count: int, seed: int) -> Melodies:
    return np.random.default_rng(seed).integers(TOKENS, size=(count, STEPS)).astype(np.int8)


def quarters(count: int, seed: int) -> Melodies:
    """Quarter notes of the scale."""
    lines = np.ones((count, STEPS), dtype=np.int8)
    drawn = np.random.default_rng(seed).integers(5, size=(count, STEPS // 4))
    lines[:, ::4] = np.array([14, 16, 18, 19, 21])[drawn]
    return lines


# --- what comes with segue ---------------------------------------------------------------------


def test_it_is_small_and_its_card_tells_what_it_is() -> None:
    folder = Path(pretrained.__file__).parent / "models"
    files = list(folder.glob("*.safetensors"))
    assert sum(path.stat().st_size for path in files) <= 5_000_000
    assert (folder / "scorer.safetensors").stat().st_size <= pretrained_scorer.LARGEST
    card, facts = (folder / "scorer.md").read_text(encoding="utf-8"), pretrained.scorer().facts
    assert f"{facts['parameters']:,} parameters" in card
    for name, licence in facts["licences"].items():
        assert f"{name} ({licence})" in card
    assert "python -m segue.experiments.pretrained_scorer" in card
    assert ScorerConfig(**facts["training"]) == ScorerConfig(), "the defaults make it"
    assert "| uniform random | " in card


def test_a_folk_tune_is_above_noise_and_drones() -> None:
    judge = pretrained.scorer()
    ode = judge.score(np.array([ODE]))[0]
    assert ode > -2.0
    assert judge.score(noise(5000, 0)).max() < ode - 10.0
    drones = np.repeat(np.arange(2, TOKENS)[:, None], STEPS, axis=1)
    assert judge.score(drones).max() < ode


def test_it_judges_episodes_by_its_name() -> None:
    env = MelodyEnv(judge=JUDGE)
    env.reset(seed=0)
    paid = [env.step(token)[4]["reward_terms"]["realism"] for token in ODE]
    weight, odds = env.melody.reward.weights["realism"], pretrained.scorer().score(np.array([ODE]))
    assert paid[:-1] == [0.0] * (STEPS - 1)
    assert paid[-1] == pytest.approx(weight * np.tanh(odds[0] / 2.0), abs=1e-4 * weight)
    many = MelodyVectorEnv(3, judge=JUDGE)
    many.reset(seed=0)
    for token in ODE:
        last = many.step(np.full(3, token))[4]["reward_terms"]["realism"]
    np.testing.assert_allclose(last, paid[-1], atol=1e-4 * weight)


# --- files -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small() -> MelodyScorer:
    torch.manual_seed(0)
    return MelodyScorer(2, 8, {"licences": {"mine": "CC0-1.0"}})


def test_what_is_written_comes_back_in_half_precision(small: MelodyScorer, tmp_path: Path) -> None:
    path, again = tmp_path / "s.safetensors", tmp_path / "again.safetensors"
    small.save(path)
    loaded = MelodyScorer.load(path)
    assert (loaded.bars, loaded.width, loaded.facts) == (2, 8, small.facts)
    np.testing.assert_allclose(loaded.score(noise(9, 0)), small.score(noise(9, 0)), atol=0.01)
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "missing"])
def test_a_damaged_file_is_told(damage: str, small: MelodyScorer, tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    small.save(path)
    whole = path.read_bytes()
    contents = {"cut": whole[:-5], "flipped": b"\xff" + whole[1:], "text": b"{}"}
    path.unlink()
    if damage in contents:
        path.write_bytes(contents[damage])
    with pytest.raises(SegueError, match=r"s\.safetensors is no melody scorer \("):
        MelodyScorer.load(path)


@pytest.mark.parametrize(
    "head",
    [
        None,
        "no JSON",
        "[]",
        json.dumps({"bars": 2, "width": 8}),
        json.dumps({"bars": 2, "width": 9, "facts": {}}),
        json.dumps({"bars": 2, "width": 10**9, "facts": {}}),
        json.dumps({"bars": 0, "width": 8, "facts": {}}),
        json.dumps({"bars": 2, "width": 8, "facts": 3}),
    ],
)
def test_a_head_that_does_not_fit_is_told(
    head: str | None, small: MelodyScorer, tmp_path: Path
) -> None:
    path = tmp_path / "s.safetensors"
    weights = {name: x.half() for name, x in small.network.state_dict().items()}
    path.write_bytes(save(weights, metadata=None if head is None else {FORMAT: head}))
    with pytest.raises(SegueError, match="is no melody scorer"):
        MelodyScorer.load(path)


# --- made again --------------------------------------------------------------------------------


@pytest.fixture
def _small_corpora(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = {"train": 0, "validation": 2, "test": 1}
    for module in (generators_table, pretrained_scorer):
        monkeypatch.setattr(module, "corpus_windows", lambda part: quarters(60, seeds[part]))
    monkeypatch.setattr(pretrained_scorer, "plain_samplers", lambda seeds: {"n-gram": [quarters]})
    monkeypatch.setattr(
        generators_table,
        "plain_samplers",
        lambda seeds: {"n-gram": [quarters], "uniform random": [noise]},
    )
    monkeypatch.setattr(pretrained_scorer, "NEGATIVES", 50)
    monkeypatch.setattr(pretrained_scorer, "_RANKED", 40)


@pytest.mark.usefixtures("_small_corpora")
def test_the_same_file_is_made_again_and_its_card_has_what_it_ranks(tmp_path: Path) -> None:
    config = ScorerConfig(steps=40, batch=16, width=8)
    told: list[float] = []

    def tell(share: float, text: str) -> None:
        told.append(share)
        assert text

    found: list[Any] = []
    for name in ("one", "two"):
        paths = pretrained_scorer.write_scorer(tmp_path / name, {"model": noise}, config, tell)
        found.append([path.read_bytes() for path in paths])
    assert found[0] == found[1]
    assert max(told) <= 1.0
    judge, card = MelodyScorer.load(tmp_path / "one" / "scorer.safetensors"), found[0][1].decode()
    assert judge.facts["told_from"] == [
        "n-gram",
        "model",
        "shuffled",
        "drones and scales",
        "uniform random",
    ]
    shares = judge.rankings(quarters(60, 1), {"noise": noise(40, 0)})
    assert f"| uniform random | 2,400 | {100 * shares['noise']:.1f}" in card
    assert "| people's shuffled | 3,600 |" in card
    assert "| model | 2,400 |" in card


@pytest.mark.usefixtures("_small_corpora")
def test_too_large_a_judge_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained_scorer, "LARGEST", 1000)
    config = ScorerConfig(steps=1, batch=16, width=8)
    with pytest.raises(SegueError, match="more than 1,000"):
        pretrained_scorer.write_scorer(tmp_path, {}, config, lambda share, text: None)
