"""The command line: ``segue <verb>``.

Data goes to stdout, progress to stderr. Exit codes: 0 done; 1 faults found by ``check``; 2 wrong
input, said in one sentence; 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from segue.envs.base.errors import SegueError
from segue.envs.base.references import load_plugins
from segue.experiments.cli_check import check
from segue.experiments.cli_compare import compare
from segue.experiments.cli_groups import audit_app, corpus_app, demonstrations_app
from segue.experiments.cli_report import report
from segue.experiments.cli_sample import sample
from segue.experiments.cli_shared import AsJson, Out, Seed, command, finish
from segue.experiments.cli_sweep import sweep
from segue.experiments.cli_train import evaluate, train

app = typer.Typer(
    help="Reinforcement learning for creative editing: film and melody.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(corpus_app, name="corpus")
app.add_typer(audit_app, name="audit")
app.add_typer(demonstrations_app, name="demonstrations")
app.command(
    epilog="Example: segue train segue/Montage-v0 --agent maskable-ppo --steps 50000 --seed 0"
)(train)
app.command(epilog="Example: segue evaluate runs/segue-Montage-v0__maskable-ppo__0__...")(evaluate)
app.command(epilog="Example: segue compare runs/ --out table/")(compare)
app.command(epilog="Example: segue report runs/ --out report.html")(report)
app.command(epilog="Example: segue sweep segue/LeadSheet-v0 --agent ppo --trials 8 --steps 50000")(
    sweep
)
app.command(epilog="Example: segue sample --motif motif.abc --bars 16 --out out/")(sample)
app.command(epilog="Example: segue check their.module:Their-v0 --options '{size: 5}'")(check)

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


@app.command(epilog='Example: segue compose "an electronic dance tune, dark, 128 bpm" --out out/')
def compose(
    brief: Annotated[
        str | None,
        typer.Argument(help="What the tune should be, in English or Chinese words."),
    ] = None,
    words: Annotated[
        Path | None, typer.Option(help="YAML file of words of your own for the brief.")
    ] = None,
    mood: Annotated[str | None, typer.Option(help="Mood of the tune; default hopeful.")] = None,
    bars: Annotated[int | None, typer.Option(help="Length in bars, 1 to 64; default 16.")] = None,
    chords: Annotated[
        str | None,
        typer.Option(help='Chords, such as "Am7 D7 | Gmaj7"; default a progression by mood.'),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help='Key, such as "D dorian"; default that of the chords, or by mood.'),
    ] = None,
    metre: Annotated[str | None, typer.Option(help="2/4, 3/4, 4/4 or 6/8; default 4/4.")] = None,
    tempo: Annotated[
        float | None, typer.Option(help="Quarter notes a minute; default by mood.")
    ] = None,
    swing: Annotated[
        float | None, typer.Option(help="Long to short eighth: 1 straight, 2 triplet, 3 at most.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="attention, the pretrained model (default with words), or q-learning, an agent "
            "that learns the piece to its optimum (default without)."
        ),
    ] = None,
    soundfont: Annotated[
        Path | None, typer.Option(help="Soundfont (.sf2) that plays the tune; default TimGM6mb.")
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Compose a tune: MIDI, MusicXML, sound, score and piano roll.

    An option wins over a word of the brief.
    """
    from segue.experiments.brief_words import asked, warnings
    from segue.experiments.compose_verb import compose_verb

    options = {
        **{"mood": mood, "bars": bars, "chords": chords, "key": key},
        **{"metre": metre, "tempo": tempo, "swing": swing},
    }
    understood = asked(brief, words, options)
    for line in warnings(understood):
        typer.echo(line, err=True)
    record, lines = compose_verb(understood, seed, soundfont, out, command(), chords, by)
    finish(record, lines, as_json)


