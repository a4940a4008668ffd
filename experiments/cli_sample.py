"""``segue sample`` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.experiments.cli_shared import AsJson, Out, Seed, command, finish


def sample(
    model: Annotated[
        Path | None,
        typer.Argument(help="Run of segue train attention; default the model of segue."),
    ] = None,
    count: Annotated[int, typer.Option(help="Melodies.")] = 4,
    bars: Annotated[int, typer.Option(help="Bars of each, a motif's among them.")] = 8,
    mode: Annotated[
        str, typer.Option(help="major, minor, dorian, phrygian, lydian or mixolydian.")
    ] = "major",
    metre: Annotated[str, typer.Option(help="Such as 4/4, 3/4, 6/8 or 9/8.")] = "4/4",
    density: Annotated[float | None, typer.Option(help="Onsets a quarter, about.")] = None,
    temperature: Annotated[float, typer.Option(help="Below 1 likelier notes are preferred.")] = 1.0,
    nucleus: Annotated[
        float, typer.Option(help="Share of the probability that notes are drawn from.")
    ] = 0.95,
    motif: Annotated[
        Path | None,
        typer.Option(help="MIDI, MusicXML or ABC file that every melody begins with."),
    ] = None,
    gap: Annotated[
        str | None,
        typer.Option(help="Bars of the motif, such as 5-8, to write anew between the others."),
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Write melodies by the attention model: freely, on from a motif, or into a gap."""
    from segue.experiments.sample_verb import Asked, sample_verb

    asked = Asked(model, count, bars, seed, mode, metre, density, temperature, nucleus, motif, gap)
    finish(*sample_verb(asked, out, command()), as_json)
