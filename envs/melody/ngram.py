"""An interpolated n-gram of melodies, with the metre.

Counted over tokens, an n-gram sees nothing but holds inside a long note. So a token's probability
is split into what happens and, where a note begins, which one::

    P(token) = P(kind | position in the bar, the last two spans, sounding)
             * P(pitch | the last three pitches, metrical strength)         (onsets only)

Kinds are note off, hold and onset. Events are onsets and note offs; the last two spans are the
sixteenths since the last event and those from the event before to it. Both factors are interpolated
from the most precise context down to the uniform distribution by Witten & Bell's weights (1991), so
that nothing is impossible. The shorter contexts of pitch carry the metrical
strength of the position; the longest are too rare to be split by it. `segue.envs.melody.ngram_fit`
does the counting.
"""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.envs.melody.prior import TOKENS, Floats, Tokens

PITCHES = 36
"""Pitches of the grid, MIDI 48 to 83; a pitch is counted from 0."""

NO_PITCH = 36
"""The pitch of a note that there is not yet."""

HOLD_KIND, ONSET_KIND = 1, 2
KINDS = 3
"""Note off, hold, onset: the token, where 2 stands for every onset."""

BAR = 16
"""Sixteenths in a bar."""

LONGEST = 16
"""Sixteenths since the last event are counted up to here; 0 is before the first event."""

STRENGTHS = 4
STRENGTH = np.array([0, 3, 2, 3, 1, 3, 2, 3, 1, 3, 2, 3, 1, 3, 2, 3], dtype=np.uint64)
"""Class of each position in the bar: downbeat, other beats, eighths between them, sixteenths."""

KIND_SHAPE = (BAR, LONGEST + 1, LONGEST + 1, 2, KINDS)
SHORT_ROWS = STRENGTHS * (NO_PITCH + 1)

Floats32 = npt.NDArray[np.float32]
Rows = npt.NDArray[np.uint16]


class NGramTables(NamedTuple):
    """What `chances` reads, small enough for a processor's cache; all arrays are read-only.

    Attributes
    ----------
    kind : float32 array, (BAR, LONGEST + 1, LONGEST + 1, 2, KINDS)
        Natural logarithm of P(kind | position, length, previous, sounding): 111 kB.
    row : uint16 array, (37, 37, 37)
        Row of `pitch` that serves the last three pitches, newest first: 101 kB.
    pitch : float32 array, (rows, PITCHES + 1)
        First ``STRENGTHS * 37`` rows: P(pitch | newest pitch, strength). Then a row for each
        pair and triple of pitches that was observed: what the longer contexts add to it, with
        the weight of the shorter one in the last column. About 1 MB for 5,000 tunes.
    """

    kind: Floats32
    row: Rows
    pitch: Floats32


@nb.njit(inline="always")
def initial_context() -> tuple[int, int, int, int, int, int]:
    """Context before the first token: length, previous, sounding, and the last three pitches."""
    return 0, 0, 0, NO_PITCH, NO_PITCH, NO_PITCH


@nb.njit(inline="always")
def next_context(
    length: int, previous: int, sounding: int, first: int, second: int, third: int, token: int
) -> tuple[int, int, int, int, int, int]:
    """Context after `token`; the arguments are those of `chances`."""
    # Arithmetic instead of branches: a melody's tokens are what a processor cannot foresee.
    begins, event = int(token >= ONSET_KIND), int(token != HOLD_KIND)
    counted = min(length + int(length > 0), LONGEST)
    return (
        counted + event * (1 - counted),
        previous + event * (length - previous),
        begins + (1 - event) * sounding,
        first + begins * (token - ONSET_KIND - first),
        second + begins * (first - second),
        third + begins * (second - third),
    )


