"""Pitches that sound together, by the neural network of the package basic-pitch.

Source: Bittner et al. 2022, "A lightweight instrument-agnostic model for polyphonic note
transcription and multipitch estimation". The network (230 kB, ONNX, Apache-2.0, Spotify AB) comes
with the package; only that file of it is read. Its Python code is not imported: it asks for
TensorFlow and other packages that no segue needs, which is why it is installed without them.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.film.beat_tracking import HOP, Progress
from segue.envs.hearing.types import PITCHES, PitchEvidence

INSTALL = "pip install --no-deps basic-pitch"
"""How the network is had where it is missing."""

_INPUT = "serving_default_input_2:0"
_SOUNDS, _STRUCK = "StatefulPartitionedCall:1", "StatefulPartitionedCall:2"
_WINDOW = 43_844  # Samples that the network takes at a time.
_MARGIN = 15  # Frames at either end of a window that know too little of what is around them.
_KEPT = 172 - 2 * _MARGIN
_BATCH = 8


def model_path() -> Path | None:
    """Place of the network, or None where basic-pitch is not installed."""
    spec = find_spec("basic_pitch")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "saved_models" / "icassp_2022" / "nmp.onnx"
        if path.is_file():
            return path
    return None


def polyphonic_evidence(
    sound: npt.NDArray[np.float32], model: Path, progress: Progress | None = None
) -> PitchEvidence:
    """Hear all pitches of a recording, in one thread, two seconds at a time.

    Parameters
    ----------
    sound : ndarray (samples,) float32
        Mono, as `segue.envs.film.beat_tracking.read_mono` gives it.
    model : Path
        As `model_path` gives it.
    progress : callable or None
        Told the share done.
    """
    import onnxruntime  # Takes a tenth of a second, and only hearing needs it.

    tell = progress or (lambda share, text: None)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(
        str(model), options, providers=["CPUExecutionProvider"]
    )
    frames = len(sound) // HOP + 1
    windows = -(-frames // _KEPT)
    sounds = np.zeros((windows * _KEPT, PITCHES), np.float32)
    struck = np.zeros_like(sounds)
    for first in range(0, windows, _BATCH):
        tell(first / windows, "hearing notes")
        rows = [_window(sound, index) for index in range(first, min(first + _BATCH, windows))]
        found = session.run([_SOUNDS, _STRUCK], {_INPUT: np.stack(rows)[..., None]})
        place = slice(first * _KEPT, (first + len(rows)) * _KEPT)
        for kept, output in zip((sounds, struck), found, strict=True):
            kept[place] = output[:, _MARGIN : _MARGIN + _KEPT].reshape(-1, PITCHES)
    return PitchEvidence(sounds[:frames], struck[:frames], True)


def _window(sound: npt.NDArray[np.float32], index: int) -> npt.NDArray[np.float32]:
    """Samples of one window, zeros before the beginning and after the end of the sound."""
    start = (index * _KEPT - _MARGIN) * HOP
    row = np.zeros(_WINDOW, np.float32)
    part = sound[max(start, 0) : max(start + _WINDOW, 0)]
    row[max(-start, 0) : max(-start, 0) + len(part)] = part
    return row
