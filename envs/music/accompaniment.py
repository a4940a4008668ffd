"""What the players of chords and bass make of a harmony."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from segue.envs.music.chords import QUALITIES
from segue.envs.music.metre import Metre
from segue.envs.music.parts import TimedNote, accent, clamp_velocity
from segue.envs.music.voicing import Voicing

_BASS_LOW, _BASS_HIGH = 29, 45

Pattern = Callable[[Voicing, Metre], list[TimedNote]]
"""Notes of one chord between two barlines."""

BassLine = Callable[[Voicing, int, int, Metre], list[TimedNote]]
"""The same for the bass: its root and the root that follows, as MIDI pitches, then the metre."""


def held(voicing: Voicing, velocity: int) -> list[TimedNote]:
    """The chord struck once and held."""
    return [
        TimedNote(voicing.onset, voicing.duration, pitch, velocity) for pitch in voicing.pitches
    ]


def tied(notes: Sequence[TimedNote], struck: Callable[[float], bool]) -> list[TimedNote]:
    """Hold on the tones that a chord shares with the one before, as bows and organs do.

    Parameters
    ----------
    notes : sequence of TimedNote
        Held chords, in order of onset.
    struck : callable
        Whether all is struck anew at an onset, in quarter notes.

    Returns
    -------
    list of TimedNote
        In order of onset; a tone held on is one note, as loud as it began.
    """
    longer: list[TimedNote] = []
    latest: dict[int, int] = {}  # Place in `longer` of each pitch.
    for note in notes:
        place = latest.get(note.pitch)
        before = None if place is None or struck(note.onset) else longer[place]
        if place is not None and before and before.onset + before.duration == note.onset:
            longer[place] = replace(before, duration=before.duration + note.duration)
        else:
            latest[note.pitch] = len(longer)
            longer.append(note)
    return longer


def _pads(voicing: Voicing, metre: Metre) -> list[TimedNote]:
    return held(voicing, 58 + accent(voicing.onset, metre) // 2)


def _broken(voicing: Voicing, metre: Metre) -> list[TimedNote]:
    """Eighths up through the chord and back; each rings on as under a pedal."""
    tones = (*voicing.pitches, voicing.pitches[0] + 12)
    wave = (*range(len(tones)), *range(len(tones) - 2, 0, -1))
    notes = []
    for step in range(round(voicing.duration * 2)):
        onset = voicing.onset + step / 2
        ring = min(voicing.end - onset, 1.5)
        velocity = clamp_velocity(62 + accent(onset, metre))
        notes.append(TimedNote(onset, ring, tones[wave[step % len(wave)]], velocity))
    return _without_overlaps(notes)


def _pulse(voicing: Voicing, metre: Metre) -> list[TimedNote]:
    """Repeated eighths, the weak ones shorter, softer and without the lowest voice."""
    notes = []
    for step in range(round(voicing.duration * 2)):
        onset = voicing.onset + step / 2
        strong = onset % metre.quarters % metre.pulse == 0
        pitches = voicing.pitches if strong else voicing.pitches[1:]
        velocity = clamp_velocity(60 + accent(onset, metre) * 1.2)
        length = 0.45 if strong else 0.3
        notes += [TimedNote(onset, length, pitch, velocity) for pitch in pitches]
    return notes


def _offbeat(voicing: Voicing, metre: Metre) -> list[TimedNote]:
    """Short chords after the beats: between them as in a march, on two and three in a waltz."""
    if metre.compound:
        places = [beat * 1.5 + after for beat in range(metre.pulses) for after in (0.5, 1.0)]
    elif metre.quarters == 3:
        places = [1.0, 2.0]
    else:
        places = [beat + 0.5 for beat in range(metre.pulses)]
    return _struck(voicing, metre, places, 0.35)


def _comping(voicing: Voicing, metre: Metre) -> list[TimedNote]:
    """The Charleston rhythm: on the beat, and short before the next but one."""
    places = [start + after for start, size in metre.groups for after in (0.0, 1.5) if after < size]
    return _struck(voicing, metre, places, 0.4)


def _struck(
    voicing: Voicing, metre: Metre, places: Sequence[float], length: float
) -> list[TimedNote]:
    """Short chords at places of the bar; one that has none of them is struck where it enters."""
    bar = voicing.onset - voicing.onset % metre.quarters
    onsets = [bar + place for place in places]
    within = [onset for onset in onsets if voicing.onset <= onset <= voicing.end - length]
    notes = []
    for count, onset in enumerate(within or [voicing.onset]):
        velocity = 66 if count % 2 else 60
        sounds = min(length, voicing.end - onset)
        notes += [TimedNote(onset, sounds, pitch, velocity) for pitch in voicing.pitches]
    return notes


def _bass_note(onset: float, duration: float, pitch: int, metre: Metre) -> TimedNote:
    return TimedNote(onset, duration, pitch, clamp_velocity(78 + accent(onset, metre)))


def _fifth(voicing: Voicing, root: int) -> int:
    """The chord's own fifth, be it altered, in the register of the bass."""
    fifth = root + next(s for s in QUALITIES[voicing.chord.quality][0] if 6 <= s <= 8)
    return fifth - 12 if fifth > _BASS_HIGH else fifth


