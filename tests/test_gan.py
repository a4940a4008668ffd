"""Networks and losses of the melody GAN."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from segue.agents.generators.gan import (
    LAGS,
    WIDEST,
    BarGenerator,
    GridDiscriminator,
    heard,
    one_hot,
    straight_through,
)
from segue.agents.generators.gan_config import GANConfig
from segue.agents.generators.gan_losses import (
    Loss,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
)
from segue.agents.generators.gan_model import MelodyGAN, ranked_above
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import TOKENS
from segue.envs.melody.types import PITCHES

SMALL = GANConfig(latent=4, width=8, critic_width=8)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- drawing tokens ----------------------------------------------------------------------------


def test_drawn_tokens_are_whole_and_as_likely_as_stated() -> None:
    shares = torch.tensor([0.5, 0.3, 0.2])
    for temperature in (0.3, 2.0):
        drawn = straight_through(shares.log().expand(20_000, 3), temperature, chance())
        torch.testing.assert_close(drawn.sum(dim=1), torch.ones(20_000))
        assert bool((drawn.max(dim=1).values > 1 - 1e-6).all())
        assert drawn.mean(dim=0).numpy() == pytest.approx(shares.numpy(), abs=0.012)


def test_gradient_of_a_draw_is_that_of_the_softmax_of_the_noisy_logits() -> None:
    logits = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(5, 4, dtype=torch.float64)
    (straight_through(logits, 0.7, chance()) * weights).sum().backward()  # type: ignore[no-untyped-call]
    again = logits.detach().clone().requires_grad_()
    noise = -torch.empty(again.shape).exponential_(generator=chance()).log()
    (torch.softmax((again + noise) / 0.7, dim=1) * weights).sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert again.grad is not None
    torch.testing.assert_close(logits.grad, again.grad)


# --- generator ---------------------------------------------------------------------------------


def test_the_generator_states_probabilities_by_what_came_before_only() -> None:
    network = BarGenerator(4, 8, bars=2)
    noise = network.noise(1, chance()).expand(2, -1, -1)
    tokens = np.random.default_rng(0).integers(TOKENS, size=(2, 32))
    tokens[1, :20] = tokens[0, :20]
    rows = one_hot(torch.from_numpy(tokens))
    with torch.no_grad():
        chosen, logits = network(noise, lambda step, _: rows[:, step])
    assert torch.equal(chosen, rows)
    assert logits.exp().sum(dim=2).numpy() == pytest.approx(1.0, abs=1e-5)
    assert torch.equal(logits[0, :21], logits[1, :21])
    assert not torch.allclose(logits[0, 21:], logits[1, 21:])


def test_each_token_is_shown_those_a_step_a_beat_half_a_bar_and_a_bar_ago() -> None:
    network = BarGenerator(4, 8, bars=2)
    with torch.no_grad():
        network.tokens.weight[:, :8] = 0.0  # Without the memory of what came before.
    noise = network.noise(1, chance()).expand(33, -1, -1)
    tokens = torch.ones(33, 32)
    tokens[torch.arange(32), torch.arange(32)] = 20.0  # Another token at one step in each.
    rows = one_hot(tokens)
    with torch.no_grad():
        _, logits = network(noise, lambda step, _: rows[:, step])
    changed = (logits[:32] != logits[32]).any(dim=2)
    expected = {(step, step + lag) for step in range(32) for lag in (1, *LAGS) if step + lag < 32}
    assert {(int(step), int(at)) for step, at in changed.nonzero()} == expected


def test_bars_have_their_own_noise_beside_what_all_share() -> None:
    network = BarGenerator(4, 8, bars=3)
    noise = network.noise(1, chance()).repeat(3, 1, 1)
    assert noise.shape == (3, 4, 4)
    noise[1, 2] += 1.0  # of the second bar
    noise[2, 0] += 1.0  # shared
    holds = one_hot(torch.ones(3, 48))
    with torch.no_grad():
        _, logits = network(noise, lambda step, _: holds[:, step])
    first, second = logits[:, :16], logits[:, 16:32]
    assert torch.equal(first[0], first[1])
    assert not torch.allclose(second[0], second[1])
    assert not torch.allclose(first[0], first[2])


def test_gradients_reach_the_noise_through_every_token() -> None:
    network = BarGenerator(4, 8, bars=2)
    noise = network.noise(3, chance()).requires_grad_()
    draw = chance(1)
    tokens, _ = network(noise, lambda _, logits: straight_through(logits, 1.0, draw))
    tokens.retain_grad()
    GridDiscriminator(8, 2, spectral=False)(tokens).sum().backward()
    assert tokens.grad is not None
    assert bool((tokens.grad.abs().sum(dim=2) > 0).all())
    assert noise.grad is not None
    assert bool((noise.grad.abs().sum(dim=2) > 0).all())


# --- discriminator -----------------------------------------------------------------------------


def test_what_is_heard_of_a_melody_made_by_hand() -> None:
    # G held, up a tone, off, silence, C again; then a beat that repeats the first.
    line = [21, 1, 23, 1, 0, 1, 14, 26, 21, 1, 23, 1, 1, 1, 1, 1]
    found = heard(one_hot(torch.tensor([line])))[0]
    assert torch.equal(found[:, :TOKENS], one_hot(torch.tensor([line]))[0])
    pitch = found[:, TOKENS : TOKENS + PITCHES]
    sounding = [int(row.argmax()) + 2 if row.sum() else -1 for row in pitch]
    assert sounding == [21, 21, 23, 23, -1, -1, 14, 26, 21, 21, 23, 23, 23, 23, 23, 23]
    assert set(pitch.unique().tolist()) == {0.0, 1.0}
    interval = found[:, TOKENS + PITCHES : TOKENS + PITCHES + 2 * WIDEST + 1]
    by_step = {int(step): WIDEST - int(place) for step, place in interval.nonzero()}
    # None after silence, nor for the octave; the fall of a fourth and the tones are there.
    assert by_step == {2: 2, 8: -5, 10: 2}
    repeats = found[:, -2 * len(LAGS) :].reshape(16, len(LAGS), 2)
    assert repeats[:, LAGS.index(8), 0].nonzero().flatten().tolist() == [8, 9, 10, 11]
    assert repeats[:, LAGS.index(8), 1].nonzero().flatten().tolist() == [8, 10]
    assert not repeats[:, LAGS.index(16)].any()


def test_spectral_normalisation_keeps_every_layer_at_norm_one() -> None:
    network = GridDiscriminator(8, 2, spectral=True)
    for _ in range(50):  # power iterations
        network(one_hot(torch.zeros(2, 32)))
    layers = [
        module
        for module in network.modules()
        if isinstance(module, torch.nn.Conv1d | torch.nn.Linear)
    ]
    assert len(layers) == 8
    for layer in layers:
        norm = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2)
        assert float(norm) == pytest.approx(1.0, abs=1e-2)


def test_a_judgement_does_not_depend_on_the_other_melodies() -> None:
    network = GridDiscriminator(8, 2, spectral=False)
    rows = one_hot(torch.from_numpy(np.random.default_rng(0).integers(TOKENS, size=(6, 32))))
    with torch.no_grad():
        together, alone = network(rows), torch.cat([network(row[None]) for row in rows])
    torch.testing.assert_close(together, alone)
    assert together.std() > 0


# --- losses ------------------------------------------------------------------------------------


def test_losses_are_those_published() -> None:
    real, made = torch.tensor([1.0, -0.5]), torch.tensor([0.25, 2.0])

    def sure(logit: float) -> float:
        return 1.0 / (1.0 + math.exp(-logit))

    cross = -np.mean([math.log(sure(x)) for x in (1.0, -0.5)])
    cross -= np.mean([math.log(1 - sure(x)) for x in (0.25, 2.0)])
    assert float(discriminator_loss("vanilla", real, made)) == pytest.approx(cross)
    saturating_not = -np.mean([math.log(sure(x)) for x in (0.25, 2.0)])
    assert float(generator_loss("vanilla", made)) == pytest.approx(saturating_not)
    assert float(discriminator_loss("wgan-gp", real, made)) == pytest.approx(1.125 - 0.25)
    assert float(generator_loss("wgan-gp", made)) == pytest.approx(-1.125)


def test_the_gradient_penalty_of_a_plane_is_its_slope_less_one_squared() -> None:
    slope = torch.randn(3, 4)
    real, made = torch.randn(5, 3, 4), torch.randn(5, 3, 4)
    found = gradient_penalty(lambda x: (x * slope).sum(dim=(1, 2)), real, made, chance())
    assert float(found) == pytest.approx((float(slope.norm()) - 1.0) ** 2, rel=1e-5)


def test_the_gradient_is_taken_between_the_melodies() -> None:
    seen: list[torch.Tensor] = []

    def judge(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.detach())
        return (x**2).sum(dim=(1, 2))

    real, made = torch.ones(400, 1, 1), torch.zeros(400, 1, 1)
    found = gradient_penalty(judge, real, made, chance())
    places = seen[0].flatten()
    assert float(places.min()) >= 0.0
    assert float(places.max()) <= 1.0
    assert float(places.std()) == pytest.approx(1 / math.sqrt(12), abs=0.03)
    assert found.item() == pytest.approx(((2 * places - 1) ** 2).mean().item(), rel=1e-5)


@pytest.mark.parametrize("loss", ["vanilla", "wgan-gp"])
def test_losses_pull_opposite_ways(loss: Loss) -> None:
    made = torch.zeros(1, requires_grad=True)
    (up,) = torch.autograd.grad(generator_loss(loss, made), made)
    (down,) = torch.autograd.grad(discriminator_loss(loss, torch.zeros(1), made), made)
    assert up < 0 < down


# --- the model ---------------------------------------------------------------------------------


def test_a_model_writes_the_same_by_the_same_seed_and_judges_what_it_writes() -> None:
    model = MelodyGAN(SMALL, 2)
    written = model.sample(30, 3)
    assert written.shape == (30, 32)
    assert written.dtype == np.int8
    assert written.min() >= 0
    assert written.max() < TOKENS
    assert np.array_equal(written, model.sample(30, 3))
    assert not np.array_equal(written, model.sample(30, 4))
    scores = model.score(written)
    assert scores.shape == (30,)
    assert scores.dtype == np.float64
    other = MelodyGAN(SMALL, 2)
    other.load_state_dict(model.state_dict())
    assert np.array_equal(other.sample(30, 3), written)
    assert np.array_equal(other.score(written), scores)


def test_a_model_says_what_it_cannot_take() -> None:
    model = MelodyGAN(SMALL, 2)
    for tokens in (np.zeros((2, 33)), np.zeros((2, 0)), np.zeros(32)):
        with pytest.raises(SegueError, match="shape"):
            model.score(tokens.astype(np.int8))
    with pytest.raises(SegueError, match="outside 0 to 37"):
        model.score(np.full((1, 32), 38))
    with pytest.raises(SegueError, match="weights of the generator do not fit"):
        model.load_state_dict(MelodyGAN(GANConfig(latent=4, width=9), 2).state_dict())


def test_ranks_count_all_pairs_and_ties_by_half() -> None:
    assert ranked_above(np.array([1.0, 3.0]), np.array([2.0, 1.0])) == pytest.approx(2.5 / 4)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"loss": "hinge"}, "no loss 'hinge'"),
        ({"steps": 0}, "steps is 0"),
        ({"batch": 1}, "batch is 1"),
        ({"likelihood_weight": -1.0}, "likelihood_weight is -1"),
        ({"cold": 0.0}, "cold is 0"),
        ({"average": 1.0}, "average is 1"),
        ({"penalty": math.nan}, "penalty is nan"),
        ({"steps": 10, "likelihood_steps": 11}, "more than all steps"),
    ],
)
def test_settings_out_of_range_are_told(changes: dict[str, object], word: str) -> None:
    with pytest.raises(SegueError, match=word):
        GANConfig(**changes)  # type: ignore[arg-type]
