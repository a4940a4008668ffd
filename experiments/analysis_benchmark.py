"""How fast footage is analysed: shots and features of a film, and the same film once more."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from segue.envs.film.analysis import analyse
from segue.experiments.bench import Ratio
from segue.experiments.progress import Tell

TARGET = 8.0
"""Least seconds of a 720p film per second, on two cores."""

SECOND_RUN = 1.0
"""Most seconds that an analysis may take which is remembered."""


def measure_analysis(film: Path, folder: Path, tell: Tell) -> dict[str, Any]:
    """Analyse a film twice, with nothing remembered at first.

    Parameters
    ----------
    film : Path
        The film.
    folder : Path
        An empty folder for what is remembered.
    tell : callable
        Called with the share done and a text.

    Returns
    -------
    dict
        ``film`` (its name), ``film_seconds``, ``width``, ``height``, ``shots``; ``first_seconds``
        and ``second_seconds`` (wall) of the two runs; ``times_real_time`` of the first;
        ``ratios``, two dicts with the fields of `segue.experiments.bench.Ratio`.

    Raises
    ------
    SegueError
        If the film cannot be used.
    """

    def say(share: float, text: str) -> None:
        tell(share, f"analysis: {text}")

    began = time.perf_counter()
    table = analyse([film], cache=folder, progress=say)
    first = time.perf_counter() - began
    began = time.perf_counter()
    analyse([film], cache=folder)
    second = time.perf_counter() - began
    (footage,) = table.footage
    seconds = float(footage.frames / footage.rate)
    ratios = (
        Ratio("analysis", "real time", TARGET, seconds / first),
        Ratio("one second", "the second run", 1.0, SECOND_RUN / second),
    )
    return {
        "film": film.name,
        "film_seconds": seconds,
        "width": footage.width,
        "height": footage.height,
        "shots": len(table),
        "first_seconds": first,
        "second_seconds": second,
        "times_real_time": seconds / first,
        "ratios": [asdict(ratio) for ratio in ratios],
    }
