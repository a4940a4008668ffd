"""The mode of `segue/Melody-v0` that shows what the prior says, and the agents that are for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import torch
from test_melody_env import Slow, phrases

from segue.envs.base.errors import SegueError
from segue.envs.melody.asking import FLAT, LEAST
from segue.envs.melody.env import Melody, MelodyEnv, MelodyVectorEnv
from segue.envs.melody.ngram import NGramPrior
from segue.envs.melody.ngram_fit import fit_ngram
from segue.envs.melody.prior import STEPS, TOKENS, Tokens
from segue.experiments.contract import CHECKS, Subject
from segue.experiments.contract.check import Check
from segue.experiments.train import make_agent
from segue.experiments.train_config import default_config

torch.set_num_threads(1)

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def ngram() -> NGramPrior:
    return fit_ngram(phrases(200, 1))


@dataclass(frozen=True)
class Counted(Slow):
    """Counts the situations that it is asked about."""

    asked: ClassVar[int] = 0

    def log_probabilities(self, tokens: Tokens) -> Floats:
        type(self).asked += len(tokens)
        return super().log_probabilities(tokens)


@pytest.mark.parametrize("by_interface", [False, True])
def test_what_the_prior_says_is_shown(ngram: NGramPrior, by_interface: bool) -> None:
    """Also of rows that stand at different steps, and after what is no token."""
    prior = Slow(ngram) if by_interface else ngram
    task, plain = Melody("rl-tuner", prior, None, "prior"), Melody("rl-tuner", prior)
    batch, other = task.allocate(5), plain.allocate(5)
    draws, generator = np.zeros(5, dtype=np.uint64), np.random.default_rng(2)
    for one, each in ((task, batch), (plain, other)):
        one.begin(each, np.arange(5), draws)
    for step in range(50):
        assert isinstance(batch.observation, dict)
        shown = {key: part.copy() for key, part in batch.observation.items()}
        for row in range(5):
            line = batch.tokens(row)
            said = ngram.log_probabilities(line[None]) if len(line) < STEPS else FLAT
            wanted = np.broadcast_to(said, (1, TOKENS))[0]
            np.testing.assert_allclose(shown["prior_log_p"][row], wanted, rtol=1e-6)
            assert task.observation_space.contains({key: part[row] for key, part in shown.items()})
        np.testing.assert_array_equal(shown["features"], other.observation)
        actions = np.where(generator.random(5) < 0.1, 99, generator.integers(TOKENS, size=5))
        task.step(batch, actions)
        plain.step(other, actions)
        np.testing.assert_array_equal(batch.terms, other.terms)
        if step in (5, 20, 33):
            rows = np.array([1, 3])
            task.begin(batch, rows, draws[:2])
            plain.begin(other, rows, draws[:2])


def test_a_model_is_asked_once_for_each_situation(ngram: NGramPrior) -> None:
    env = MelodyVectorEnv(6, "rl-tuner", Counted(ngram), observation_mode="prior")
    Counted.asked = 0
    env.reset(seed=0)
    assert Counted.asked == 1
    for step in range(STEPS):
        env.step(np.full(6, 14 + step % 3))
    # The last step leads to nothing that could be asked.
    assert Counted.asked == 1 + 6 * (STEPS - 1)
    shown, plain = (
        MelodyEnv("rl-tuner", Counted(ngram), observation_mode="prior"),
        MelodyEnv("rl-tuner", ngram),
    )
    for env in (shown, plain):
        env.reset(seed=0)
        env.step(16)
    # Which plays on from copies of the situation.
    assert shown.greedy_action() == plain.greedy_action()


def test_what_is_improbable_is_cut_off_and_nothing_is_no_prior() -> None:
    class Sure:
        def log_probabilities(self, tokens: Tokens) -> Floats:
            return np.tile(np.append(np.full(TOKENS - 1, -1e9), 1e-9), (len(tokens), 1))

    env = MelodyEnv("rl-tuner", Sure(), observation_mode="prior")
    seen, _ = env.reset(seed=0)
    assert env.observation_space.contains(seen)
    assert seen["prior_log_p"].tolist() == [LEAST] * (TOKENS - 1) + [0.0]
    with pytest.raises(SegueError, match="no prior to show; give one"):
        MelodyEnv(observation_mode="prior")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name.replace(" ", "-"))
@pytest.mark.filterwarnings("error")
def test_the_melody_that_shows_its_prior_keeps_the_contract(
    check: Check, ngram: NGramPrior
) -> None:
    options = {"prior": ngram, "observation_mode": "prior", "reward": "rl-tuner"}
    subject = Subject("segue/Melody-v0", options, {}, 20, 100)
    # The melody is no text, and a model is not handed to another process.
    if check.name not in ("text", "other process"):
        assert list(check.find(subject)) == []


# --- trained as it comes -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dqn", "g-learning", "psi-learning"])
def test_the_settings_that_come_with_segue_work(name: str, ngram: NGramPrior) -> None:
    config = default_config("segue/Melody-v0", name)
    assert config.env_options["prior"] == "corpus"
    assert config.env_options["reward"] == "rl-tuner"
    # All are judged by the same return.
    weights = {**config.env_options, **config.test_options}.get("reward_weights", {})
    assert weights.get("prior", 1.0) == 1.0
    config = replace(config, env_options={**config.env_options, "prior": ngram})
    model, venv = make_agent(config, 8)
    paid = config.env_options.get("reward_weights", {}).get("prior", 1.0)
    # Psi-learning is paid for what G-learning is shown, and Q-learning as much as that.
    assert paid == (0.0 if name == "g-learning" else 2.0)
    assert config.hyperparameters.get("temperature", 2.0) == 2.0
    model.learn(400)
    actions, _ = model.predict(venv.reset(), deterministic=False)
    assert actions.shape == (8,)
