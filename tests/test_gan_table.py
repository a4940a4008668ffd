"""The table of generators: its figures on melodies made by hand, its samplers and its text."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from segue.agents.generators.gan_config import GANConfig
from segue.agents.generators.scorer import MelodyScorer
from segue.envs.base.errors import SegueError
from segue.envs.melody.ngram_fit import fit_ngram
from segue.envs.music.metrics.frechet import Standard
from segue.envs.music.metrics.interval_index import IntervalIndex
from segue.experiments import generators_measure, generators_table
from segue.experiments.audit_tables import per_cent
from segue.experiments.generators_measure import (
    GeneratorsStudy,
    Yardstick,
    figures,
    measure_samplers,
)
from segue.experiments.generators_table import markdown, plain_samplers, trained_gans
from segue.experiments.typed_yaml import load_yaml

Melodies = npt.NDArray[np.int8]

GAN = GANConfig(
    steps=6,
    likelihood_steps=3,
    critic_start=1,
    batch=4,
    latent=4,
    width=8,
    critic_width=8,
    sampled=20,
)
STUDY = GeneratorsStudy(seeds=2, melodies=40, described=30, compared=12, gan=GAN)


def tunes(count: int, seed: int) -> Melodies:
    """Random white notes, quarters and eighths, of two bars."""
    generator = np.random.default_rng(seed)
    white = np.array([14, 16, 18, 19, 21, 23, 25, 26])
    lines = np.ones((count, 32), dtype=np.int8)
    begins = np.arange(32) % 4 == 0
    begins = begins | ((np.arange(32) % 4 == 2) & (generator.random((count, 32)) < 0.5))
    lines[begins] = generator.choice(white, size=int(begins.sum()))
    return lines


def silent(share: float, text: str) -> None:
    assert 0.0 <= share <= 1.0
    assert text


@pytest.fixture(scope="module")
def stick() -> Yardstick:
    windows, people = tunes(50, 0), tunes(30, 1)
    standard = Standard.of(generators_measure._features(windows))
    return Yardstick(
        people=people,
        standard=standard,
        features=standard(generators_measure._features(people)),
        index=IntervalIndex.build([[int(t) for t in line if t > 1] for line in windows]),
        windows=frozenset(line.tobytes() for line in windows),
        copied=6,
    )


@pytest.fixture(autouse=True)
def _corpora(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small corpora, and no reading of the real ones."""
    seeds = {"train": 0, "validation": 2, "test": 1}
    prior = fit_ngram(tunes(50, 0))
    monkeypatch.setattr(generators_table, "corpus_windows", lambda part: tunes(50, seeds[part]))
    monkeypatch.setattr(generators_table, "corpus_prior", lambda: prior)


def test_copies_and_repeats_are_counted(stick: Yardstick) -> None:
    melodies = np.concatenate([tunes(50, 0)[:20], tunes(10, 3), tunes(10, 3)])
    found = figures(melodies, stick, STUDY)
    assert found["distinct"] == 30 / 40
    assert found["windows"] == 20 / 40
    assert found["copied"] >= 20 / 30  # of the first thirty
    assert found["mean run"] > 8
    assert found["polyphony"] == 1.0
    assert found["scale consistency"] == 1.0


def test_people_are_nearer_to_people_than_noise_is(stick: Yardstick) -> None:
    samplers = {**plain_samplers(2), "one": [lambda count, seed: tunes(1, 9).repeat(count, axis=0)]}
    rows = {row.name: row.seeds for row in measure_samplers(samplers, stick, STUDY, silent)}
    assert [len(seeds) for seeds in rows.values()] == [1, 2, 2, 1]
    people, noise, one = rows["people, validation"][0], rows["uniform random"][0], rows["one"][0]
    assert people["frechet"] < rows["n-gram"][0]["frechet"] < noise["frechet"]
    assert people["overlap"] > max(noise["overlap"], one["overlap"])
    assert rows["n-gram"][0] != rows["n-gram"][1]
    assert one["vendi"] == pytest.approx(1.0)
    assert one["distinct"] == 1 / 40
    assert noise["distinct"] == 1.0
    assert noise["scale consistency"] < 0.9


