"""Who plays a wish: instruments, patterns and drums, and how loud each of them."""

from __future__ import annotations

from dataclasses import replace

from segue.envs.music.brief.genres import GENRES, Players
from segue.envs.music.brief.instruments import BASSES, DRUMS, INSTRUMENTS, Instrument
from segue.envs.music.brief.types import Wish
from segue.envs.music.moods import Mood, mood

BELOW_MELODY = {"chords": 8.0, "bass": 8.0, "drums": 8.5, "pad": 14.0}
"""How far each player stands below the melody, in dB."""

LOUDEST = 120
"""Channel volume of the player that needs most of it."""

DECIBELS = 40.0
"""Of General MIDI, for ten times the channel volume."""

_UNKNOWN = Instrument("", -30.0, -33.0, -33.0)
_HELD = ("pads", "roots")


def players(wish: Wish) -> Mood:
    """The mood of a wish with the players that it asks for.

    Patterns come from the genre, or from the mood where there is none in particular. Volumes
    follow from how loud each instrument is in its pattern, so that the melody stands as far above
    the others as `BELOW_MELODY` says.

    Parameters
    ----------
    wish : Wish
        What is asked for.

    Returns
    -------
    Mood
        For `segue.envs.music.tune.Tune.style`.

    Raises
    ------
    SegueError
        If the mood is unknown.
    """
    chosen = mood(wish.mood)
    own = GENRES[wish.genre].players or _of_mood(chosen)
    groove = own.groove if own.groove != "none" else own.drummed
    style = replace(
        chosen,
        melody_program=wish.lead,
        chord_program=wish.accompaniment,
        bass_program=0 if wish.bass is None else wish.bass,
        pattern=own.pattern,
        bass="none" if wish.bass is None else "roots" if own.line == "none" else own.line,
        drums=groove if wish.drums else "none",
        pad_program=own.pad,
    )
    return replace(style, volumes=volumes(style))


def volumes(style: Mood) -> tuple[int, int, int, int, int]:
    """Channel volumes of melody, chords, pad, bass and drums, 0-127; 0 where nobody plays."""
    chords = INSTRUMENTS.get(style.chord_program, _UNKNOWN)
    bass = BASSES.get(style.bass_program, _UNKNOWN)
    melody = INSTRUMENTS.get(style.melody_program, _UNKNOWN).melody
    loudness = {
        "melody": melody,
        "chords": chords.held if style.pattern in _HELD else chords.struck,
        "bass": bass.held if style.bass in _HELD else bass.struck,
    }
    if style.bass == "none":
        del loudness["bass"]
    if style.drums != "none":
        loudness["drums"] = DRUMS[style.drums]
    if style.pad_program is not None:
        loudness["pad"] = INSTRUMENTS.get(style.pad_program, _UNKNOWN).held
    # Decibels by which each must be raised to stand where it should.
    raised = {name: -BELOW_MELODY.get(name, 0.0) - value for name, value in loudness.items()}
    most = max(raised.values())
    volume = {
        name: max(1, round(LOUDEST * 10 ** ((value - most) / DECIBELS)))
        for name, value in raised.items()
    }
    melody_volume, chord_volume, *others = (
        volume.get(name, 0) for name in ("melody", "chords", "pad", "bass", "drums")
    )
    return (melody_volume, chord_volume, others[0], others[1], others[2])


def _of_mood(chosen: Mood) -> Players:
    """The players of a mood, as those of a genre."""
    return Players(
        lead=chosen.melody_program,
        chords=chosen.chord_program,
        bass=None if chosen.bass == "none" else chosen.bass_program,
        pattern=chosen.pattern,
        line=chosen.bass,
        groove=chosen.drums,
        pad=chosen.pad_program,
    )