@nb.njit(inline="always")
def chances(
    kind_table: Floats32,
    pitch_row: Rows,
    pitch_table: Floats32,
    position: int,
    length: int,
    previous: int,
    sounding: int,
    first: int,
    second: int,
    third: int,
    token: int,
) -> tuple[np.float32, np.float32]:
    """Natural logarithm of P(kind) of a token, and P(pitch), which is 1 where none begins.

    Parameters
    ----------
    kind_table, pitch_row, pitch_table : arrays
        The `NGramTables`.
    position : int
        Sixteenths since the melody's beginning, >= 0.
    length : int
        Sixteenths since the last event, 1 to LONGEST; 0 before the first.
    previous : int
        Sixteenths from the event before to the last one, likewise.
    sounding : int
        1 while a note sounds, else 0.
    first, second, third : int
        The last three pitches begun, 0 to 35, newest first; NO_PITCH where there is none.
    token : int
        0 to 37.
    """
    # Without branches: a melody's tokens are what a processor cannot foresee.
    onset = int(token >= ONSET_KIND)
    place = np.uint64(position) & np.uint64(BAR - 1)
    kind = np.uint64(min(token, ONSET_KIND))
    pitch = np.uint64((token - ONSET_KIND) * onset)
    newest = np.uint64(first)
    row = np.uint64(pitch_row[newest, np.uint64(second), np.uint64(third)])
    short = pitch_table[STRENGTH[place] * np.uint64(NO_PITCH + 1) + newest, pitch]
    chance = pitch_table[row, pitch] + pitch_table[row, np.uint64(PITCHES)] * short
    log_kind = kind_table[place, np.uint64(length), np.uint64(previous), np.uint64(sounding), kind]
    return log_kind, chance if onset else np.float32(1.0)


@nb.njit(inline="always")
def log_prob(
    kind_table: Floats32,
    pitch_row: Rows,
    pitch_table: Floats32,
    position: int,
    length: int,
    previous: int,
    sounding: int,
    first: int,
    second: int,
    third: int,
    token: int,
) -> float:
    """Natural logarithm of a token's probability; the arguments are those of `chances`."""
    log_kind, chance = chances(
        kind_table,
        pitch_row,
        pitch_table,
        position,
        length,
        previous,
        sounding,
        first,
        second,
        third,
        token,
    )
    return float(log_kind) + math.log(chance)


@nb.njit(nogil=True, cache=True)
def _fill(tables: NGramTables, tokens: npt.NDArray[np.int64], out: Floats) -> None:
    """Write the log-probabilities of the token after each row of `tokens` (n, t) to `out`."""
    kind, row, pitch = tables
    for i in range(len(tokens)):
        length, previous, sounding, first, second, third = initial_context()
        for token in tokens[i]:
            length, previous, sounding, first, second, third = next_context(
                length, previous, sounding, first, second, third, token
            )
        position = tokens.shape[1]
        for token in range(TOKENS):
            out[i, token] = log_prob(
                kind,
                row,
                pitch,
                position,
                length,
                previous,
                sounding,
                first,
                second,
                third,
                token,
            )


@dataclass(frozen=True)
class NGramPrior:
    """An n-gram with the metre; a `SequencePrior`.

    Attributes
    ----------
    tables : NGramTables
        All that it knows.
    """

    tables: NGramTables

    def log_probabilities(self, tokens: Tokens) -> Floats:
        """Log-probability of each next token: see `SequencePrior`."""
        out = np.empty((len(tokens), TOKENS))
        _fill(self.tables, np.ascontiguousarray(tokens, dtype=np.int64), out)
        return out

    def save(self, path: Path | str) -> None:
        """Write the tables to an npz file, whole or not at all."""
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **self.tables._asdict())

    @classmethod
    def load(cls, path: Path | str) -> NGramPrior:
        """Read what `save` wrote; nothing is unpickled.

        Raises
        ------
        SegueError
            If the file cannot be read or holds no such tables.
        """
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as entry:
                tables = frozen_tables(*(entry[name] for name in NGramTables._fields))
        except OSError as error:
            raise SegueError(f"{path} cannot be read ({error.strerror}); check it.") from error
        except (ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
            raise SegueError(f"{path} holds no n-gram; write one with NGramPrior.save.") from error
        if not _sound(tables):
            raise SegueError(f"{path} holds no sound n-gram; write one with NGramPrior.save.")
        return cls(tables)


def frozen_tables(kind: Floats32, row: Rows, pitch: Floats32) -> NGramTables:
    """Tables of read-only arrays."""
    tables = NGramTables(kind, row, pitch)
    for table in tables:
        table.setflags(write=False)
    return tables


def _sound(tables: NGramTables) -> bool:
    """Tell whether compiled code may read the tables: it checks no bounds."""
    kind, row, pitch = tables
    return (
        [table.dtype for table in tables] == [np.float32, np.uint16, np.float32]
        and kind.shape == KIND_SHAPE
        and row.shape == (NO_PITCH + 1,) * 3
        and pitch.ndim == 2
        and pitch.shape[1] == PITCHES + 1
        and len(pitch) > max(int(row.max()), SHORT_ROWS - 1)
        and bool(np.isfinite(kind).all() and np.isfinite(pitch).all())
        and bool((pitch[:SHORT_ROWS, :PITCHES] > 0).all() and (pitch >= 0).all())
    )