def test_the_gan_is_trained_by_each_seed_and_shown_before_and_after() -> None:
    gans = trained_gans(STUDY, silent)
    assert list(gans) == ["GAN before its discriminator", "GAN"]
    written = [write(30, 0) for seeds in gans.values() for write in seeds]
    assert len(written) == 4
    assert all(melodies.shape == (30, 32) for melodies in written)
    assert not np.array_equal(written[2], written[3])


def test_a_collapsed_gan_ends_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    one = tunes(1, 0)
    monkeypatch.setattr(
        "segue.agents.generators.gan_model.MelodyGAN.sample",
        lambda self, count, seed: one.repeat(count, axis=0),
    )
    with pytest.raises(SegueError, match="Seed 0: The generator has collapsed"):
        trained_gans(STUDY, silent)


def test_the_table_has_a_column_a_row_and_says_what_the_scorer_ranks(
    stick: Yardstick, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = MelodyScorer(2, 8)
    monkeypatch.setattr(generators_table, "yardstick", lambda _: stick)
    monkeypatch.setattr(generators_table, "scorer", lambda: small)
    more = {"others": [lambda count, seed: tunes(count, seed)]}
    measured, text = generators_table.measure(silent, STUDY, more)
    json.loads(json.dumps(measured, allow_nan=False))
    found, rankings = measured["rows"], measured["scorer"]
    names = ["people, validation", "n-gram", "uniform random"]
    assert list(found) == [*names, "GAN before its discriminator", "GAN", "others"]
    written = ["n-gram", "uniform random", "people's shuffled", "GAN", "others"]
    assert list(rankings) == written
    people, others = small.score(tunes(50, 1)), small.score(tunes(30, 0))
    assert rankings["others"] == pytest.approx(np.mean(people[:, None] > others))
    lines = text.splitlines()
    assert lines[0] == "|  | people, test | " + " | ".join(found) + " |"
    table = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in table} == {len(found) + 3}
    distinct = next(line for line in table if "distinct" in line)
    seeds = [100 * seed["distinct"] for seed in found["GAN"]]
    assert f"{np.mean(seeds):.2f} ({min(seeds):.2f} to {max(seeds):.2f})" in distinct
    assert f"n-gram {per_cent(rankings['n-gram'])} %" in text
    assert "divergence: note count" in text


def test_a_cell_has_the_mean_and_the_range() -> None:
    rows = [
        generators_measure.Row("a", ({**_blank(), "frechet": 1.0}, {**_blank(), "frechet": 2.0}))
    ]
    text = markdown(rows, {}, {"n-gram": 0.75, "noise": 0.99999})
    assert "| 1.50 (1.00 to 2.00) |" in text
    assert "n-gram 75.0 %, noise 99.999 %" in text


def _blank() -> dict[str, float]:
    return dict.fromkeys(generators_table.SHOWN, 0.0)


def test_the_settings_that_lie_with_it_can_be_read() -> None:
    path = resources.files("segue.experiments") / "configs" / "study__generators.yaml"
    study = load_yaml(Path(str(path)), GeneratorsStudy)
    assert study.seeds >= 5
    assert study.melodies == 10_000
    assert study.gan == GANConfig()


@pytest.mark.parametrize("changes", [{"seeds": 0}, {"compared": 2}, {"described": 41}])
def test_settings_out_of_range_are_told(changes: Any) -> None:
    settings: dict[str, Any] = {"seeds": 2, "melodies": 40, "described": 30, "compared": 12}
    with pytest.raises(SegueError, match="give"):
        GeneratorsStudy(**{**settings, **changes})
