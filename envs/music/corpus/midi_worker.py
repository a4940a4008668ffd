"""A process that parses MIDI bytes with symusic under limits; started by `MidiProcess` only.

symusic parses a file in a fraction of a millisecond, but a hostile file can make it crash or ask
for much memory; that must not take the caller along. Jobs and answers are a length (eight bytes,
big-endian) and that many bytes; the job is the file, the answer is JSON::

    {"error": "..."}  or  {"quarter": 480, "metres": [[tick, beats, unit], ...],
    "keys": [[tick, fifths, minor], ...], "tempo": 120.0,
    "parts": [{"name": "Melody", "notes": [[tick, ticks, pitch], ...]}, ...]}

When its input ends, the worker ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import symusic

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
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The library may print; the answers get a descriptor of their own.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs = sys.stdin.buffer
    _limit_memory(memory)
    _send(answers, {"ready": True})
    while len(head := jobs.read(8)) == 8:
        _limit_time()
        data = jobs.read(int.from_bytes(head, "big"))
        try:
            answer = _parse(data, events)
        except MemoryError:
            answer = {"error": "it asks for too much memory"}
        # Of symusic's errors, some are no more than RuntimeError.
        except Exception as error:
            said = str(error).partition("\n")[0][:100] or type(error).__name__
            answer = {"error": said.rstrip(".")}
        _send(answers, answer)


def _send(answers: IO[bytes], answer: dict[str, Any]) -> None:
    data = json.dumps(answer).encode()
    answers.write(len(data).to_bytes(8, "big") + data)
    answers.flush()


def _limit_memory(memory: int) -> None:
    """Cap the address space, where the system can (not on Windows)."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
        # A crash is expected here and leaves no picture of itself behind.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time() -> None:
    """Cap the processor time of one job, in case that nobody is left to end it."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + _CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _parse(data: bytes, events: int) -> dict[str, Any]:
    """Parse a file and return what the reader needs of it."""
    score = symusic.Score.from_midi(data)
    tracks = [track for track in score.tracks if not track.is_drum]
    if sum(len(track.notes) for track in tracks) > events:
        return {"error": f"it has more than the {events:,} notes allowed"}
    changes = [*score.time_signatures, *score.key_signatures]
    if len(changes) > events:
        return {"error": "it changes metre or key too often"}
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
