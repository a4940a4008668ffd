"""Scales, key signatures and the spelling of pitches.

Spelling goes by the *line of fifths*: every note name has one place on it (... Bb -2, F -1, C 0,
G 1, D 2, ... F# 6, ...), and a key's names are neighbours there.
"""

from __future__ import annotations

from functools import cache

from segue.envs.base.errors import SegueError

MODES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic_minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic_minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
"""Semitones above the tonic of the seven degrees; ``minor`` is natural minor."""

# Fifths from the tonic of the major key that shares the signature up to the mode's own tonic:
# A (minor) stands three fifths above C (major).
_FIFTHS_ABOVE_MAJOR = {
    "major": 0,
    "minor": 3,
    "harmonic_minor": 3,
    "melodic_minor": 3,
    "dorian": 2,
    "phrygian": 4,
    "lydian": -1,
    "mixolydian": 1,
}


def _check(tonic: int, mode: str) -> None:
    if mode not in MODES:
        raise SegueError(f"Unknown mode {mode!r}; choose one of {', '.join(MODES)}.")
    if not 0 <= tonic <= 11:
        raise SegueError(f"Tonic {tonic} is no pitch class; give 0 (C) to 11 (B).")


def scale_classes(tonic: int, mode: str) -> frozenset[int]:
    """Pitch classes of a scale.

    Parameters
    ----------
    tonic : int
        Pitch class, 0 (C) to 11 (B).
    mode : str
        A key of `MODES`.

    Returns
    -------
    frozenset of int
        The seven pitch classes.

    Raises
    ------
    SegueError
        If the mode is unknown or the tonic is no pitch class.
    """
    _check(tonic, mode)
    return frozenset((tonic + step) % 12 for step in MODES[mode])


def signature(tonic: int, mode: str) -> int:
    """Sharps (positive) or flats (negative) in the key signature, -6 to 6.

    Of the two names of a key with six accidentals, the usual one is taken: F sharp major, E flat
    minor. Raises `SegueError` as `scale_classes` does.
    """
    _check(tonic, mode)
    above = _FIFTHS_ABOVE_MAJOR[mode]
    fifths = (7 * tonic - above) % 12
    minor_third = 3 in MODES[mode]
    return fifths - 12 if fifths > 6 or (fifths == 6 and minor_third) else fifths


def name_at(fifths: int) -> str:
    """Name of a place on the line of fifths: 0 is ``"C"``, 6 ``"F#"``, -2 ``"Bb"``."""
    accidentals, letter = divmod(fifths + 1, 7)
    return "FCGDAEB"[letter] + ("#" * accidentals if accidentals > 0 else "b" * -accidentals)


@cache
def spelling(tonic: int, mode: str) -> tuple[int, ...]:
    """Place on the line of fifths of each of the twelve pitch classes in a key.

    Notes outside the scale are spelled as harmony borrows them: lowered second, third, sixth and
    seventh, raised fourth, and in minor the raised sixth and seventh; but none of them with a
    double accidental, which few read at sight.

    Returns
    -------
    tuple of int, (12,)
        Indexed by pitch class; give an entry to `name_at` for the name. Raises `SegueError` as
        `scale_classes` does.
    """
    home = signature(tonic, mode) + _FIFTHS_ABOVE_MAJOR[mode]
    scale = scale_classes(tonic, mode)
    places = [0] * 12
    for place in range(home - 5, home + 7):
        pitch_class = 7 * place % 12
        places[pitch_class] = place if pitch_class in scale else readable(place)
    return tuple(places)


def readable(place: int) -> int:
    """Exchange a place with a double accidental (below F flat, above B sharp) for a plain one."""
    return place + 12 if place < -8 else place - 12 if place > 12 else place


def pitch_class_name(pitch_class: int, tonic: int, mode: str) -> str:
    """Name of a pitch class in a key, such as ``"Bb"`` or ``"F#"``."""
    return name_at(spelling(tonic, mode)[pitch_class % 12])


def pitch_name(pitch: int, tonic: int, mode: str) -> str:
    """Name and octave of a MIDI pitch in a key: 60 is ``"C4"``, 59 in C sharp minor ``"B3"``."""
    name = pitch_class_name(pitch, tonic, mode)
    # B# sounds in the octave above the one that it is written in, Cb in the one below.
    natural = pitch - name.count("#") + name.count("b")
    return f"{name}{natural // 12 - 1}"


def key_name(tonic: int, mode: str) -> str:
    """Name of a key for people, such as ``"E flat major"`` or ``"F sharp harmonic minor"``."""
    name = pitch_class_name(tonic, tonic, mode)
    words = name[0] + " sharp" * name.count("#") + " flat" * name[1:].count("b")
    return f"{words} {mode.replace('_', ' ')}"
