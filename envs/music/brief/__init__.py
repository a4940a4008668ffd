"""Words of a brief: what *an electronic dance tune, dark, 128 bpm* asks of a piece.

`segue.envs.music.brief.table.WordTable` holds the words, `segue.envs.music.brief.reading.read`
reads a text with them, and `segue.envs.music.brief.defaults.understand` adds what the text left
open. `segue.envs.music.brief.players.players` chooses who plays it.
"""
