"""The child process that parses MIDI: one for many files, started again if it dies."""

from __future__ import annotations

import json
from typing import Any

from segue.envs.base.reader_process import ReaderError, ReaderProcess
from segue.envs.music.corpus.gate import DEFAULT_LIMITS, Limits, NotationError

_LARGEST_ANSWER = 64 * 2**20


class MidiProcess(ReaderProcess):
    """Parses MIDI files in a child process; it is dead when the ``with`` block ends.

    The child has no right to more memory than `Limits.memory` beyond its own (on Windows and
    macOS, which have no such limit, the caps on bytes and notes alone hold), and is killed when a
    file takes longer than `Limits.seconds`.

    Parameters
    ----------
    limits : Limits
        `memory`, `seconds` and `events` are heeded.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(
            "segue.envs.music.corpus.midi_worker",
            (limits.memory, limits.events),
            limits.seconds,
            _LARGEST_ANSWER,
        )

    def parse(self, data: bytes, source: str) -> dict[str, Any]:
        """Parse a file.

        Parameters
        ----------
        data : bytes
            The file.
        source : str
            Its name, for messages.

        Returns
        -------
        dict
            As `segue.envs.music.corpus.midi_worker` writes it.

        Raises
        ------
        NotationError
            If it is no MIDI file, or parsing it crashed or took too long.
        """
        if not data.startswith((b"MThd", b"RIFF")):
            raise NotationError(f"{source} is no MIDI file, whatever its name says; export it.")
        said = "made the MIDI parser crash"
        try:
            parsed: dict[str, Any] = json.loads(b"".join(self.parts(data)))
        except ReaderError as error:
            if error.late:
                said = f"took longer than {self.seconds:g} s to read as MIDI"
            elif str(error):
                said = f"cannot be read as MIDI ({error})"
            raise NotationError(f"{source} {said}; export it again.") from None
        except ValueError:
            raise NotationError(f"{source} {said}; export it again.") from None
        return parsed
