"""Small grey pictures of every frame of a film, for finding it again in another film.

One decoding pass a file, remembered in the cache under the file's content. The pictures are kept
whole: `segue.envs.film.finished_windows` cuts parts out of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from segue.envs.base.cache import cache_folder, file_digest, load_arrays, store_arrays
from segue.envs.film.frame_grid import displayed_size, grid_frames, upright
from segue.envs.film.gate import MediaError, frame_rate, open_media, probe, require_video

STILLS_VERSION = 1
"""To be raised whenever the same file would give other pictures."""

STILL = (27, 48)
"""Height and width of a kept picture."""

Progress = Callable[[float, str], None]
"""Called with the share done, in [0, 1], and what is being done."""


@dataclass(frozen=True)
class Stills:
    """All frames of a film, small.

    Attributes
    ----------
    path : Path
        The film.
    digest : str
        SHA-256 of its bytes, hexadecimal.
    rate : Fraction
        Frames per second.
    width, height : int
        Displayed picture size in pixels.
    luma : ndarray (frames, *STILL) uint8
        Full-range luma of each frame of the grid (`segue.envs.film.frame_grid`).
    """

    path: Path
    digest: str
    rate: Fraction
    width: int
    height: int
    luma: npt.NDArray[np.uint8]

    @property
    def frames(self) -> int:
        """Length in frames."""
        return len(self.luma)


def stills(path: Path, *, cache: Path | None = None, progress: Progress | None = None) -> Stills:
    """Decode a film to small pictures, or take them from the cache.

    Parameters
    ----------
    path : Path
        The film.
    cache : Path or None
        Folder that remembers them; None is the user's (`segue.envs.base.cache.cache_folder`).
    progress : callable or None
        Called about every second of film.

    Returns
    -------
    Stills

    Raises
    ------
    MediaError
        If the film cannot be read or has no picture.
    """
    path = Path(path)
    facts = probe(path)
    folder, digest = cache_folder(cache), file_digest(path)
    arrays = load_arrays(folder, "stills", STILLS_VERSION, digest)
    if arrays is None or not _whole(arrays):
        arrays = dict(zip(("facts", "luma"), _decode(path, facts.seconds, progress), strict=True))
        store_arrays(folder, "stills", STILLS_VERSION, digest, arrays)
    top, bottom, width, height = arrays["facts"].tolist()
    luma = np.asarray(arrays["luma"], np.uint8)
    return Stills(path, digest, Fraction(top, bottom), width, height, luma)


def _decode(
    path: Path, seconds: float | None, progress: Progress | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Facts (rate, size) and pictures of a film."""
    reformatter = VideoReformatter()
    pictures: list[npt.NDArray[np.uint8]] = []
    with open_media(path) as container:
        stream = require_video(container)
        rate = frame_rate(stream)
        expected = max(int((seconds or 0.0) * rate), 1)
        rotation = 0
        for index, frame in grid_frames(container, stream):
            rotation = frame.rotation
            turned = bool(round(rotation / 90) % 2)
            height, width = STILL[::-1] if turned else STILL
            small = reformatter.reformat(
                frame, width, height, "gray", interpolation=Interpolation.AREA
            ).to_ndarray()
            pictures.append(upright(np.asarray(small, dtype=np.uint8)[..., None], rotation)[..., 0])
            if progress and index % max(round(rate), 1) == 0:
                progress(min(index / expected, 1.0), f"watching {path.name}")
        if not pictures:
            raise MediaError(f"{path} has no picture that can be decoded; export it again.")
        size = displayed_size(stream, rotation)
    facts = np.array((rate.numerator, rate.denominator, *size), np.int64)
    return facts, np.array(pictures)


def _whole(arrays: dict[str, npt.NDArray[np.generic]]) -> bool:
    """Tell whether a cache entry has the shape that this version writes."""
    if set(arrays) != {"facts", "luma"} or arrays["facts"].shape != (4,):
        return False
    luma = arrays["luma"]
    return luma.dtype == np.uint8 and luma.shape[1:] == STILL and len(luma) > 0
