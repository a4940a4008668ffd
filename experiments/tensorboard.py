"""What TensorBoard shows of a run: curves, reward terms, pictures, films, sound, settings."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
from torch.utils.tensorboard.summary import hparams as hparams_summaries
from torch.utils.tensorboard.writer import SummaryWriter

from segue.envs.base.errors import SegueError

Picture = npt.NDArray[np.uint8]
"""RGB picture, (height, width, 3) uint8."""

RETURN = "return"
"""Tag of an episode's return; finer ones begin with ``return/``."""
FRACTION = "fraction_of_optimum"
"""Tag of the return over the optimum or bound; finer ones begin with ``fraction_of_optimum/``."""
TERMS = "reward"
"""Folder of the reward terms: ``reward/<term>``."""

_LAYOUT = {
    "segue": {
        "1. return": ["Multiline", [rf"{RETURN}(/.*)?$"]],
        "2. fraction of the optimum": ["Multiline", [rf"{FRACTION}(/.*)?$"]],
        "3. reward terms": ["Multiline", [rf"{TERMS}/.*"]],
    }
}
"""Charts of the Custom Scalars page; TensorBoard matches the tags by these expressions."""

PICTURE_SIDE = 960
"""Longest side of a stored picture, in pixels."""
ANIMATION_SIDE = 320
"""Longest side of a stored animation, in pixels."""
ANIMATION_FRAMES = 48
"""Most frames of a stored animation."""
SOUND_RATE = 22_050
"""Samples per second of stored sound, which is mono."""
SOUND_SECONDS = 30.0
"""Longest stored sound."""


