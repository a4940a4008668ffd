"""The verbs that have verbs of their own: ``corpus``, ``audit`` and ``demonstrations``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.experiments.cli_shared import AsJson, Out, Seed, command, finish

corpus_app = typer.Typer(
    help="Collections of melodies to learn from.", no_args_is_help=True, rich_markup_mode=None
)

audit_app = typer.Typer(
    help="Whether rewards prefer what people made.", no_args_is_help=True, rich_markup_mode=None
)

demonstrations_app = typer.Typer(
    help="People's edits as records to learn from.", no_args_is_help=True, rich_markup_mode=None
)


@corpus_app.command(
    "add", epilog="Example: segue corpus add song.ogg --licence CC0-1.0 --name mine"
)
def corpus_add(
    path: Annotated[
        Path,
        typer.Argument(
            help="A recording, a file of music (MIDI, MusicXML, ABC), or a folder of either."
        ),
    ],
    licence: Annotated[
        str, typer.Option(help="SPDX identifier of the tunes' licence, or public-domain.")
    ] = "unknown",
    name: Annotated[str | None, typer.Option(help="Name; default that of folder or file.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for what was heard: MIDI, ABC and a picture of each recording; default a "
            "new one in runs/."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Keep melodies, written or heard in recordings, as a collection."""
    from segue.experiments.corpus import add_verb

    record, lines = add_verb(path, name, licence, out, command())
    finish(record, lines, as_json)


@corpus_app.command("list", epilog="Example: segue corpus list --json")
def corpus_list(as_json: AsJson = False) -> None:
    """List the collections: name, tunes, licence, origin."""
    from segue.experiments.corpus import list_verb

    record, lines = list_verb()
    finish(record, lines, as_json)


@audit_app.command("melody", epilog="Example: segue audit melody --preset segue --out audit/")
def audit_melody(
    preset: Annotated[
        list[str] | None,
        typer.Option(help="segue, rl-tuner, rl-tuner-rules or lead-sheet; default all."),
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option(help="Collection of segue corpus list; default those of music21."),
    ] = None,
    windows: Annotated[
        int | None, typer.Option(help="Human passages a preset, drawn from all; default all.")
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Set held-out human melodies against noise, shuffled notes and exploits, term by term."""
    from segue.experiments.audit_verb import melody_verb

    record, lines = melody_verb(preset, corpus, windows, seed, out, command())
    finish(record, lines, as_json)


@audit_app.command("film", epilog="Example: segue audit film trailer.mp4 film.mp4 --out audit/")
def audit_film(
    films: Annotated[
        list[Path] | None,
        typer.Argument(help="Finished films, edits by people; montage needs one."),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(help="montage, multicam or highlight; default all that can be."),
    ] = None,
    edits: Annotated[
        list[Path] | None,
        typer.Option(help="For multicam: people's edits, a folder of segue demonstrations."),
    ] = None,
    tvsum: Annotated[
        Path | None, typer.Option(help="For highlight: TVSum's ydata-tvsum50.mat.")
    ] = None,
    copies: Annotated[int, typer.Option(help="Rivals of each kind for each passage.")] = 8,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Set people's edits against random ones, and those against exploits, term by term."""
    from segue.experiments.film_audit_verb import Material, film_verb

    material = Material(tuple(films or ()), tuple(edits or ()), tvsum)
    record, lines = film_verb(material, preset, copies, seed, out, command())
    finish(record, lines, as_json)


@demonstrations_app.command(
    "from-finished",
    epilog="Example: segue demonstrations from-finished trailer.mp4 --source film.mp4 --out out/",
)
def demonstrations_from_finished(
    film: Annotated[Path, typer.Argument(help="The finished edit.")],
    source: Annotated[
        list[Path], typer.Option(help="A film that it was cut from; may be given more than once.")
    ],
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Find by picture which frames a finished edit was cut from, and write its timeline."""
    from segue.experiments.demonstrations import finished_verb

    record, lines = finished_verb(film, source, out, command())
    finish(record, lines, as_json)


@demonstrations_app.command(
    "from-timeline",
    epilog="Example: segue demonstrations from-timeline reel1.edl --footage media/ --rate 23.976",
)
def demonstrations_from_timeline(
    files: Annotated[list[Path], typer.Argument(help="OTIO, EDL, FCP7 XML or FCPXML files.")],
    footage: Annotated[
        Path | None, typer.Option(help="Folder of the media that they were cut from.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Frames per second of EDLs, which do not tell it.")
    ] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Read timelines: set-up, in-point, length, transition and speed of each shot."""
    from segue.experiments.demonstrations import parse_rate, timeline_verb

    exact = None if rate is None else parse_rate(rate)
    record, lines = timeline_verb(files, footage, exact, out, command())
    finish(record, lines, as_json)


@demonstrations_app.command("report", epilog="Example: segue demonstrations report runs/<run>")
def demonstrations_report(
    folder: Annotated[Path, typer.Argument(help="Folder of demonstrations.")],
    as_json: AsJson = False,
) -> None:
    """Say what demonstrations hold, and how well simple rules foretell the next shot."""
    from segue.experiments.demonstrations import report_verb

    record, lines = report_verb(folder)
    finish(record, lines, as_json)


@demonstrations_app.command(
    "record",
    epilog="Example: segue demonstrations record segue/Montage-v0 --by optimum --episodes 20",
)
def demonstrations_record(
    env: Annotated[str, typer.Argument(help="Gymnasium id, or module:id.")],
    by: Annotated[
        str,
        typer.Option(
            help="optimum, greedy, random, person (you, at the keyboard), corpus, or the folder of "
            "a run of segue train."
        ),
    ] = "optimum",
    episodes: Annotated[int, typer.Option(help="How many.")] = 10,
    option: Annotated[
        list[str] | None,
        typer.Option(help="Of the environment, such as bins=8; may be given more than once."),
    ] = None,
    author: Annotated[str, typer.Option(help="Whose they are; kept with them.")] = "",
    licence: Annotated[
        str, typer.Option(help="SPDX identifier, kept with them; default that of the source.")
    ] = "",
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody play episodes of an environment, and keep them as a Minari dataset."""
    from segue.experiments.players import Recording
    from segue.experiments.recording import parse_options, record_verb

    asked = Recording(env, by, episodes, seed, parse_options(option or []), author, licence)
    record, lines = record_verb(asked, out, command())
    finish(record, lines, as_json)
    if record["interrupted"]:
        raise KeyboardInterrupt
