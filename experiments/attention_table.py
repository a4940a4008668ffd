"""How well the attention model foretells tunes, and how fast: ``segue bench attention``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.profiler import ProfilerActivity, profile

from segue.agents.generators.attention_prior import WINDOW, AttentionPrior
from segue.agents.generators.attention_training import AttentionTraining
from segue.agents.generators.melody_model import MelodyModel
from segue.agents.generators.pretrained import pretrained_model
from segue.agents.generators.reader import Plan
from segue.envs.melody.corpus_prior import corpus_prior, windows_of
from segue.envs.melody.ngram_tokens import TokenNGram
from segue.envs.melody.prior import SequencePrior, Tokens
from segue.envs.melody.sequences import Sequence16
from segue.envs.melody.types import FIRST_ONSET, HOLD
from segue.envs.music.corpus.defaults import DEFAULT_NAMES
from segue.envs.music.corpus.library import load_corpus
from segue.experiments.attention_run import MODEL, measure, tunes_of
from segue.experiments.generator_config import AttentionRun, generator_config
from segue.experiments.progress import Tell

FOLK = tuple(name for name in DEFAULT_NAMES if name != "bach")
"""Collections of folk tunes."""

TARGETS = {"nll": 0.70, "onset_accuracy": 0.40}
"""Nats a token at most, and share of the onsets that are foretold at least, on folk tunes."""

_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "linear", "scaled_dot_product")
_PROFILED = 6
_WRITTEN = 100
_WARM = 2
_AT_ONCE = 1000

Figures = dict[str, Any]


@dataclass(frozen=True)
class AttentionStudy:
    """Settings of the table; its own are in ``configs/study__attention.yaml``.

    Attributes
    ----------
    run : str
        Run, or file, of the model; empty for the one that comes with segue.
    collections : tuple of str
        Collections of one's own, whose tunes are measured too.
    """

    run: str = ""
    collections: tuple[str, ...] = ()


def measure_attention(study: AttentionStudy, tell: Tell) -> Figures:
    """Measure the model on held-out tunes, beside n-grams, and its speed.

    Parameters
    ----------
    study : AttentionStudy
        What is measured.
    tell : callable
        Told the share done and a text.
    """
    torch.set_num_threads(1)
    model = _model(study.run)
    tell(0.0, "folk tunes")
    folk = tunes_of(FOLK, "test")
    plain = TokenNGram.fit([tune.tokens for tune in tunes_of(FOLK, "train")])
    rows = {"folk tunes": _row(model, plain, folk)}
    for name in ("bach", *study.collections):
        rows[name] = _row(model, plain, tunes_of([name], "test"))
    tell(0.4, "windows")
    windows = windows_of(load_corpus().split("test"))
    priors: Mapping[str, SequencePrior] = {
        "n-gram with the metre": corpus_prior(),
        "attention": AttentionPrior(model),
    }
    found = {name: _on_windows(prior, windows) for name, prior in priors.items()}
    tell(0.7, "speed")
    return {
        "tunes": rows,
        "windows": found,
        "window_tokens": int(windows.size),
        "parameters": sum(value.numel() for value in model.network.parameters()),
        "speed": _speed(model),
    }


def _model(run: str) -> MelodyModel:
    if not run:
        return pretrained_model()
    path = Path(run).expanduser()
    return MelodyModel.load(path / MODEL if path.is_dir() else path)


def _row(model: MelodyModel, plain: TokenNGram, tunes: Sequence[Sequence16]) -> Figures:
    tokens = np.concatenate([tune.tokens for tune in tunes])
    nll, accuracy = plain.measure([tune.tokens for tune in tunes])
    return {
        "tunes": len(tunes),
        "tokens": len(tokens),
        "hold": float((tokens == HOLD).mean()),
        "onsets": float((tokens >= FIRST_ONSET).mean()),
        "n-gram": {"nll": nll, "onset_accuracy": accuracy},
        "attention": measure(model, tunes),
    }


def _on_windows(prior: SequencePrior, windows: Tokens) -> Figures:
    """Nats a token and onset accuracy on two-bar windows, each read from its beginning."""
    nats = hits = 0.0
    for step in range(windows.shape[1]):
        chances = prior.log_probabilities(windows[:, :step])
        chosen = windows[:, step].astype(np.int64)
        nats -= float(np.take_along_axis(chances, chosen[:, None], 1).sum())
        hits += float(((chances.argmax(1) == chosen) & (chosen >= FIRST_ONSET)).sum())
    onsets = float((windows >= FIRST_ONSET).sum())
    return {"nll": nats / windows.size, "onset_accuracy": hits / onsets}


def windows_by(count: int, seed: int) -> npt.NDArray[np.int8]:
    """Two-bar windows as the model writes them, (count, 32), the same for the same seed."""
    model, rng = pretrained_model(), np.random.default_rng(seed)
    parts = [min(_AT_ONCE, count - begin) for begin in range(0, count, _AT_ONCE)]
    return np.concatenate([model.sample(WINDOW, part, rng) for part in parts])


def _speed(model: MelodyModel) -> Figures:
    """Share of matrix products in training, and seconds for melodies."""
    config = generator_config("attention", None)
    assert isinstance(config, AttentionRun)
    tunes = tunes_of(FOLK, "validation")
    run = AttentionTraining(config.size, config.learning, tunes, {"all": tunes}, 0)
    for _ in range(_WARM):
        run.update()
    with profile(activities=[ProfilerActivity.CPU]) as watched:
        for _ in range(_PROFILED):
            run.update()
    events = watched.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    products = sum(
        event.self_cpu_time_total
        for event in events
        if any(event.key.startswith(f"aten::{name}") for name in _PRODUCTS)
        or "scaled_dot_product" in event.key
    )
    top = sorted(events, key=lambda event: -event.self_cpu_time_total)[:8]
    seconds = {}
    for bars in (2, 8):
        plan = WINDOW if bars == 2 else Plan(16 * bars)
        model.sample(plan, 2, np.random.default_rng(0))  # Compiled and loaded by now.
        begun = time.perf_counter()
        model.sample(plan, _WRITTEN, np.random.default_rng(0))
        seconds[f"{bars} bars"] = time.perf_counter() - begun
    return {
        "products": products / total,
        "profile": {event.key: event.self_cpu_time_total / total for event in top},
        "seconds": seconds,
    }


def attention_markdown(figures: Figures) -> str:
    """Tables of what `measure_attention` found."""
    lines = [
        "| held-out tunes | tunes | tokens | always hold | n-gram, nats a token | onsets foretold "
        "| **attention**, nats a token | onsets foretold |",
        "| --- |" + " ---: |" * 7,
    ]
    for name, row in figures["tunes"].items():
        cells = [name, f"{row['tunes']:,}", f"{row['tokens']:,}", f"{100 * row['hold']:.1f} %"]
        for who in ("n-gram", "attention"):
            cells += [f"{row[who]['nll']:.3f}", f"{100 * row[who]['onset_accuracy']:.1f} %"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "Whole tunes on the sixteenth grid, 38 tokens, of the test split, which has no tune of the "
        "training split, nor a variant of one. The model is told metre, mode, genre and, where "
        "the file tells it, tempo; not the length. The n-gram has order 4, counted over tokens. An "
        "onset is foretold where its token is the likeliest. Wanted on folk tunes: at most "
        f"{TARGETS['nll']:.2f} nats and at least {100 * TARGETS['onset_accuracy']:.0f} %.",
        "",
        "| two-bar windows of `segue/Melody-v0` | nats a token | onsets foretold |",
        "| --- | ---: | ---: |",
    ]
    for name, row in figures["windows"].items():
        accuracy = 100 * row["onset_accuracy"]
        lines.append(f"| {name} | {row['nll']:.3f} | {accuracy:.1f} % |")
    speed = figures["speed"]
    seconds = ", ".join(f"{value:.2f} s for {name}" for name, value in speed["seconds"].items())
    lines += [
        "",
        f"{figures['parameters']:,} parameters. Training spends {100 * speed['products']:.0f} % of "
        "its time in matrix products, attention's among them (one thread):",
        "",
        "| operation | share |",
        "| --- | ---: |",
        *(f"| `{name}` | {100 * share:.1f} % |" for name, share in speed["profile"].items()),
        "",
        f"{_WRITTEN} melodies are written in {seconds}, with keys and values kept.",
        "",
    ]
    return "\n".join(lines)
