"""Cantus firmi: the six of Fux, and what a cantus firmus has to be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from segue.envs.base.errors import SegueError
from segue.envs.counterpoint.types import (
    FEWEST_BARS,
    HIGHEST_NOTE,
    LOWEST_NOTE,
    MOST_BARS,
    WIDEST_CANTUS_MOVE,
    CantusFirmus,
)
from segue.envs.music.scales import MODES as SCALES

MODES: dict[str, tuple[int, ...]] = {
    "dorian": SCALES["dorian"],
    "phrygian": SCALES["phrygian"],
    "lydian": SCALES["lydian"],
    "mixolydian": SCALES["mixolydian"],
    "aeolian": SCALES["minor"],
    "ionian": SCALES["major"],
}
"""Semitones above the final of the seven notes of each church mode, in the order of Fux."""

FINALS: dict[str, int] = {
    "dorian": 62,
    "phrygian": 64,
    "lydian": 53,
    "mixolydian": 55,
    "aeolian": 57,
    "ionian": 60,
}
"""MIDI pitch of the final of each mode untransposed, in the register of Fux's examples."""

_FUX: dict[str, tuple[int, ...]] = {
    "dorian": (62, 65, 64, 62, 67, 65, 69, 67, 65, 64, 62),
    "phrygian": (64, 60, 62, 60, 57, 69, 67, 64, 65, 64),
    "lydian": (53, 55, 57, 53, 50, 52, 53, 60, 57, 53, 55, 53),
    "mixolydian": (55, 60, 59, 55, 60, 64, 62, 67, 64, 60, 62, 59, 57, 55),
    "aeolian": (57, 60, 59, 62, 60, 64, 65, 64, 62, 60, 59, 57),
    "ionian": (60, 64, 65, 67, 64, 69, 67, 64, 65, 64, 62, 60),
}

FUX: dict[str, CantusFirmus] = {
    mode: CantusFirmus(mode, mode, pitches) for mode, pitches in _FUX.items()
}
"""The cantus firmi of *Gradus ad Parnassum* (1725), Book II: figures 5, 11, 13, 15, 22 and 44 in
A. Mann's edition (*The Study of Counterpoint*, 1965), by mode."""

FUX_COUNTERPOINTS: dict[str, tuple[int, ...]] = {
    "dorian": (69, 69, 67, 69, 71, 72, 72, 71, 74, 73, 74),
    "phrygian": (71, 72, 65, 67, 69, 72, 71, 76, 74, 76),
    "lydian": (65, 64, 60, 65, 65, 67, 69, 67, 60, 65, 64, 65),
    "mixolydian": (67, 64, 62, 67, 67, 67, 69, 71, 67, 72, 69, 67, 66, 67),
}
"""Fux's own first-species counterpoints above them (figures 5, 11, 13 and 15), MIDI pitches. That
above the Aeolian one (figure 22) crosses below it; above the Ionian one he gives none."""

Named = str | CantusFirmus | Sequence[int]
"""How one cantus firmus may be given."""


def cantus_firmi(given: Named | Sequence[Named]) -> tuple[CantusFirmus, ...]:
    """Look up and check cantus firmi.

    Parameters
    ----------
    given : one or several
        ``"fux"`` for all six, the name of a mode for Fux's in that mode, a `CantusFirmus`, or its
        MIDI pitches; pitches are taken for an untransposed mode, which the final tells.

    Raises
    ------
    SegueError
        For an unknown name, or a melody that `checked` refuses.
    """
    if isinstance(given, str):
        if given == "fux":
            return tuple(FUX.values())
        if given not in FUX:
            raise SegueError(
                f"There is no cantus firmus {given!r}; choose fux or one of {', '.join(FUX)}."
            )
        return (FUX[given],)
    if isinstance(given, CantusFirmus):
        return (checked(given),)
    pitches = tuple(one for one in given if not isinstance(one, str | CantusFirmus | Sequence))
    if pitches and len(pitches) == len(given):
        return (_of_pitches(tuple(int(pitch) for pitch in pitches)),)
    if pitches:
        raise SegueError(f"{given} mixes pitches with cantus firmi; give each one its own tuple.")
    found = [cantus_firmi(one) for one in given if isinstance(one, str | CantusFirmus | Sequence)]
    return tuple(one for part in found for one in part)


def _of_pitches(pitches: tuple[int, ...]) -> CantusFirmus:
    modes = {final % 12: mode for mode, final in FINALS.items()}
    mode = modes.get(pitches[-1] % 12)
    if mode is None:
        raise SegueError(
            f"The cantus firmus {list(pitches)} ends on the final of no untransposed mode; "
            "give a CantusFirmus that names its mode."
        )
    return checked(CantusFirmus(f"{mode} {'-'.join(map(str, pitches))}", mode, pitches))


def checked(cantus: CantusFirmus) -> CantusFirmus:
    """Give `cantus` back if a counterpoint above it makes sense.

    It must have 3 to 16 notes of its mode, none of them more than an octave below or a tenth above
    its final, no leap over an octave, and close by a step down to the final.

    Raises
    ------
    SegueError
        If it does not.
    """
    wrong = _fault(cantus)
    if wrong:
        raise SegueError(f"The cantus firmus {cantus.name!r} {wrong}.")
    return cantus


def _fault(cantus: CantusFirmus) -> str:
    """What is wrong and what to do, or nothing."""
    if cantus.mode not in MODES:
        return f"is in an unknown mode {cantus.mode!r}; choose one of {', '.join(MODES)}"
    if not FEWEST_BARS <= len(cantus.pitches) <= MOST_BARS:
        return f"has {len(cantus.pitches)} notes; give {FEWEST_BARS} to {MOST_BARS}"
    degrees, scale = cantus.degrees, MODES[cantus.mode]
    if any(degree % 12 not in scale for degree in degrees):
        return f"leaves its mode; give notes of the {cantus.mode} mode on its last note"
    if min(degrees) < LOWEST_NOTE or max(degrees) > HIGHEST_NOTE:
        return "goes too far from its final; stay within an octave below and a tenth above"
    if any(abs(there - here) > WIDEST_CANTUS_MOVE for here, there in pairwise(degrees)):
        return "leaps by more than an octave; make the leap smaller"
    if degrees[-2] != scale[1]:
        return "does not step down to its final; let its last note but one be the second degree"
    return ""
