"""Melodies from files: reading, normalising, de-duplicating, splitting.

`segue.envs.music.corpus.library.load_corpus` gives the tunes of the default collections or of
others, `segue.envs.music.corpus.library.add_folder` keeps a folder of files as a collection, and
`segue.envs.music.corpus.reading.read_tunes` reads one file. They are not imported here, since the
process that parses MIDI must stay small.
"""
