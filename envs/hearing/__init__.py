"""Notes, chords, beats and labels out of recordings.

`segue.envs.hearing.transcribe.hear` listens to a sound file and gives a
`segue.envs.hearing.types.Heard`; `segue.envs.hearing.collecting.add_material` keeps what was heard
as a collection of tunes.
"""
