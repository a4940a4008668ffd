"""How fast environments step, films render, tunes sound, footage is analysed and agents train.

Everything runs in one process and one run, the contestants in turn, again and again; of the
repeats the median counts. So a machine that gets slower meanwhile slows down all of them.
"""

from __future__ import annotations

import math
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from rich.console import Console

from segue.envs.base.errors import SegueError
from segue.experiments.bench_tables import print_tables
from segue.experiments.progress import Tell, progress_bar

PARTS = ("stepping", "rendering", "audio", "analysis", "training")
"""What can be measured."""

ENVS = 1024
"""Environments of a vector environment."""
REPEATS = 7
SECONDS = 0.3
"""Length of one repeat, roughly."""

COUNTERPOINT = "segue.envs:segue/Counterpoint-v0"
HIGHLIGHT = "segue.envs:segue/Highlight-v0"
LEAD_SHEET = "segue.envs:segue/LeadSheet-v0"
MELODY = "segue.envs:segue/Melody-v0"
MONTAGE = "segue.envs:segue/Montage-v0"
MULTICAM = "segue.envs:segue/Multicam-v0"
CART_POLE = "CartPole-v1"

_POOL = 64
"""Batches of random actions that are drawn beforehand, and used in turn."""
_FILM_SHOTS = 20


@dataclass(frozen=True)
class Target:
    """A ratio that is to be reached.

    Attributes
    ----------
    of, to : str
        Names of the contestants: rate of `of` over that of `to`.
    least : float
        The ratio.
    """

    of: str
    to: str
    least: float


@dataclass(frozen=True)
class Ratio:
    """A target and what was measured; `measured` is None where a contestant is missing."""

    of: str
    to: str
    least: float
    measured: float | None


_TARGETS = {
    "single": (Target("LeadSheet", "Gymnasium CartPole", 2.0),),
    "vector": (
        Target("Counterpoint", "EnvPool CartPole", 20.0),
        Target("Highlight", "EnvPool CartPole", 20.0),
        Target("LeadSheet", "EnvPool CartPole", 20.0),
        Target("Melody", "EnvPool CartPole", 20.0),
        Target("Montage", "EnvPool CartPole", 1.0),
        Target("Multicam", "EnvPool CartPole", 20.0),
        Target("LeadSheet", "Gymnasium CartPole", 2.0),
        Target("Montage", "Gymnasium CartPole", 0.1),
    ),
}

Steps = Callable[[int], None]
"""Takes that many steps, one in every environment each."""


def bench(which: Sequence[str] | None = None, *, film: Path | None = None) -> dict[str, Any]:
    """Measure, and print tables on stdout.

    Parameters
    ----------
    which : sequence of str or None
        Some of `PARTS`; None or none is all.
    film : Path or None
        The film to render from and to analyse, of a minute or more; None generates one to render
        from, and analyses that of the demo.

    Returns
    -------
    dict
        As of `measure`.

    Raises
    ------
    SegueError
        If a part is unknown or the film cannot be used.
    """
    figures = measure(which, film=film)
    print_tables(figures, Console())
    return figures


def measure(which: Sequence[str] | None = None, *, film: Path | None = None) -> dict[str, Any]:
    """Measure, and print nothing on stdout.

    Parameters
    ----------
    which, film
        As of `bench`.

    Returns
    -------
    dict
        For ``single`` and ``vector``: ``environments``, ``steps_per_second`` by contestant (None
        where it is not installed; a step counts once for each of the environments) and
        ``ratios``, a list of dicts with the fields of `Ratio`. For ``rendering``: what
        `render_benchmark.compare_with_ffmpeg` gives. For ``audio``: what
        `audio_benchmark.measure_audio` gives. For ``analysis``: what
        `analysis_benchmark.measure_analysis` gives. For ``training``: what
        `training_benchmark.measure_training` gives.

    Raises
    ------
    SegueError
        If a part is unknown or the film cannot be used.
    """
    chosen = tuple(which or PARTS)
    for part in chosen:
        if part not in PARTS:
            raise SegueError(f"There is no benchmark {part!r}; choose from {', '.join(PARTS)}.")
    figures: dict[str, Any] = {}
    with progress_bar("bench") as tell:
        if "stepping" in chosen:
            figures["single"] = _race("single", _single_contestants(), 1, tell)
            figures["vector"] = _race("vector", _vector_contestants(), ENVS, tell)
        if "rendering" in chosen:
            figures["rendering"] = _render(film, tell)
        if "audio" in chosen:
            figures["audio"] = _audio(tell)
        if "analysis" in chosen:
            figures["analysis"] = _analyse(film, tell)
        if "training" in chosen:
            figures["training"] = _train(tell)
    return figures


