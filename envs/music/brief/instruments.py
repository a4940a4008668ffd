"""Instruments that briefs may name, and how loud the soundfont plays them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Instrument:
    """An instrument that plays melody or chords.

    Attributes
    ----------
    name : str
        In English.
    melody, held, struck : float
        Loudness (LUFS, ITU-R BS.1770) of a melody in quarters, of held chords and of repeated
        eighths, at channel volume 100 through TimGM6mb.
    """

    name: str
    melody: float
    held: float
    struck: float


INSTRUMENTS: Mapping[int, Instrument] = MappingProxyType(
    {
        0: Instrument("piano", -34.8, -40.9, -36.8),
        4: Instrument("electric piano", -28.5, -34.1, -31.6),
        6: Instrument("harpsichord", -32.8, -40.0, -36.8),
        8: Instrument("celesta", -32.7, -39.2, -34.4),
        9: Instrument("glockenspiel", -34.6, -36.4, -32.7),
        10: Instrument("music box", -30.6, -36.5, -30.7),
        11: Instrument("vibraphone", -26.9, -32.4, -27.9),
        12: Instrument("marimba", -35.9, -38.8, -35.1),
        13: Instrument("xylophone", -39.6, -39.6, -38.0),
        14: Instrument("bells", -28.1, -34.3, -28.1),
        15: Instrument("dulcimer", -35.4, -39.2, -34.7),
        16: Instrument("electric organ", -29.4, -32.1, -32.9),
        19: Instrument("church organ", -30.4, -32.3, -35.0),
        20: Instrument("reed organ", -26.5, -31.2, -32.4),
        21: Instrument("accordion", -29.1, -31.6, -33.7),
        22: Instrument("harmonica", -27.5, -31.2, -33.9),
        24: Instrument("nylon guitar", -29.5, -36.5, -32.7),
        25: Instrument("steel guitar", -32.8, -39.8, -35.8),
        26: Instrument("jazz guitar", -28.7, -36.1, -32.5),
        27: Instrument("electric guitar", -35.7, -42.2, -36.4),
        30: Instrument("distorted guitar", -26.3, -28.9, -30.9),
        40: Instrument("violin", -25.8, -29.9, -31.2),
        41: Instrument("viola", -25.4, -29.3, -31.5),
        42: Instrument("cello", -25.5, -27.4, -29.0),
        43: Instrument("contrabass", -27.4, -30.5, -31.4),
        44: Instrument("tremolo strings", -28.7, -32.4, -32.4),
        45: Instrument("pizzicato strings", -35.9, -35.1, -33.2),
        46: Instrument("harp", -26.6, -32.3, -27.2),
        48: Instrument("strings", -28.4, -30.8, -32.1),
        51: Instrument("synth strings", -30.2, -31.6, -33.4),
        52: Instrument("choir", -29.5, -31.2, -34.9),
        54: Instrument("synth voice", -30.7, -32.5, -30.8),
        56: Instrument("trumpet", -28.2, -32.4, -34.3),
        57: Instrument("trombone", -29.5, -32.4, -34.2),
        58: Instrument("tuba", -29.6, -32.9, -33.5),
        60: Instrument("horn", -21.9, -26.7, -27.8),
        61: Instrument("brass", -32.2, -36.7, -37.0),
        64: Instrument("soprano saxophone", -28.1, -31.4, -32.9),
        65: Instrument("alto saxophone", -26.5, -31.5, -33.6),
        66: Instrument("tenor saxophone", -27.1, -31.6, -33.1),
        67: Instrument("baritone saxophone", -31.0, -34.0, -35.4),
        68: Instrument("oboe", -27.4, -30.3, -33.1),
        69: Instrument("English horn", -27.3, -30.4, -32.5),
        70: Instrument("bassoon", -30.2, -31.0, -33.1),
        71: Instrument("clarinet", -26.8, -31.3, -33.0),
        72: Instrument("piccolo", -27.4, -29.0, -33.2),
        73: Instrument("flute", -27.6, -31.3, -33.6),
        74: Instrument("recorder", -27.9, -29.1, -33.8),
        75: Instrument("pan flute", -29.1, -31.4, -34.5),
        77: Instrument("shakuhachi", -29.2, -33.2, -31.7),
        78: Instrument("whistle", -24.3, -27.3, -30.1),
        79: Instrument("ocarina", -24.7, -26.4, -29.0),
        80: Instrument("square lead", -26.1, -28.5, -29.9),
        81: Instrument("saw lead", -27.9, -30.3, -32.1),
        88: Instrument("fantasia pad", -28.4, -32.5, -30.5),
        89: Instrument("warm pad", -34.7, -32.1, -42.8),
        90: Instrument("polysynth", -32.0, -34.4, -34.1),
        91: Instrument("choir pad", -27.8, -32.0, -29.5),
        95: Instrument("sweep pad", -35.5, -34.6, -35.9),
        104: Instrument("sitar", -35.6, -38.4, -32.8),
        105: Instrument("banjo", -31.8, -36.3, -31.6),
        106: Instrument("shamisen", -37.5, -39.2, -34.9),
        107: Instrument("koto", -29.0, -36.4, -31.8),
        108: Instrument("kalimba", -32.2, -35.5, -31.7),
        109: Instrument("bagpipe", -26.5, -29.8, -30.7),
        110: Instrument("fiddle", -27.3, -30.3, -32.4),
        114: Instrument("steel drums", -34.0, -36.4, -32.9),
    }
)
"""By General MIDI program."""

BASSES: Mapping[int, Instrument] = MappingProxyType(
    {
        32: Instrument("acoustic bass", -33.3, -36.8, -33.3),
        33: Instrument("fingered bass", -31.5, -33.4, -31.5),
        34: Instrument("picked bass", -33.0, -34.7, -33.0),
        35: Instrument("fretless bass", -31.5, -31.8, -31.5),
        36: Instrument("slap bass", -31.7, -33.3, -31.7),
        38: Instrument("synth bass", -32.1, -34.5, -32.1),
        43: Instrument("contrabass", -30.6, -29.9, -32.3),
        58: Instrument("tuba", -34.7, -33.2, -35.4),
    }
)
"""Instruments of the bass line, by General MIDI program; *held* is one root a chord."""

DRUMS: Mapping[str, float] = MappingProxyType(
    {"pop": -33.5, "light": -41.5, "march": -34.5, "pulse": -36.4, "tension": -34.6, "swing": -42.0}
)
"""Loudness of the patterns of `segue.envs.music.drums.GROOVES`, measured so too."""
