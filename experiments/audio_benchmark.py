"""How fast a tune becomes sound: from the record of the tune to the WAV file on the disk."""

from __future__ import annotations

import dataclasses
import statistics
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from segue.envs.lead_sheet.env import LeadSheetEnv
from segue.envs.lead_sheet.generator import draw_piece
from segue.envs.lead_sheet.types import Brief
from segue.envs.music.audio import write_audio
from segue.envs.music.moods import MOODS
from segue.envs.music.tune import Tune
from segue.experiments.bench import Ratio
from segue.experiments.evaluation import greedy_action, play
from segue.experiments.progress import Tell

BARS = 16
REPEATS = 3
TARGET = 60.0
"""Least seconds of music per second of work."""


def measure_audio(folder: Path, tell: Tell) -> dict[str, Any]:
    """Write one tune as a WAV file with the players of each mood in turn, again and again.

    Parameters
    ----------
    folder : Path
        Where the files go.
    tell : callable
        Called with the share done and a text.

    Returns
    -------
    dict
        ``bars``; ``music_seconds``, length of the tune; by mood ``times_real_time``, seconds of
        music per second of work, the median; ``first_times_real_time``, that of the very first
        file, which loads the soundfont from the disk and whatever is imported late; ``ratios``, a
        list of one dict with the fields of `segue.experiments.bench.Ratio`: the slowest mood's.
    """
    tune = _tune()
    first = _times_real_time(tune, folder)
    rates: dict[str, list[float]] = {name: [] for name in MOODS}
    for repeat in range(REPEATS):
        for number, name in enumerate(MOODS):
            tell((repeat + number / len(MOODS)) / REPEATS, f"audio: {name}")
            rates[name].append(_times_real_time(dataclasses.replace(tune, mood=name), folder))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    slowest = Ratio("slowest mood", "real time", TARGET, min(medians.values()))
    return {
        "bars": BARS,
        "music_seconds": tune.seconds,
        "times_real_time": medians,
        "first_times_real_time": first,
        "ratios": [asdict(slowest)],
    }


def _tune() -> Tune:
    """Compose quickly: the best note by the next reward alone."""
    env = LeadSheetEnv(pieces=(draw_piece(Brief("hopeful", BARS), np.random.default_rng(0)),))
    play(env, greedy_action, 0)
    return env.tune("Benchmark")


def _times_real_time(tune: Tune, folder: Path) -> float:
    began = time.perf_counter()
    write_audio(tune, folder / "tune.wav")
    return tune.seconds / (time.perf_counter() - began)