def _roots(voicing: Voicing, root: int, following: int, metre: Metre) -> list[TimedNote]:
    return [_bass_note(voicing.onset, voicing.duration, root, metre)]


def _root_fifth(voicing: Voicing, root: int, following: int, metre: Metre) -> list[TimedNote]:
    """Root on the strong beats, the fifth of the chord in between; a waltz has the root alone."""
    fifth = _fifth(voicing, root)
    bar = voicing.onset - voicing.onset % metre.quarters
    places: list[tuple[float, int]] = []
    for number, (start, size) in enumerate(metre.groups):
        if metre.compound:
            places.append((start, fifth if number % 2 else root))
        else:
            places.append((start, root))
            if size in (2, 4):
                places.append((start + size / 2, fifth))
    notes = [
        _bass_note(bar + place, min(0.9, voicing.end - bar - place), pitch, metre)
        for place, pitch in places
        if voicing.onset <= bar + place < voicing.end
    ]
    # A chord that enters within the bar still wants its root.
    if notes and notes[0].onset == voicing.onset:
        notes[0] = replace(notes[0], pitch=root)
    else:
        until = notes[0].onset if notes else voicing.end
        notes.insert(0, _bass_note(voicing.onset, min(0.9, until - voicing.onset), root, metre))
    return notes


def _driving(voicing: Voicing, root: int, following: int, metre: Metre) -> list[TimedNote]:
    """Eighths on the root; the last one steps towards the next chord."""
    count = max(1, round(voicing.duration * 2))
    length = voicing.duration / count
    notes = [
        _bass_note(voicing.onset + step * length, length * 0.9, root, metre)
        for step in range(count)
    ]
    leap = following - root
    if count >= 4 and leap != 0:
        last = notes[-1]
        fifth = root + 7 if root + 7 <= _BASS_HIGH else root - 5
        approach = fifth if abs(leap) <= 2 else root + (12 if root + 12 <= _BASS_HIGH else 0)
        notes[-1] = replace(last, pitch=approach)
    return notes


def _walking(voicing: Voicing, root: int, following: int, metre: Metre) -> list[TimedNote]:
    """A note a beat: root, tones of the chord, and a semitone into the next root."""
    steps = QUALITIES[voicing.chord.quality][0]
    third, fifth = root + steps[1], _fifth(voicing, root)
    tones = (root, third if third <= _BASS_HIGH else third - 12, fifth, root)
    count = max(1, math.ceil(voicing.duration / metre.pulse))
    notes = []
    for beat in range(count):
        onset = voicing.onset + beat * metre.pulse
        length = min(metre.pulse, voicing.end - onset) * 0.95
        notes.append(_bass_note(onset, length, tones[beat % 4], metre))
    if count >= 2 and following != root:
        below = following - 1 if following > root else following + 1
        notes[-1] = replace(notes[-1], pitch=below)
    return notes


def _without_overlaps(notes: list[TimedNote]) -> list[TimedNote]:
    """Stop a key before it is struck again, as a pianist must."""
    stopped = []
    for index, note in enumerate(notes):
        again = [n.onset for n in notes[index + 1 :] if n.pitch == note.pitch]
        duration = min(note.duration, min(again, default=float("inf")) - note.onset)
        stopped.append(TimedNote(note.onset, duration, note.pitch, note.velocity))
    return stopped


PATTERNS: Mapping[str, Pattern] = MappingProxyType(
    {
        **{"pads": _pads, "broken": _broken, "pulse": _pulse},
        **{"offbeat": _offbeat, "comping": _comping},
    }
)
"""How chords may be played."""

BASS_LINES: Mapping[str, BassLine] = MappingProxyType(
    {"roots": _roots, "root_fifth": _root_fifth, "driving": _driving, "walking": _walking}
)
"""What the bass may do."""


def bass_roots(voicings: tuple[Voicing, ...]) -> list[int]:
    """MIDI pitch of each chord's root in the bass register, moving by the smaller interval.

    Returns
    -------
    list of int
        One for each voicing, between F1 (29) and A2 (45).
    """
    roots: list[int] = []
    for voicing in voicings:
        choices = [p for p in range(_BASS_LOW, _BASS_HIGH + 1) if p % 12 == voicing.chord.root]
        before = roots[-1] if roots else 36
        roots.append(min(choices, key=lambda pitch: (abs(pitch - before), pitch)))
    return roots
