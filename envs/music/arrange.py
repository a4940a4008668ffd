"""From a tune to the parts that play it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from segue.envs.music.accompaniment import BASS_LINES, PATTERNS, bass_roots, held, tied
from segue.envs.music.drums import drum_notes
from segue.envs.music.moods import Mood, mood
from segue.envs.music.parts import Part, TimedNote, accent, clamp_velocity
from segue.envs.music.tune import Tune
from segue.envs.music.voicing import Voicing, voice

_PHRASE = 4  # Bars.


def arrange(tune: Tune) -> tuple[Part, ...]:
    """Arrange a tune for the instruments of its mood.

    The melody keeps the onsets, lengths and pitches of `tune.notes`. Chords move to the nearest
    inversion below it, at lower volume. Those that are held keep the tones which they share with
    the chord before, and are struck anew with each phrase of four bars. In the last bar the
    accompaniment strikes the last chord and holds it to the end. A tune that swings gets a ride
    cymbal, a walking bass and comping. All of it stands in straight eighths, as written;
    `segue.envs.music.midi` bends them.

    Parameters
    ----------
    tune : Tune
        The tune; `tune.style` or else `tune.mood` chooses players and patterns.

    Returns
    -------
    tuple of Part
        Melody and chords; pad, bass and drums if the mood asks for them.

    Raises
    ------
    SegueError
        If the mood is unknown.
    """
    style = _style(tune)
    voicings = voice(tune)
    final = _final_onset(tune)
    melody, chords, pads, basses, drummer = style.volumes
    parts = [
        Part("Melody", style.melody_program, 0, False, melody, 64, _melody(tune)),
        Part(
            "Chords",
            style.chord_program,
            1,
            False,
            chords,
            44,
            _chords(tune, style, voicings, final),
        ),
    ]
    if style.pad_program is not None:
        pad = _sustained([note for one in voicings for note in held(one, 48)], tune, final)
        parts.append(Part("Pad", style.pad_program, len(parts), False, pads, 84, pad))
    if style.bass != "none":
        bass = _bass(tune, style, voicings, final)
        parts.append(Part("Bass", style.bass_program, len(parts), False, basses, 64, bass))
    if style.drums != "none":
        drums = drum_notes(style.drums, tune, final)
        parts.append(Part("Drums", 0, 9, True, drummer, 64, drums))
    return tuple(parts)


def _style(tune: Tune) -> Mood:
    """The players; where eighths swing, those with a rhythm play it as jazz does."""
    style = tune.style or mood(tune.mood)
    if tune.swing == 1 or tune.metre.compound:
        return style
    return replace(
        style,
        pattern={"pulse": "comping", "offbeat": "comping"}.get(style.pattern, style.pattern),
        bass="none" if style.bass == "none" else "walking",
        drums="none" if style.drums == "none" else "swing",
    )


def _final_onset(tune: Tune) -> float:
    """Where the chord is struck that is held to the end: within the last bar."""
    barline = tune.quarters - tune.metre.quarters
    return max([barline, *(c.onset for c in tune.chords if c.onset < tune.quarters)])


def _melody(tune: Tune) -> tuple[TimedNote, ...]:
    """Play the melody with the metre, a swell over each phrase and a lean on high notes."""
    pitches = [note.pitch for note in tune.notes]
    middle = sum(pitches) / len(pitches) if pitches else 0.0
    phrase = _PHRASE * tune.metre.quarters
    notes = []
    for note in tune.notes:
        place = note.onset % phrase / phrase
        swell = 8 * (1 - abs(2 * place - 1.2))  # Highest a little after the middle.
        lean = max(-6.0, min(6.0, 0.6 * (note.pitch - middle)))
        velocity = clamp_velocity(88 + 0.8 * accent(note.onset, tune.metre) + swell + lean)
        notes.append(TimedNote(note.onset, note.duration, note.pitch, velocity))
    return tuple(notes)


def _chords(
    tune: Tune, style: Mood, voicings: tuple[Voicing, ...], final: float
) -> tuple[TimedNote, ...]:
    pattern = PATTERNS[style.pattern]
    notes: list[TimedNote] = []
    for voicing in voicings:
        notes += held(voicing, 66) if voicing.onset >= final else pattern(voicing, tune.metre)
    notes.sort(key=lambda note: (note.onset, note.pitch))
    return _sustained(notes, tune, final) if style.pattern == "pads" else tuple(notes)


def _sustained(notes: Sequence[TimedNote], tune: Tune, final: float) -> tuple[TimedNote, ...]:
    """Held chords tied within each phrase; the last one is struck."""
    phrase = _PHRASE * tune.metre.quarters
    return tuple(tied(notes, lambda onset: onset % phrase == 0 or onset == final))


def _bass(
    tune: Tune, style: Mood, voicings: tuple[Voicing, ...], final: float
) -> tuple[TimedNote, ...]:
    line = BASS_LINES[style.bass]
    roots = bass_roots(voicings)
    notes: list[TimedNote] = []
    for voicing, root, following in zip(voicings, roots, roots[1:] + roots[-1:], strict=True):
        if voicing.onset >= final:
            notes.append(TimedNote(voicing.onset, voicing.duration, root, 86))
        else:
            notes += line(voicing, root, following, tune.metre)
    return tuple(notes)