@app.command(
    epilog="Example: segue edit holiday.mp4 --music tune.wav --length 30 --out out/",
)
def edit(
    footage: Annotated[Path, typer.Argument(help="A film, or a folder of films.")],
    music: Annotated[
        Path | None, typer.Option(help="Sound to cut to; default the film's own.")
    ] = None,
    length: Annotated[float, typer.Option(help="Longest film, in seconds.")] = 30.0,
    steps: Annotated[int, typer.Option(help="Training steps of the editor.")] = 10_000,
    credits: Annotated[
        bool, typer.Option(help="End with credits for whom the sources name.")
    ] = True,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Train an editor on footage and let it cut a film to the beats of a tune."""
    from segue.experiments.material import EditConfig
    from segue.experiments.verbs import edit_verb

    config = EditConfig(length=length, seed=seed, steps=steps, credits=credits)
    record, lines = edit_verb(footage, music, config, out, command())
    finish(record, lines, as_json)


@app.command(epilog="Example: segue envs --json")
def envs(as_json: AsJson = False) -> None:
    """List the environments, plug-ins' too: id, spaces, horizon, bound, what each is."""
    from rich.console import Console
    from rich.table import Table

    from segue.experiments.documentation import environment_rows
    from segue.experiments.plugin_table import plugin_rows

    rows = environment_rows() + plugin_rows()
    if as_json:
        typer.echo(json.dumps({"environments": rows}))
        return
    table = Table(*(name.capitalize() for name in rows[0]), show_lines=True)
    for row in rows:
        table.add_row(*row.values())
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@app.command(epilog="Example: FOOTAGE=holiday.mp4 segue demo --out out/")
def demo(
    footage: Annotated[
        Path | None,
        typer.Option(envvar="FOOTAGE", help="Own film or folder; default Big Buck Bunny."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Training steps of the editor.")] = 10_000,
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Compose a tune, train an editor, and cut a real film to the tune."""
    from segue.experiments.verbs import demo_verb

    record, lines = demo_verb(footage, steps, seed, out, command())
    finish(record, lines, as_json)


@app.command(epilog="Example: segue bench stepping")
def bench(
    which: Annotated[
        list[str] | None,
        typer.Argument(
            help="stepping, rendering, audio, analysis, training (the default); attention, "
            "briefs, counterpoint, demonstrations, finished-edit, frontier, generators, growth, "
            "hearing, highlight, montage, rl-tuner, strangers."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="YAML file with the settings of a table; default that of segue."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="Any setting of the tables, such as seeds=5."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the tables, other than those of speed.")
    ] = Path("runs"),
    tvsum: Annotated[
        Path | None, typer.Option(help="For highlight: TVSum's ydata-tvsum50.mat.")
    ] = None,
    summe: Annotated[
        Path | None, typer.Option(help="For highlight: SumMe as a keyshot data set (HDF5).")
    ] = None,
    scores: Annotated[
        list[Path] | None, typer.Option(help="With either: stored outputs of a method (HDF5).")
    ] = None,
    shots: Annotated[
        Path | None, typer.Option(help="With --tvsum: keyshot data set (HDF5); default 2-s clips.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure speed beside peers, or what agents reach, trained on the spot."""
    from segue.experiments.verbs import bench_verb

    files = (tvsum, summe, scores or [], shots)
    record, lines = bench_verb(
        which or [], config, assignments or [], out, command(), as_json, files
    )
    finish(record, lines, as_json)


def main() -> None:
    """Run the command line; the entry point of the ``segue`` script."""
    # Before torch and NumPy are imported: one thread a process.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        if len(sys.argv) > 1 and "--help" not in sys.argv:
            # Before a verb: what they add counts among the choices of environments.
            load_plugins()
        code = app(standalone_mode=False)
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        sys.exit(code if isinstance(code, int) else 0)
    except SegueError as error:
        typer.echo(f"segue: {error}", err=True)
        sys.exit(2)
    except typer.TyperException as error:
        typer.echo(f"segue: {error.format_message().rstrip('. ')}; see segue --help.", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("segue: interrupted.", err=True)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
