"""The n-gram prior of melodies, and what follows from any prior."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.base.cache import CACHE_VARIABLE
from segue.envs.base.errors import SegueError
from segue.envs.melody import corpus_prior as corpus_prior_module
from segue.envs.melody.ngram import (
    LONGEST,
    NO_PITCH,
    NGramPrior,
    initial_context,
    log_prob,
    next_context,
)
from segue.envs.melody.ngram_fit import fit_ngram
from segue.envs.melody.prior import (
    STEPS,
    TOKENS,
    cross_entropy,
    log_likelihood,
    perplexity,
    sample,
)

Windows = npt.NDArray[np.int8]


def melodies(seed: int, count: int) -> Windows:
    """Walks by step in C major: quarters and eighths, a figure that comes again, some rests."""
    generator = np.random.default_rng(seed)
    scale = [14, 16, 18, 19, 21, 23, 25, 26]
    windows = np.ones((count, STEPS), dtype=np.int8)
    for window in windows:
        place = int(generator.integers(8))
        step = 0
        while step < STEPS:
            place = int(np.clip(place + generator.choice([-1, 1, 1, -2]), 0, 7))
            figure = (0, 1, 2, 0) if generator.random() < 0.3 and place < 6 else (0,)
            for offset in figure:
                if step < STEPS:
                    window[step] = scale[place + offset]
                    step += int(generator.choice([2, 4]))
            if step < STEPS and generator.random() < 0.1:
                window[step] = 0
                step += 2
    return windows


TRAIN, HELD_OUT = melodies(0, 1500), melodies(1, 300)


@pytest.fixture(scope="module")
def prior() -> NGramPrior:
    return fit_ngram(TRAIN)


def test_every_context_gives_a_distribution(prior: NGramPrior) -> None:
    generator = np.random.default_rng(2)
    for length in (0, 1, 5, 17, STEPS - 1):
        for tokens in (
            HELD_OUT[:, :length],
            generator.integers(0, TOKENS, (200, length)),
            np.zeros((3, length), dtype=np.int64),
            np.ones((3, length), dtype=np.int64),
        ):
            values = prior.log_probabilities(tokens)
            assert values.shape == (len(tokens), TOKENS)
            assert values.dtype == np.float64
            np.testing.assert_allclose(np.exp(values).sum(axis=1), 1.0, atol=1e-6)
            assert values.min() > -30.0  # Even what never was is no minus infinity.


def test_longer_contexts_help_on_what_was_held_out() -> None:
    surprise = [cross_entropy(fit_ngram(TRAIN, order), HELD_OUT) for order in (1, 2, 3, 4)]
    assert surprise[0] > surprise[1] + 0.1
    assert surprise[1] > surprise[2] > surprise[3]


def test_pitch_shares_are_those_of_witten_and_bell() -> None:
    # One pitch thrice, another once, both struck on every beat: 14 14 14 26 | 14 ...
    window = np.ones((1, STEPS), dtype=np.int8)
    window[0, ::4] = [14, 14, 14, 26] * 2
    first = np.exp(fit_ngram(window, order=1).log_probabilities(window[:, :4]))[0]
    shares = first[2:] / first[2:].sum()
    # 8 notes, 2 different: alone (6 + 2/36) / 10; then on beats, 4 of 6 and 2 different.
    alone = (6 + 2 / 36) / 10
    assert shares[14 - 2] == pytest.approx((4 + 2 * alone) / 8, rel=1e-3)
    # After 26, 14 and 14 came 14, once; a longer context outweighs the shorter ones.
    after = np.exp(fit_ngram(window, order=4).log_probabilities(window[:, :16]))[0]
    assert after[14] / after[2:].sum() > 0.9


def test_a_held_note_is_not_forgotten(prior: NGramPrior) -> None:
    held = np.ones((2, 9), dtype=np.int64)
    held[0, 0], held[1, 0] = 14, 26
    values = np.exp(prior.log_probabilities(held))
    pitches = values[:, 2:] / values[:, 2:].sum(axis=1, keepdims=True)
    # Eight holds later the next pitch is still near to the one that sounds.
    assert pitches[0, 14:19].sum() < 0.9 < pitches[0, 12:19].sum()
    assert pitches[1, 12 + 7 :].sum() > 0.9


def test_metre_matters(prior: NGramPrior) -> None:
    window = HELD_OUT[:1]
    on_beat = np.exp(prior.log_probabilities(window[:, :16]))[0, 2:].sum()
    between = np.exp(prior.log_probabilities(window[:, :17]))[0, 2:].sum()
    assert on_beat > 10 * between


def test_context_follows_the_tokens() -> None:
    def after(*tokens: int) -> tuple[int, ...]:
        context = initial_context()
        for token in tokens:
            context = next_context(*context, token)
        return context

    nothing = (NO_PITCH,) * 3
    assert after(1) == (0, 0, 0, *nothing)
    assert after(1, 0) == (1, 0, 0, *nothing)
    assert after(14, 1, 1) == (3, 0, 1, 12, NO_PITCH, NO_PITCH)
    assert after(14, 1, 1, 0, 1) == (2, 3, 0, 12, NO_PITCH, NO_PITCH)
    assert after(2, 3, 1, 37) == (1, 2, 1, 35, 1, 0)
    assert after(2, 3, 4, 5) == (1, 1, 1, 3, 2, 1)
    assert after(2, *[1] * 30) == (LONGEST, 0, 1, 0, NO_PITCH, NO_PITCH)


def test_the_compiled_scalar_is_what_the_batch_says(prior: NGramPrior) -> None:
    def total(tokens: npt.NDArray[np.int8]) -> float:
        value = 0.0
        context = initial_context()
        for position, token in enumerate(tokens.tolist()):
            value += log_prob(*prior.tables, position, *context, token)
            context = next_context(*context, token)
        return value

    windows = HELD_OUT[:20]
    expected = log_likelihood(prior, windows)
    np.testing.assert_allclose([total(window) for window in windows], expected, rtol=1e-9)


def test_tables_are_small_and_cannot_be_written(prior: NGramPrior) -> None:
    assert sum(table.nbytes for table in prior.tables) < 2_000_000
    for table in prior.tables:
        with pytest.raises(ValueError, match="read-only"):
            table.flat[0] = 1


def test_samples_are_like_what_was_counted(prior: NGramPrior) -> None:
    drawn = sample(prior, 400, np.random.default_rng(4))
    assert drawn.shape == (400, STEPS)
    np.testing.assert_array_equal(drawn, sample(prior, 400, np.random.default_rng(4)))
    # What is drawn surprises the model as much as its entropy says, noise much more.
    assert cross_entropy(prior, drawn) == pytest.approx(cross_entropy(prior, TRAIN), abs=0.25)
    noise = np.random.default_rng(5).integers(0, TOKENS, (100, STEPS))
    assert cross_entropy(prior, noise) > 3 * cross_entropy(prior, HELD_OUT)
    np.testing.assert_allclose(
        np.bincount(drawn.ravel(), minlength=TOKENS) / drawn.size,
        np.bincount(TRAIN.ravel(), minlength=TOKENS) / TRAIN.size,
        atol=0.03,
    )


def test_perplexity_of_the_uniform_model_is_the_number_of_tokens() -> None:
    class Uniform:
        def log_probabilities(self, tokens: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
            return np.full((len(tokens), TOKENS), -np.log(TOKENS))

    assert perplexity(Uniform(), HELD_OUT) == pytest.approx(TOKENS)
    assert log_likelihood(Uniform(), HELD_OUT[:, :5])[0] == pytest.approx(-5 * np.log(TOKENS))


def test_what_cannot_be_counted_is_refused() -> None:
    for windows in (TRAIN[:0], TRAIN[:, :16], TRAIN[0]):
        with pytest.raises(SegueError, match="cannot be counted"):
            fit_ngram(windows)
    with pytest.raises(SegueError, match="Tokens from 38 to 38"):
        fit_ngram(np.full((1, STEPS), TOKENS))
    with pytest.raises(SegueError, match="order 5"):
        fit_ngram(TRAIN, order=5)


def test_saved_and_loaded(prior: NGramPrior, tmp_path: Path) -> None:
    path = tmp_path / "prior.npz"
    prior.save(path)
    loaded = NGramPrior.load(path)
    for before, after in zip(prior.tables, loaded.tables, strict=True):
        np.testing.assert_array_equal(before, after)
        assert not after.flags.writeable


def test_files_that_compiled_code_must_not_read_are_refused(
    prior: NGramPrior, tmp_path: Path
) -> None:
    path = tmp_path / "prior.npz"
    with pytest.raises(SegueError, match="cannot be read"):
        NGramPrior.load(path)
    path.write_bytes(b"PK no archive")
    with pytest.raises(SegueError, match="holds no n-gram"):
        NGramPrior.load(path)
    tables = prior.tables._asdict()
    for name, table in (
        ("row", np.full_like(prior.tables.row, len(prior.tables.pitch))),
        ("kind", prior.tables.kind[:, :3]),
        ("pitch", np.full_like(prior.tables.pitch, np.nan)),
        ("pitch", prior.tables.pitch.astype(object)),
    ):
        np.savez(path, **{**tables, name: table})
        with pytest.raises(SegueError, match="n-gram"):
            NGramPrior.load(path)


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    corpus_prior_module.corpus_prior.cache_clear()
    yield tmp_path
    corpus_prior_module.corpus_prior.cache_clear()


def test_the_corpus_is_counted_once(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def windows(split: str) -> Windows:
        asked.append(split)
        return TRAIN

    monkeypatch.setattr(corpus_prior_module, "corpus_windows", windows)
    first = corpus_prior_module.corpus_prior()
    assert corpus_prior_module.corpus_prior() is first
    corpus_prior_module.corpus_prior.cache_clear()
    second = corpus_prior_module.corpus_prior()
    assert asked == ["train"]
    np.testing.assert_array_equal(first.tables.pitch, second.tables.pitch)
    assert [path.suffix for path in fresh_cache.iterdir()] == [".npz"]
