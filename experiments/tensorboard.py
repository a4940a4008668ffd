"""What TensorBoard shows of a run: curves, reward terms, pictures, films, sound, settings."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
from torch.utils.tensorboard.summary import histogram_raw
from torch.utils.tensorboard.summary import text as text_summary
from torch.utils.tensorboard.writer import SummaryWriter

from segue.envs.base.errors import SegueError
from segue.experiments import board_hparams
from segue.experiments.board_charts import FRACTION, RETURN, TERMS, Charts, layout

Picture = npt.NDArray[np.uint8]
"""RGB picture, (height, width, 3) uint8."""

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

MEDIA_BYTES = 40_000_000
"""Bytes of a run's events from which on pictures and sound are left out."""
POINTS = 2_000
"""Most points of a curve over training; TensorBoard draws 1,000. So the curves of a run stay below
10 MB, and all its events below 50 MB."""
_POINT_BYTES = 50


class Board:
    """Writes a run's events; a context manager.

    Parameters
    ----------
    folder : Path
        Where the events file goes; made if missing.
    purge_step : int
        The step at which a resumed run goes on: TensorBoard drops what an earlier process wrote
        from this step on, since it is written again. 0 for a new run, too: TensorBoard takes the
        first start that it finds in a folder for that of the run, and drops nothing there.
    charts : mapping of str to str
        More charts of the Custom Scalars page, see `segue.experiments.board_charts.Charts`.
    media_bytes : int
        Events may grow to this size; what comes then of pictures and sound is left out, which a
        text says. What an earlier process wrote into the folder counts, too.

    Raises
    ------
    SegueError
        If the folder cannot be written to, now or later.
    """

    def __init__(
        self,
        folder: Path,
        purge_step: int = 0,
        charts: Charts | None = None,
        media_bytes: int = MEDIA_BYTES,
    ) -> None:
        self._folder, self._media_bytes, self._full = folder, media_bytes, False
        self._last: dict[str, int] = {}
        with self._told():
            self._bytes = sum(file.stat().st_size for file in folder.glob("events.out.tfevents.*"))
            self._writer = SummaryWriter(str(folder), purge_step=purge_step, flush_secs=10)
            if purge_step == 0:  # Else it is there already.
                self._writer.add_custom_scalars(layout(charts or {}))

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

    def scalars(self, step: int, values: Mapping[str, float], every: int = 0) -> None:
        """Add a point to the curve of each name, but none within `every` steps of its last one."""
        with self._told():
            for name, value in values.items():
                last = self._last.get(name)
                if last is None or not last < step < last + every:
                    self._last[name] = step
                    self._bytes += _POINT_BYTES + len(name)
                    self._writer.add_scalar(name, float(value), step)

    def terms(self, step: int, terms: Mapping[str, float], every: int = 0) -> None:
        """Add a point to the curve of each reward term, ``reward/<term>``."""
        self.scalars(step, {f"{TERMS}/{name}": value for name, value in terms.items()}, every)

    def histogram(self, tag: str, counts: npt.NDArray[np.int64], step: int) -> None:
        """Add how often each of some choices, numbered from 0, was taken: `counts` (n,)."""
        numbers = np.arange(len(counts))
        taken = np.flatnonzero(counts)
        summary = histogram_raw(  # type: ignore[no-untyped-call]
            tag,
            min=float(taken.min(initial=0)),
            max=float(taken.max(initial=0)),
            num=int(counts.sum()),
            sum=float(counts @ numbers),
            sum_squares=float(counts @ numbers**2),
            bucket_limits=[-0.5, *(numbers + 0.5).tolist()],
            bucket_counts=[0.0, *counts.astype(float).tolist()],
        )
        self._add_media(summary, step)

    def picture(self, tag: str, picture: Picture, step: int) -> None:
        """Add a picture, (height, width, 3) uint8, scaled down to `PICTURE_SIDE`."""
        image = _scaled(picture, PICTURE_SIDE)
        buffer = io.BytesIO()
        image.save(buffer, "png")
        self._add_image(tag, buffer.getvalue(), image.size, step)

    def animation(
        self,
        tag: str,
        frames: Sequence[Picture],
        step: int,
        fps: float,
        side: int = ANIMATION_SIDE,
    ) -> None:
        """Add an animated GIF, scaled down to `side` pixels and `ANIMATION_FRAMES`.

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
        side : int
            Longest side, in pixels.

        Raises
        ------
        ValueError
            If there is no frame or no rate.
        """
        if not len(frames) or fps <= 0:
            raise ValueError("an animation needs frames, and a rate above 0")
        stride = math.ceil(len(frames) / ANIMATION_FRAMES)
        first, *rest = (_scaled(frame, side).quantize(128) for frame in frames[::stride])
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
        self.wave(tag, samples, rate, step)

    def wave(self, tag: str, samples: npt.NDArray[np.float32], rate: int, step: int) -> None:
        """Add the first `SOUND_SECONDS` of a sound, as mono at `SOUND_RATE`.

        Parameters
        ----------
        tag : str
            Its name.
        samples : ndarray (n, channels) float32
            In [-1, 1].
        rate : int
            Samples per second.
        step : int
            Where it stands.
        """
        mono = samples[: int(SOUND_SECONDS * rate)].mean(axis=1)
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
        self._add_media(Summary(value=[Summary.Value(tag=tag, audio=audio)]), step)

    def text(self, tag: str, text: str, step: int) -> None:
        """Add a text, shown as Markdown."""
        self._add(text_summary(tag, text), step)  # type: ignore[no-untyped-call]

    def hparams(self, settings: Mapping[str, str | float]) -> None:
        """Make the run a row of the table of hyperparameters.

        Parameters
        ----------
        settings : mapping
            By column, see `segue.experiments.board_hparams.settings_of`.
        """
        for summary in board_hparams.beginning(settings):
            self._add(summary, 0)

    def results(self, metrics: Mapping[str, float], step: int) -> None:
        """Add what came of the run to its row.

        Parameters
        ----------
        metrics : mapping
            By tag, of `segue.experiments.board_hparams.METRICS`.
        step : int
            The last one.
        """
        self.scalars(step, metrics)
        self._add(board_hparams.ending(), step)

    def _add_image(self, tag: str, data: bytes, size: tuple[int, int], step: int) -> None:
        width, height = size
        image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=data)
        self._add_media(Summary(value=[Summary.Value(tag=tag, image=image)]), step)

    def _add_media(self, summary: Summary, step: int) -> None:
        if self._bytes + summary.ByteSize() <= self._media_bytes:
            self._add(summary, step)
        elif not self._full:
            self._full = True
            said = f"Pictures and sound end at step {step:,}: events had {self._bytes:,} bytes."
            self.text("run/media", said, step)

    def _add(self, summary: Summary, step: int) -> None:
        self._bytes += summary.ByteSize() + _POINT_BYTES
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


__all__ = ["FRACTION", "RETURN", "TERMS", "Board", "Picture"]
