"""A process that parses MIDI bytes with symusic under limits; started by `MidiProcess` only.

symusic parses a file in a fraction of a millisecond, but a hostile file can make it crash or ask
for much memory. A job is the file, its answer one part of JSON::

    {"quarter": 480, "metres": [[tick, beats, unit], ...], "keys": [[tick, fifths, minor], ...],
    "tempo": 120.0, "parts": [{"name": "Melody", "notes": [[tick, ticks, pitch], ...]}, ...]}
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import symusic

from segue.envs.base.errors import SegueError
from segue.envs.base.reader_worker import serve

_CPU_SECONDS = 10


def main(memory: int, events: int) -> None:
    """Work until the input ends.

    Parameters
    ----------
    memory : int
        Bytes that may be allocated beyond what is in use at the start.
    events : int
        Most notes of a file.
    """

    def read(data: bytes) -> Iterator[bytes]:
        try:
            answer = _parse(data, events)
        except MemoryError as error:
            raise SegueError("it asks for too much memory") from error
        # Of symusic's errors, some are no more than RuntimeError.
        except Exception as error:
            said = str(error).partition("\n")[0][:100] or type(error).__name__
            raise SegueError(said.rstrip(".")) from error
        yield json.dumps(answer).encode()

    serve(read, memory, _CPU_SECONDS)


def _parse(data: bytes, events: int) -> dict[str, Any]:
    """Parse a file and return what the reader needs of it."""
    score = symusic.Score.from_midi(data)
    tracks = [track for track in score.tracks if not track.is_drum]
    if sum(len(track.notes) for track in tracks) > events:
        raise SegueError(f"it has more than the {events:,} notes allowed")
    changes = [*score.time_signatures, *score.key_signatures]
    if len(changes) > events:
        raise SegueError("it changes metre or key too often")
    return {
        "quarter": score.ticks_per_quarter,
        "metres": [[t.time, t.numerator, t.denominator] for t in score.time_signatures],
        "keys": [[k.time, k.key, k.tonality] for k in score.key_signatures],
        "tempo": score.tempos[0].qpm if score.tempos else 120.0,
        "parts": [
            {"name": track.name[:200], "notes": [[n.time, n.duration, n.pitch] for n in notes]}
            for track in tracks
            if (notes := track.notes)
        ],
    }
