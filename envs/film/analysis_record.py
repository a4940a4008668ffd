"""What is remembered of an analysed film, and the table of shots made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segue.envs.base.cache import load_arrays, store_arrays
from segue.envs.film.sample_film import known_source
from segue.envs.film.shots import (
    COLOURS,
    FEATURES,
    QUALITY_FEATURES,
    SOUND_FEATURES,
    THIRDS,
    THUMBNAIL,
    Footage,
    ShotTable,
)

ANALYSIS_VERSION = 2
"""To be raised whenever the same file would give another table."""

_KIND = "shots"
_COLUMNS = ("start", "frames", "features", "colours", "thumbnails", "quality", "sound")


@dataclass(frozen=True)
class FilmRecord:
    """`ShotTable`'s columns of one film and the facts found by decoding it.

    Attributes
    ----------
    facts : ndarray (6,) int64
        Frame rate (numerator, denominator), frames, width, height, 1 with sound.
    start, frames, features, colours, thumbnails, quality, sound : ndarray
        See `ShotTable`.
    """

    facts: npt.NDArray[np.int64]
    start: npt.NDArray[np.int32]
    frames: npt.NDArray[np.int32]
    features: npt.NDArray[np.float32]
    colours: npt.NDArray[np.float32]
    thumbnails: npt.NDArray[np.uint8]
    quality: npt.NDArray[np.float32]
    sound: npt.NDArray[np.float32]


def remember(folder: Path, digest: str, record: FilmRecord) -> None:
    """Write the record of the file with that SHA-256 to the cache."""
    arrays = {part.name: getattr(record, part.name) for part in fields(record)}
    store_arrays(folder, _KIND, ANALYSIS_VERSION, digest, arrays)


def remembered(folder: Path, digest: str) -> FilmRecord | None:
    """Read it again, if it is whole and of the shape that this version writes."""
    arrays = load_arrays(folder, _KIND, ANALYSIS_VERSION, digest)
    if arrays is None or set(arrays) != {part.name for part in fields(FilmRecord)}:
        return None
    count = len(arrays["start"]) if arrays["start"].ndim == 1 else -1
    expected = {
        "facts": ((6,), np.int64),
        "start": ((count,), np.int32),
        "frames": ((count,), np.int32),
        "features": ((count, THIRDS, len(FEATURES)), np.float32),
        "colours": ((count, THIRDS, COLOURS), np.float32),
        "thumbnails": ((count, THIRDS, *THUMBNAIL, 3), np.uint8),
        "quality": ((count, THIRDS, len(QUALITY_FEATURES)), np.float32),
        "sound": ((count, len(SOUND_FEATURES)), np.float32),
    }
    if count < 1 or any(
        arrays[name].shape != shape or arrays[name].dtype != kind
        for name, (shape, kind) in expected.items()
    ):
        return None
    return FilmRecord(**arrays)  # type: ignore[arg-type]  # the types were just checked


def table_of(films: Mapping[str, Path], records: Mapping[str, FilmRecord]) -> ShotTable:
    """Put the rows of films under one another, in the order of `films` (digest -> path)."""
    found = [records[digest] for digest in films]
    columns = {
        name: np.concatenate([getattr(record, name) for record in found]) for name in _COLUMNS
    }
    lengths = [len(record.start) for record in found]
    return ShotTable(
        footage=tuple(_footage(path, digest, records[digest]) for digest, path in films.items()),
        file=np.repeat(np.arange(len(found), dtype=np.int32), lengths),
        **columns,
    )


def _footage(path: Path, digest: str, record: FilmRecord) -> Footage:
    numerator, denominator, frames, width, height, sound = record.facts.tolist()
    licence, attribution = known_source(path, digest)
    rate = Fraction(numerator, denominator)
    return Footage(path, digest, rate, frames, width, height, bool(sound), licence, attribution)