class Board:
    """Writes a run's events; a context manager.

    Parameters
    ----------
    folder : Path
        Where the events file goes; made if missing.
    purge_step : int or None
        The step at which a resumed run goes on: TensorBoard drops what an earlier process wrote
        from this step on, since it is written again.

    Raises
    ------
    SegueError
        If the folder cannot be written to, now or later.
    """

    def __init__(self, folder: Path, purge_step: int | None = None) -> None:
        self._folder = folder
        with self._told():
            self._writer = SummaryWriter(str(folder), purge_step=purge_step, flush_secs=10)
            self._writer.add_custom_scalars(_LAYOUT)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SegueError(
                f"Events cannot be written into {self._folder} ({error.strerror or error}); "
                "make room there or choose another folder."
            ) from error

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What ended the run is to be told, not that its last events are lost for the same reason.
        with self._told() if error is None else suppress(OSError):
            self._writer.close()

    def flush(self) -> None:
        """Bring everything to the disk, as before a checkpoint."""
        with self._told():
            self._writer.flush()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to the curve of each name."""
        with self._told():
            for name, value in values.items():
                self._writer.add_scalar(name, float(value), step)

    def terms(self, step: int, terms: Mapping[str, float]) -> None:
        """Add a point to the curve of each reward term, ``reward/<term>``."""
        self.scalars(step, {f"{TERMS}/{name}": value for name, value in terms.items()})

    def picture(self, tag: str, picture: Picture, step: int) -> None:
        """Add a picture, (height, width, 3) uint8, scaled down to `PICTURE_SIDE`."""
        image = _scaled(picture, PICTURE_SIDE)
        buffer = io.BytesIO()
        image.save(buffer, "png")
        self._add_image(tag, buffer.getvalue(), image.size, step)

    def animation(self, tag: str, frames: Sequence[Picture], step: int, fps: float) -> None:
        """Add an animated GIF, scaled down to `ANIMATION_SIDE` and `ANIMATION_FRAMES`.

        Written by hand: ``SummaryWriter.add_video`` logs nothing with moviepy 2, silently.

        Parameters
        ----------
        tag : str
            Its name.
        frames : sequence of ndarray (height, width, 3) uint8
            The pictures, one or more, all of one size.
        step : int
            Where it stands.
        fps : float
            Pictures per second, > 0. Frames that are left out make the others stay longer.

        Raises
        ------
        ValueError
            If there is no frame or no rate.
        """
        if not len(frames) or fps <= 0:
            raise ValueError("an animation needs frames, and a rate above 0")
        stride = math.ceil(len(frames) / ANIMATION_FRAMES)
        first, *rest = (_scaled(frame, ANIMATION_SIDE).quantize(128) for frame in frames[::stride])
        # GIF counts in hundredths of a second; browsers slow down what is shorter than two.
        duration = max(10 * round(100 * stride / fps), 20)
        buffer = io.BytesIO()
        first.save(
            buffer, "gif", save_all=True, append_images=rest, duration=duration, loop=0, disposal=1
        )
        self._add_image(tag, buffer.getvalue(), first.size, step)

    def gif(self, tag: str, data: bytes, step: int) -> None:
        """Add an animation that is a GIF already, as it is.

        Of the animated formats that browsers know, TensorBoard's image page serves GIF and PNG
        under their names; WebP it sends as bytes of no kind.

        Raises
        ------
        ValueError
            If the bytes are no GIF.
        """
        if data[:6] not in (b"GIF87a", b"GIF89a") or len(data) < 10:
            raise ValueError("these bytes are no GIF")
        width, height = struct.unpack_from("<HH", data, 6)
        self._add_image(tag, data, (width, height), step)

    def sound(self, tag: str, path: Path, step: int) -> None:
        """Add the first `SOUND_SECONDS` of a sound file, as mono at `SOUND_RATE`.

        Raises
        ------
        SegueError
            If the file cannot be read as sound.
        """
        try:
            with soundfile.SoundFile(path) as file:
                rate = int(file.samplerate)
                samples = file.read(int(SOUND_SECONDS * rate), dtype="float32", always_2d=True)
        except (OSError, soundfile.SoundFileError) as error:
            raise SegueError(f"{path} cannot be read as sound; give a WAV file.") from error
        mono = samples.mean(axis=1)
        if rate != SOUND_RATE and len(mono):
            mono = soxr.resample(mono, rate, SOUND_RATE)
        buffer = io.BytesIO()
        soundfile.write(buffer, mono.clip(-1.0, 1.0), SOUND_RATE, format="WAV", subtype="PCM_16")
        audio = Summary.Audio(
            sample_rate=float(SOUND_RATE),
            num_channels=1,
            length_frames=len(mono),
            encoded_audio_string=buffer.getvalue(),
            content_type="audio/wav",
        )
        self._add(Summary(value=[Summary.Value(tag=tag, audio=audio)]), step)

    def text(self, tag: str, text: str, step: int) -> None:
        """Add a text, shown as Markdown."""
        with self._told():
            self._writer.add_text(tag, text, step)

    def hparams(self, settings: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """Add the run to the table of hyperparameters.

        ``SummaryWriter.add_hparams`` would make a second run of it, in a folder of its own.

        Parameters
        ----------
        settings : mapping
            What was chosen; what is neither number, bool nor text is shown as text.
        metrics : mapping
            What came of it, by name; written as ``final/<name>``, so that no curve gets a point.
        """
        final = {f"final/{name}": float(value) for name, value in metrics.items()}
        plain = {
            name: value if isinstance(value, bool | int | float | str) else str(value)
            for name, value in settings.items()
        }
        for summary in hparams_summaries(plain, final):  # type: ignore[no-untyped-call]
            self._add(summary, 0)
        self.scalars(0, final)

    def _add_image(self, tag: str, data: bytes, size: tuple[int, int], step: int) -> None:
        width, height = size
        image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=data)
        self._add(Summary(value=[Summary.Value(tag=tag, image=image)]), step)

    def _add(self, summary: Summary, step: int) -> None:
        with self._told():
            self._writer._get_file_writer().add_summary(summary, step)  # type: ignore[no-untyped-call]


def _scaled(picture: Picture, side: int) -> Image.Image:
    """Make an image whose longest side is at most `side` pixels."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    scale = side / max(image.size)
    if scale >= 1.0:
        return image
    width, height = (max(round(length * scale), 1) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)
