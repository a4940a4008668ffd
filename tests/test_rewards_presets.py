"""The presets against stored weights, and what the envs pay in stored episodes."""

from __future__ import annotations

import pytest
from stored_episodes import counterpoint, highlight, lead_sheet, melody, montage, multicam

EPISODES = {
    "segue/Counterpoint-v0": counterpoint.EPISODE,
    "segue/Highlight-v0": highlight.EPISODE,
    "segue/LeadSheet-v0": lead_sheet.EPISODE,
    "segue/Melody-v0": melody.EPISODE,
    "segue/Montage-v0": montage.EPISODE,
    "segue/Multicam-v0": multicam.EPISODE,
}


@pytest.mark.parametrize("name", EPISODES)
def test_the_presets_have_their_weights(name: str) -> None:
    assert EPISODES[name].preset.weights == EPISODES[name].weights


@pytest.mark.parametrize(
    ("name", "term"), [(name, term) for name, stored in EPISODES.items() for term in stored.weights]
)
def test_an_env_pays_each_term_by_its_weight(name: str, term: str) -> None:
    stored = EPISODES[name]
    raw, weight = stored.raw[term], stored.weights[term]
    assert any(raw), "the episode must bring the term into play"
    others = {other: 0.0 for other in stored.weights if other != term}
    unit, _ = stored.play(reward_weights=others | {term: 1.0})
    assert unit == pytest.approx(raw, abs=1e-7)
    paid, terms = stored.play(reward_weights=others)
    assert paid == pytest.approx([weight * value for value in unit], abs=1e-12)
    assert [step[term] for step in terms] == paid
    _, whole = stored.play()
    assert [step[term] for step in whole] == paid


@pytest.mark.parametrize("name", EPISODES)
def test_the_default_reward_of_a_stored_episode(name: str) -> None:
    stored = EPISODES[name]
    rewards, terms = stored.play()
    assert set(terms[0]) == set(stored.weights) == set(stored.raw)
    weighted = [[stored.weights[term] * value for value in stored.raw[term]] for term in stored.raw]
    expected = [sum(step) for step in zip(*weighted, strict=True)]
    assert rewards == pytest.approx(expected, abs=1e-6)
