"""What the players of chords and bass make of a harmony."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from segue.envs.music.chords import QUALITIES
from segue.envs.music.parts import TimedNote, accent, clamp_velocity, group_starts
from segue.envs.music.voicing import Voicing

_BASS_LOW, _BASS_HIGH = 29, 45

Pattern = Callable[[Voicing, int], list[TimedNote]]
"""Notes of one chord between two barlines; the integer is the number of beats in a bar."""

BassLine = Callable[[Voicing, int, int, int], list[TimedNote]]
"""The same for the bass: its root and the root that follows, as MIDI pitches, then the beats."""


def held(voicing: Voicing, velocity: int) -> list[TimedNote]:
    """The chord struck once and held."""
    return [
        TimedNote(voicing.onset, voicing.duration, pitch, velocity) for pitch in voicing.pitches
    ]


def _pads(voicing: Voicing, beats: int) -> list[TimedNote]:
    return held(voicing, 58 + accent(voicing.onset, beats) // 2)


def _broken(voicing: Voicing, beats: int) -> list[TimedNote]:
    """Eighths up through the chord and back; each rings on as under a pedal."""
    tones = (*voicing.pitches, voicing.pitches[0] + 12)
    wave = (*range(len(tones)), *range(len(tones) - 2, 0, -1))
    notes = []
    for step in range(round(voicing.duration * 2)):
        onset = voicing.onset + step / 2
        ring = min(voicing.end - onset, 1.5)
        velocity = clamp_velocity(62 + accent(onset, beats))
        notes.append(TimedNote(onset, ring, tones[wave[step % len(wave)]], velocity))
    return _without_overlaps(notes)


def _pulse(voicing: Voicing, beats: int) -> list[TimedNote]:
    """Repeated eighths, the weak ones shorter, softer and without the lowest voice."""
    notes = []
    for step in range(round(voicing.duration * 2)):
        onset = voicing.onset + step / 2
        strong = onset % 1 == 0
        pitches = voicing.pitches if strong else voicing.pitches[1:]
        velocity = clamp_velocity(60 + accent(onset, beats) * 1.2)
        length = 0.45 if strong else 0.3
        notes += [TimedNote(onset, length, pitch, velocity) for pitch in pitches]
    return notes


def _offbeat(voicing: Voicing, beats: int) -> list[TimedNote]:
    """Short chords between the beats; the last of a group leans on the next bar."""
    notes = []
    for step in range(int(voicing.duration)):
        onset = voicing.onset + step + 0.5
        if onset + 0.35 <= voicing.end:
            velocity = 66 if step % 2 else 60
            notes += [TimedNote(onset, 0.35, pitch, velocity) for pitch in voicing.pitches]
    return notes


def _bass_note(onset: float, duration: float, pitch: int, beats: int) -> TimedNote:
    return TimedNote(onset, duration, pitch, clamp_velocity(78 + accent(onset, beats)))


def _roots(voicing: Voicing, root: int, following: int, beats: int) -> list[TimedNote]:
    return [_bass_note(voicing.onset, voicing.duration, root, beats)]


def _root_fifth(voicing: Voicing, root: int, following: int, beats: int) -> list[TimedNote]:
    """Root on the strong beats, the fifth of the chord in between."""
    fifth = root + next(s for s in QUALITIES[voicing.chord.quality][0] if 6 <= s <= 8)
    fifth = fifth - 12 if fifth > _BASS_HIGH else fifth
    notes = []
    for start, size in group_starts(beats):
        bar = voicing.onset - voicing.onset % beats
        for beat, pitch in ((start, root), (start + 2, fifth)):
            onset = bar + beat
            if beat < start + size and voicing.onset <= onset < voicing.end:
                notes.append(_bass_note(onset, min(0.9, voicing.end - onset), pitch, beats))
    # A chord that enters between those beats still wants its root.
    if not notes or notes[0].onset > voicing.onset:
        until = notes[0].onset if notes else voicing.end
        notes.insert(0, _bass_note(voicing.onset, min(0.9, until - voicing.onset), root, beats))
    return notes


def _driving(voicing: Voicing, root: int, following: int, beats: int) -> list[TimedNote]:
    """Eighths on the root; the last one steps towards the next chord."""
    count = max(1, round(voicing.duration * 2))
    length = voicing.duration / count
    notes = [
        _bass_note(voicing.onset + step * length, length * 0.9, root, beats)
        for step in range(count)
    ]
    leap = following - root
    if count >= 4 and leap != 0:
        last = notes[-1]
        fifth = root + 7 if root + 7 <= _BASS_HIGH else root - 5
        approach = fifth if abs(leap) <= 2 else root + (12 if root + 12 <= _BASS_HIGH else 0)
        notes[-1] = TimedNote(last.onset, last.duration, approach, last.velocity)
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
    {"pads": _pads, "broken": _broken, "pulse": _pulse, "offbeat": _offbeat}
)
"""How chords may be played."""

BASS_LINES: Mapping[str, BassLine] = MappingProxyType(
    {"roots": _roots, "root_fifth": _root_fifth, "driving": _driving}
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
