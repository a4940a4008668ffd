"""Music: scales, chords and moods; tunes, and the files they become.

A `Tune` (melody over chords in a key, at a tempo, in a mood) goes to a writer:
`segue.envs.music.midi.write_midi`, `segue.envs.music.musicxml.write_musicxml`,
`segue.envs.music.audio.write_audio`, `segue.envs.music.score.write_score` or
`segue.envs.music.piano_roll_animation.write_animation`. The writers are not imported here, since
each brings a library of its own.
"""

from segue.envs.music.chords import Chord
from segue.envs.music.metre import METRES, Metre
from segue.envs.music.moods import MOODS, Mood, mood
from segue.envs.music.tune import ChordSpan, Note, Tune

__all__ = ["METRES", "MOODS", "Chord", "ChordSpan", "Metre", "Mood", "Note", "Tune", "mood"]
