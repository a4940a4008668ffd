"""The score of a counterpoint, with what each bar costs written under it."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from segue.envs.counterpoint.cantus_firmi import FUX
from segue.envs.counterpoint.types import CantusFirmus
from segue.envs.music.scales import pitch_name

WIDTH = 1400
"""Pixels across."""

_HEADING, _MARGIN = 110, 44
_BARS_A_LINE = 8
_BROKEN = "#b3261e"
_LOW = 58  # Mean MIDI pitch below which the cantus firmus is written in the bass clef.
_SCALES = {"aeolian": "minor", "ionian": "major"}  # Names that differ in `segue.envs.music`.

LABELS = {
    "perfect_consonance": "perfect",
    "direct_motion": "direct",
    "compound": "wide",
    "skip_to_octave": "skip to octave",
    "skip_from_unison": "skip from unison",
    "tenth_to_octave": "tenth to octave",
    "consecutive_skips": "two skips",
    "skip_preceded": "on by skip",
    "skip_followed": "skip not turned",
    "leap_back": "leap back",
    "large_leap": "large leap",
    "melodic_tritone": "tritone",
    "neighbour": "neighbour",
    "repetition": "repetition",
    "leap_at_cadence": "late leap",
    "lydian_tritone": "Lydian tritone",
    "climax": "second climax",
    "legality": "illegal",
}
"""What stands under a bar for each term; a term of one's own stands there by its name."""


def interval_number(semitones: int) -> int:
    """Number of a consonance, compound ones by their size: 12 semitones are 8, 16 are 10."""
    return (1, 2, 2, 3, 3, 4, 4, 5, 6, 6, 7, 7)[semitones % 12] + 7 * (semitones // 12)


def score_picture(
    cantus: CantusFirmus, line: Sequence[int], costs: Sequence[Mapping[str, float]]
) -> npt.NDArray[np.uint8]:
    """Engrave the cantus firmus and the counterpoint above it, as far as it goes.

    Parameters
    ----------
    cantus : CantusFirmus
        The lower staff.
    line : sequence of int
        MIDI pitches of the upper staff, from the first bar on.
    costs : sequence of mapping
        What each bar of `line` cost, by reward term.

    Returns
    -------
    ndarray (height, WIDTH, 3) uint8
        The interval under each bar and, in red, the broken rules with their points.
    """
    # Takes longer to import than the rest of this package.
    import resvg_py

    staves = _engrave(cantus, line, costs)
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', staves)
    assert box is not None
    height = WIDTH * int(box[2]) // int(box[1])
    total = sum(sum(bar.values()) for bar in costs)
    heading = (
        _text(_MARGIN, "start", f"{cantus.mode.capitalize()} cantus firmus", 'font-weight="bold"'),
        _text(WIDTH // 2, "middle", _source(cantus), 'font-style="italic"'),
        _text(WIDTH - _MARGIN, "end", f"cost {-total:g} in {len(line)} bars"),
    )
    placed = f'<svg y="{_HEADING}" width="{WIDTH}" height="{height}" '
    page = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height + _HEADING}">'
        f"{''.join(heading)}{staves.replace('<svg ', placed, 1)}</svg>"
    )
    png = resvg_py.svg_to_bytes(
        svg_string=page,
        background="white",
        width=WIDTH,
        # The same picture on every machine.
        skip_system_fonts=True,
        font_files=_fonts(),
        font_family="STIXGeneral",
        serif_family="STIXGeneral",
    )
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"), dtype=np.uint8)


def _text(x: int, anchor: str, words: str, style: str = "") -> str:
    return (
        f'<text x="{x}" y="66" text-anchor="{anchor}" font-size="32" '
        f'font-family="STIXGeneral" {style}>{words}</text>'
    )


def _source(cantus: CantusFirmus) -> str:
    return "Fux 1725" if cantus in FUX.values() else ""


@cache
def _fonts() -> list[str]:
    """Free fonts that matplotlib's package carries, since a machine may have none."""
    spec = find_spec("matplotlib")
    folder = Path((spec.submodule_search_locations or ["."])[0] if spec else ".")
    names = ("STIXGeneral.ttf", "STIXGeneralBol.ttf", "STIXGeneralItalic.ttf")
    return [str(folder / "mpl-data" / "fonts" / "ttf" / name) for name in names]