def _race(
    part: str, contestants: Mapping[str, Steps | None], envs: int, tell: Tell
) -> dict[str, Any]:
    """Median rate of each contestant over interleaved repeats, and the ratios asked for."""
    present = {name: steps for name, steps in contestants.items() if steps is not None}
    tell(0.0, f"{part}: warming up")
    counts = {name: _calibrated(steps) for name, steps in present.items()}
    rates: dict[str, list[float]] = {name: [] for name in present}
    for repeat in range(REPEATS):
        for name, steps in present.items():
            rates[name].append(counts[name] * envs / _seconds(steps, counts[name]))
        tell((repeat + 1) / REPEATS, f"{part}: stepping")
    medians = {
        name: statistics.median(rates[name]) if name in rates else None for name in contestants
    }
    ratios = []
    for target in _TARGETS[part]:
        over, under = medians[target.of], medians[target.to]
        measured = None if over is None or under is None else over / under
        ratios.append(asdict(Ratio(target.of, target.to, target.least, measured)))
    return {"environments": envs, "steps_per_second": medians, "ratios": ratios}


def _calibrated(steps: Steps) -> int:
    """Warm up, and find how many calls take about `SECONDS`."""
    steps(_POOL)  # compiles and fills caches
    count = _POOL
    while (taken := _seconds(steps, count)) < SECONDS / 4:
        count *= 2
    return max(math.ceil(count * SECONDS / taken), 1)


def _seconds(steps: Steps, count: int) -> float:
    began = time.perf_counter()
    steps(count)
    return time.perf_counter() - began


def _single_contestants() -> dict[str, Steps | None]:
    return {
        "Gymnasium CartPole": _single(gym.make(CART_POLE)),
        "LeadSheet": _single(gym.make(LEAD_SHEET)),
    }


def _vector_contestants() -> dict[str, Steps | None]:
    own = gym.VectorizeMode.VECTOR_ENTRY_POINT
    return {
        "Gymnasium CartPole": _vector(gym.make_vec(CART_POLE, ENVS, vectorization_mode=own)),
        "EnvPool CartPole": _envpool(),
        "Counterpoint": _vector(gym.make_vec(COUNTERPOINT, ENVS)),
        "Highlight": _vector(gym.make_vec(HIGHLIGHT, ENVS)),
        "LeadSheet": _vector(gym.make_vec(LEAD_SHEET, ENVS)),
        "Melody": _vector(gym.make_vec(MELODY, ENVS)),
        "Montage": _vector(gym.make_vec(MONTAGE, ENVS)),
        "Multicam": _vector(gym.make_vec(MULTICAM, ENVS)),
    }


def _single(env: gym.Env[Any, Any]) -> Steps:
    """Step one environment through its wrappers; resets are part of the work."""
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(_POOL * 16)]
    env.reset(seed=0)

    def steps(count: int) -> None:
        step, reset, size = env.step, env.reset, len(actions)
        for index in range(count):
            _, _, terminated, truncated, _ = step(actions[index % size])
            if terminated or truncated:
                reset()

    return steps


def _vector(env: gym.vector.VectorEnv[Any, Any, Any]) -> Steps:
    """Step a vector environment, which resets its rows by itself."""
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(_POOL)]
    env.reset(seed=0)

    def steps(count: int) -> None:
        step = env.step
        for index in range(count):
            step(actions[index % _POOL])

    return steps


def _envpool() -> Steps | None:
    """Step EnvPool with one thread, as the others have one; None where it is not installed."""
    try:
        import envpool
    except ImportError:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the precision of its own spaces
        env = envpool.make(CART_POLE, env_type="gymnasium", num_envs=ENVS, num_threads=1, seed=0)
    space = spaces.Discrete(2, seed=0)
    drawn = np.array([[space.sample() for _ in range(ENVS)] for _ in range(_POOL)], dtype=np.int32)
    actions = list(drawn)
    env.reset()

    def steps(count: int) -> None:
        step = env.step
        for index in range(count):
            step(actions[index % _POOL])

    return steps


def _render(film: Path | None, tell: Tell) -> dict[str, float]:
    """Compare rendering with ffmpeg."""
    from segue.envs.film.synthetic import write_synthetic_film
    from segue.experiments.render_benchmark import compare_with_ffmpeg, sample_edit

    with tempfile.TemporaryDirectory(prefix="segue-bench-") as name:
        folder = Path(name)
        if film is None:
            tell(0.0, "rendering: generating a film")
            film = folder / "generated.mp4"
            write_synthetic_film(
                film,
                shots=_FILM_SHOTS,
                rate=Fraction(24),
                size=(1280, 720),
                seconds_per_shot=(3.1, 3.3),
            )
        tell(0.3, "rendering: with ffmpeg, then with segue")
        return compare_with_ffmpeg(sample_edit(film), folder)


def _audio(tell: Tell) -> dict[str, Any]:
    """Write tunes as sound."""
    from segue.experiments.audio_benchmark import measure_audio

    with tempfile.TemporaryDirectory(prefix="segue-bench-") as name:
        return measure_audio(Path(name), tell)


def _analyse(film: Path | None, tell: Tell) -> dict[str, Any]:
    """Analyse a film."""
    from segue.envs.film.sample_film import sample_film
    from segue.experiments.analysis_benchmark import measure_analysis

    with tempfile.TemporaryDirectory(prefix="segue-bench-") as name:
        return measure_analysis(film or sample_film(progress=tell).path, Path(name), tell)


def _train(tell: Tell) -> dict[str, Any]:
    """Train agents."""
    from segue.experiments.training_benchmark import measure_training

    return measure_training(tell)
