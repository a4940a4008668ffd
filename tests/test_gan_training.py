"""Training of the melody GAN: exact continuation, what is learnt, and collapse that is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segue.agents.deep.tensor_tree import Arrays, join, split
from segue.agents.generators.diversity import Diversity, DiversityWatch
from segue.agents.generators.gan_config import GANConfig
from segue.agents.generators.gan_training import GANTraining
from segue.envs.base.errors import SegueError

Melodies = npt.NDArray[np.int8]

SMALL = GANConfig(
    steps=8,
    likelihood_steps=4,
    critic_start=2,
    batch=4,
    latent=4,
    width=8,
    critic_width=8,
    sampled=20,
)


def tunes(count: int, seed: int) -> Melodies:
    """Eighth notes that walk up and down the white keys, of two bars."""
    generator = np.random.default_rng(seed)
    white = np.array([14, 16, 18, 19, 21, 23, 25, 26])
    walks = generator.choice([-1, 1], size=(count, 16)).cumsum(axis=1) + generator.integers(8)
    lines = np.ones((count, 32), dtype=np.int8)
    lines[:, ::2] = white[np.abs(walks) % 8]
    return lines


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def training(config: GANConfig = SMALL, seed: int = 0) -> GANTraining:
    return GANTraining(config, tunes(60, 0), tunes(40, 1), seed)


def stored(state: Any) -> Any:
    """What a checkpoint gives back."""
    arrays: Arrays = {}
    tree = split(state, arrays)
    return join(tree, {name: np.array(array) for name, array in arrays.items()})


def play(run: GANTraining, steps: int) -> list[dict[str, float]]:
    return [run.update() for _ in range(steps)]


def same(one: GANTraining, other: GANTraining) -> bool:
    arrays: Arrays = {}
    others: Arrays = {}
    trees = split(one.state(), arrays) == split(other.state(), others)
    return trees and all(np.array_equal(arrays[name], others[name]) for name in arrays)


# --- exactness ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({}, 1),
        ({}, 3),
        ({}, 6),
        ({"loss": "vanilla", "spectral_norm": True, "critic_steps": 2}, 6),
        ({"likelihood_steps": 0, "likelihood_weight": 0.0}, 3),
    ],
)
def test_a_training_that_was_stopped_goes_on_bit_for_bit(changes: Any, at: int) -> None:
    config = replace(SMALL, **changes)
    whole = training(config)
    play(whole, at)
    whole.validate()
    state = stored(whole.state())
    rest = play(whole, SMALL.steps - at)
    again = training(config, seed=99)
    again.load_state(state)
    assert play(again, SMALL.steps - at) == rest
    assert same(again, whole)
    assert again.validate() == whole.validate()
    assert again.history == whole.history
    assert again.finished


def test_a_state_stays_what_it_was_while_training_goes_on() -> None:
    run = training()
    play(run, 5)
    state = run.state()
    arrays: Arrays = {}
    before = split(stored(state), arrays)
    play(run, 2)
    others: Arrays = {}
    assert split(state, others) == before
    assert all(np.array_equal(arrays[name], others[name]) for name in arrays)


def test_the_seed_decides_and_validation_changes_nothing() -> None:
    plain, watched, other = training(), training(), training(seed=1)
    torch.manual_seed(5)  # What others draw from torch makes no difference.
    for _ in range(SMALL.steps):
        plain.update()
        watched.update()
        watched.validate()
        other.update()
    assert np.array_equal(plain.sample(50, 0), watched.sample(50, 0))
    plain_figures, watched_figures = plain.update(), watched.update()
    assert plain_figures == watched_figures
    assert not np.array_equal(plain.sample(50, 0), other.sample(50, 0))


def test_each_part_of_training_has_its_figures() -> None:
    figures = play(training(), SMALL.steps)
    judged = {"discriminator_loss", "gap"}
    assert set(figures[0]) == {"likelihood_loss"}
    assert set(figures[2]) == judged | {"likelihood_loss"}
    adversarial = judged | {"generator_loss", "likelihood_loss", "temperature"}
    assert all(set(one) == adversarial for one in figures[4:])
    assert figures[4]["temperature"] == pytest.approx(SMALL.warm)
    assert figures[7]["temperature"] == pytest.approx(SMALL.cold)


def test_learning_rate_of_maximum_likelihood_falls() -> None:
    run = training(replace(SMALL, steps=41, likelihood_steps=40, critic_start=0))
    rates = []
    for _ in range(41):
        run.update()
        rates.append(run.state()["optimizers"][0]["param_groups"][0]["lr"] / SMALL.likelihood_rate)
    assert rates[:21] == [1.0] * 21
    assert rates[30] == pytest.approx(0.5)
    assert rates[39] == rates[40] == pytest.approx(0.05)


def test_what_is_sampled_from_is_the_moving_average_of_the_weights() -> None:
    run = training(replace(SMALL, average=0.75))
    play(run, 35)
    before = run.state()
    run.update()
    after = run.state()
    for name, weights in after["generator"].items():
        expected = 0.75 * before["model"][f"generator.{name}"] + 0.25 * weights
        torch.testing.assert_close(after["model"][f"generator.{name}"], expected)


# --- what is learnt ----------------------------------------------------------------------------


def test_maximum_likelihood_learns_the_tunes() -> None:
    config = replace(SMALL, steps=60, likelihood_steps=60, critic_start=0, width=24, batch=16)
    run = training(replace(config, likelihood_rate=1e-2, average=0.9))
    losses = [figures["likelihood_loss"] for figures in play(run, 60)]
    assert np.mean(losses[-5:]) < 0.4 * losses[0]
    written = run.sample(200, 0)
    assert (written[:, 1::2] == 1).mean() > 0.9  # every second sixteenth is held
    assert (written[:, ::2] >= 14).mean() > 0.9


@pytest.mark.parametrize("loss", ["vanilla", "wgan-gp"])
def test_the_discriminator_alone_teaches_the_generator(loss: Any) -> None:
    # From nothing, and without likelihood: people's melodies are all one note that is held.
    windows = np.ones((50, 16), dtype=np.int8)
    windows[:, 0] = np.random.default_rng(0).integers(14, 27, size=50)
    config = replace(
        SMALL,
        loss=loss,
        steps=60,
        likelihood_steps=0,
        likelihood_weight=0.0,
        width=16,
        critic_width=16,
        batch=16,
        rate=5e-3,
        critic_rate=5e-3,
        average=0.5,
    )
    run = GANTraining(config, windows, windows, 0)
    holds = [1, 5, 9, 14]
    before = (run.sample(300, 0)[:, holds] == 1).mean()
    play(run, 60)
    assert (run.sample(300, 0)[:, holds] == 1).mean() > max(0.8, before + 0.3)


# --- diversity and collapse --------------------------------------------------------------------


def test_validation_measures_melodies_beside_peoples() -> None:
    run = training()
    play(run, 5)
    figures = run.validate()
    assert figures["distinct"] == len(np.unique(run.sample(20, 7), axis=0)) / 20
    assert 1.0 <= figures["vendi"] <= 20.0
    assert 0.0 <= figures["accuracy"] <= 1.0
    assert figures["frechet"] > 0.0
    assert run.history == [{"step": 5.0, **figures}]


def test_a_planted_collapse_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run = training()
    play(run, 5)
    one = tunes(1, 3)
    monkeypatch.setattr(run.model, "sample", lambda count, seed: one.repeat(count, axis=0))
    assert run.validate()["collapsed"] == 1.0
    assert run.collapsed is not None
    assert "collapsed" in run.collapsed
    assert "5.0 %" in run.collapsed  # one in twenty
    assert run.collapsed.endswith(".")
    with pytest.raises(SegueError, match="No validation"):
        run.best()


def test_melodies_that_differ_in_one_note_only_are_a_collapse_too() -> None:
    # People who leap wherever they like.
    people = np.ones((200, 32), dtype=np.int8)
    people[:, ::2] = np.random.default_rng(0).integers(2, 38, size=(200, 16))
    watch = DiversityWatch(people[:100], people[100:], 36, 0)
    alike = people[:1].repeat(36, axis=0)
    alike[:, 30] = 2 + np.arange(36)
    found = watch.measure(alike)
    assert found.distinct == 1.0
    sentence = found.collapse()
    assert sentence is not None
    assert "Vendi score" in sentence
    assert watch.measure(people[:36]).collapse() is None


def test_the_watch_counts_copies() -> None:
    people = tunes(100, 0)
    watch = DiversityWatch(people, tunes(100, 1), 50, 0)
    copies = watch.measure(people[:50])
    assert copies.copies == 1.0
    assert copies.mean_run == copies.longest_run == 16.0
    jumps = np.ones((50, 32), dtype=np.int8)
    jumps[:, ::2] = 2 + 35 * (np.arange(16) % 2)
    found = watch.measure(jumps)
    assert (found.copies, found.longest_run) == (0.0, 1.0)
    assert found.frechet > copies.frechet


@pytest.mark.parametrize(
    ("distinct", "vendi", "collapsed"),
    [(0.5, 16.0, False), (0.49, 32.0, True), (1.0, 15.9, True)],
)
def test_the_thresholds_of_collapse(distinct: float, vendi: float, collapsed: bool) -> None:
    found = Diversity(distinct, vendi, 32.0, 8.0, 12.0, 0.0, 3.0)
    assert (found.collapse() is not None) == collapsed


def test_the_best_is_an_adversarial_one_with_the_least_distance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = training(replace(SMALL, rate=0.02, average=0.0))
    distances = iter([0.1, 5.0, 3.0, 4.0])

    def measure(_: Melodies) -> Diversity:
        return Diversity(1.0, 20.0, 20.0, 8.0, 12.0, 0.0, next(distances))

    monkeypatch.setattr(run._watch, "measure", measure)
    play(run, 4)
    run.validate()  # The nearest, but the discriminator has not taught it anything.
    with pytest.raises(SegueError):
        run.best()
    play(run, 1)
    run.validate()
    play(run, 1)
    run.validate()
    third = run.sample(30, 0)
    play(run, 2)
    run.validate()
    assert np.array_equal(run.best().sample(30, 0), third)
    assert not np.array_equal(run.sample(30, 0), third)
    again = training()
    again.load_state(stored(run.state()))
    assert np.array_equal(again.best().sample(30, 0), third)


# --- what cannot be trained on -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("windows", "validation", "word"),
    [
        (np.zeros((5, 20)), np.zeros((5, 20)), "training windows have the shape"),
        (np.zeros((5, 32)), np.zeros((5, 16)), "differ in length"),
        (np.full((5, 32), 38), np.zeros((5, 32)), "training windows is outside 0 to 37"),
        (np.zeros((5, 32)), np.full((5, 32), -1), "validation windows is outside"),
        (np.zeros((1, 32)), np.zeros((5, 32)), "1 training and 5 validation windows"),
    ],
)
def test_melodies_that_will_not_do_are_told(windows: Any, validation: Any, word: str) -> None:
    with pytest.raises(SegueError, match=word):
        GANTraining(SMALL, windows.astype(np.int8), validation.astype(np.int8), 0)
