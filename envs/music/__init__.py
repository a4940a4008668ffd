"""Music: scales, chords and moods; tunes, and the files they become.

A `Tune` (melody over chords in a key, at a tempo, in a mood) goes to a writer:
`segue.envs.music.midi.write_midi`, `segue.envs.music.musicxml.write_musicxml`,
`segue.envs.music.audio.write_wav` or `segue.envs.music.score.write_score`. The writers are not
imported here, since each brings a library of its own.
"""

from segue.envs.music.chords import Chord
from segue.envs.music.moods import MOODS, Mood, mood
from segue.envs.music.tune import ChordSpan, Note, Tune

__all__ = ["MOODS", "Chord", "ChordSpan", "Mood", "Note", "Tune", "mood"]