def _engrave(
    cantus: CantusFirmus, line: Sequence[int], costs: Sequence[Mapping[str, float]]
) -> str:
    """The staves as SVG."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit: Any = verovio.toolkit()
    toolkit.setOptions(
        {
            **{"breaks": "encoded", "adjustPageHeight": True, "svgViewBox": True},
            **{"pageWidth": 2000, "pageHeight": 60000, "scale": 40, "xmlIdSeed": 1},
            **{"pageMarginLeft": 60, "pageMarginRight": 60, "pageMarginTop": 20},
            **{"header": "none", "footer": "none", "minLastJustification": 0.0},
            **{"spacingStaff": 8, "spacingSystem": 8, "mnumInterval": 1, "lyricTopMinMargin": 7.0},
        }
    )
    toolkit.loadData(_mei(cantus, line, costs))
    return str(toolkit.renderToSVG(1))


def _mei(cantus: CantusFirmus, line: Sequence[int], costs: Sequence[Mapping[str, float]]) -> str:
    """The score in the format of the Music Encoding Initiative, note values of a whole bar."""
    bars = len(cantus.pitches)
    lines = -(-bars // _BARS_A_LINE)
    breaks = {bars * number // lines for number in range(1, lines)}
    measures = []
    for bar, below in enumerate(cantus.pitches):
        sung = bar < len(line)
        above = _note(line[bar], cantus) if sung else "<mSpace/>"
        under = _verses(line[bar] - below, costs[bar]) if sung else ""
        measures.append(
            f"{'<sb/>' if bar in breaks else ''}"
            f'<measure n="{bar + 1}" right="{"end" if bar == bars - 1 else "single"}">'
            f'<staff n="1"><layer n="1">{above}</layer></staff>'
            f'<staff n="2"><layer n="1">{_note(below, cantus, under)}</layer></staff></measure>'
        )
    clef = ("F", 4) if sum(cantus.pitches) < _LOW * bars else ("G", 2)
    return (
        '<mei xmlns="http://www.music-encoding.org/ns/mei"><music><body><mdiv><score><scoreDef>'
        '<staffGrp symbol="bracket" bar.thru="true">'
        '<staffDef n="1" lines="5" clef.shape="G" clef.line="2"/>'
        f'<staffDef n="2" lines="5" clef.shape="{clef[0]}" clef.line="{clef[1]}"/>'
        f"</staffGrp></scoreDef><section>{''.join(measures)}</section>"
        "</score></mdiv></body></music></mei>"
    )


def _note(pitch: int, cantus: CantusFirmus, verses: str = "") -> str:
    """A whole note, spelt in the mode; the raised leading tone is sharp."""
    tonic = cantus.final % 12
    raised = (pitch - tonic) % 12 == 11 and cantus.mode not in ("lydian", "ionian")
    # A semitone lower the leading tone is the mode's own seventh note.
    name = pitch_name(pitch - raised, tonic, _SCALES.get(cantus.mode, cantus.mode))
    sharps = name.count("#") - name[1:].count("b") + raised
    accidental = {-2: "ff", -1: "f", 1: "s", 2: "x"}.get(sharps)
    written = f' accid="{accidental}"' if accidental else ""
    octave = name.lstrip("ABCDEFG#b")
    return f'<note dur="1" pname="{name[0].lower()}" oct="{octave}"{written}>{verses}</note>'


def _verses(semitones: int, cost: Mapping[str, float]) -> str:
    """Lines of text under a bar: the interval, then each broken rule."""
    lines = [f'<rend fontweight="bold">{interval_number(semitones)}</rend>']
    for name, points in cost.items():
        label = f"{LABELS.get(name, name)} {points:g}".replace("-", "\N{MINUS SIGN}")
        lines.append(f'<rend color="{_BROKEN}" fontsize="70%">{label}</rend>')
    return "".join(
        f'<verse n="{number}"><syl>{text}</syl></verse>' for number, text in enumerate(lines, 1)
    )
