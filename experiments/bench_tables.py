"""Tables of what `segue.experiments.bench` measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def print_tables(figures: Mapping[str, Any], console: Console) -> None:
    """Print what `measure` gave."""
    for part in ("single", "vector"):
        if part in figures:
            count = figures[part]["environments"]
            title = "One environment" if count == 1 else f"{count:,} environments at once"
            _print_race(title, figures[part], console)
    if "rendering" in figures:
        _print_render(figures["rendering"], console)
    if "audio" in figures:
        _print_audio(figures["audio"], console)
    if "analysis" in figures:
        _print_analysis(figures["analysis"], console)
    if "training" in figures:
        for case in figures["training"]["cases"]:
            _print_training(case, console)


def _print_race(title: str, figures: Mapping[str, Any], console: Console) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("environment")
    table.add_column("steps per second", justify="right")
    for name, rate in figures["steps_per_second"].items():
        table.add_row(name, "not installed" if rate is None else f"{rate:,.0f}")
    console.print(table)
    _print_ratios(figures["ratios"], console)


def _print_ratios(rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    ratios = Table("ratio", box=None)
    ratios.add_column("measured", justify="right")
    ratios.add_column("target", justify="right")
    for ratio in rows:
        measured = ratio["measured"]
        said = "-" if measured is None else f"{measured:.2f}"
        style = "" if measured is None else ("green" if measured >= ratio["least"] else "red")
        ratios.add_row(
            f"{ratio['of']} / {ratio['to']}", said, f"at least {ratio['least']:g}", style=style
        )
    console.print(ratios)


def _print_render(figures: Mapping[str, float], console: Console) -> None:
    title = f"Rendering a film of {figures['film_seconds']:.1f} s"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("renderer")
    table.add_column("seconds", justify="right")
    table.add_column("frames", justify="right")
    table.add_column("MB", justify="right")
    for name in ("ffmpeg", "segue"):
        table.add_row(
            "one ffmpeg process" if name == "ffmpeg" else "segue",
            f"{figures[f'{name}_seconds']:.2f}",
            f"{figures[f'{name}_frames']:.0f}",
            f"{figures[f'{name}_bytes'] / 1e6:.2f}",
        )
    console.print(table)
    console.print(f"segue / ffmpeg: {figures['ratio']:.2f}")


def _print_audio(figures: Mapping[str, Any], console: Console) -> None:
    title = f"Tune of {figures['bars']} bars, {figures['music_seconds']:.1f} s, to a WAV file"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("players of the mood")
    table.add_column("x real time", justify="right")
    for mood, rate in figures["times_real_time"].items():
        table.add_row(mood, f"{rate:.0f}")
    table.add_row("the first file of all", f"{figures['first_times_real_time']:.0f}")
    console.print(table)
    _print_ratios(figures["ratios"], console)


def _print_analysis(figures: Mapping[str, Any], console: Console) -> None:
    size = f"{figures['width']} x {figures['height']}"
    title = f"Analysing {figures['film']}, {figures['film_seconds']:.1f} s of {size}"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("run")
    table.add_column("seconds", justify="right")
    table.add_column("x real time", justify="right")
    for name in ("first", "second"):
        seconds = figures[f"{name}_seconds"]
        table.add_row(name, f"{seconds:.2f}", f"{figures['film_seconds'] / seconds:,.0f}")
    console.print(table)
    _print_ratios(figures["ratios"], console)


def _print_training(case: Mapping[str, Any], console: Console) -> None:
    title = f"Training {case['agent']} in {case['env']}; policy: {case['policy']}"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("environments")
    for name in ("rollout steps/s", "training steps/s", "env", "policy", "learning"):
        table.add_column(name, justify="right")
    for name, figures in case["contestants"].items():
        table.add_row(
            f"{figures['environments']:,} {name.split(',')[0]}",
            f"{figures['rollout_steps_per_second']:,.0f}",
            f"{figures['training_steps_per_second']:,.0f}",
            *(f"{100 * figures[part]:.1f} %" for part in ("env", "policy", "learning")),
        )
    console.print(table)
    if case["ratios"]:
        _print_ratios(case["ratios"], console)
