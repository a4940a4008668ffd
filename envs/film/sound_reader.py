"""The sound of media files as mono samples, block by block."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer

from segue.envs.film.gate import require_audio

Samples = npt.NDArray[np.float32]


def mono_blocks(container: InputContainer, rate: int) -> Iterator[Samples]:
    """Decode the first audio stream, mixed to mono and resampled.

    Parameters
    ----------
    container : InputContainer
        An open file with sound.
    rate : int
        Samples per second.

    Yields
    ------
    ndarray (samples,) float32
        In about [-1, 1].

    Raises
    ------
    MediaError
        If there is no sound.
    """
    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    for frame in container.decode(require_audio(container)):
        for part in resampler.resample(frame):
            yield np.asarray(part.to_ndarray(), dtype=np.float32).reshape(-1)
    for part in resampler.resample(None):
        yield np.asarray(part.to_ndarray(), dtype=np.float32).reshape(-1)
