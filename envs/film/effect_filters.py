"""The face that effects on YUV planes show to moviepy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from av.video.reformatter import Colorspace
from moviepy import Clip, Effect

from segue.envs.film.pictures import Fitter, frame_from_planes, planes

if TYPE_CHECKING:
    from segue.envs.film.effects import Draw

Picture = npt.NDArray[np.uint8]
"""RGB picture, (height, width, 3) uint8."""


@dataclass
class OnPlanes(Effect):  # type: ignore[misc]  # moviepy is untyped
    """A moviepy effect that draws on the planes of YUV 4:2:0 (BT.709).

    Parameters
    ----------
    draw : callable
        See `segue.envs.film.effects.Draw`. The clip must have a duration, which it gets as the
        length.
    """

    draw: Draw

    def apply(self, clip: Clip) -> Clip:
        """Return the filtered clip."""
        length = clip.duration
        fitters: dict[tuple[int, ...], Fitter] = {}

        def filtered(get_frame: Callable[[float], Picture], t: float) -> Picture:
            picture = get_frame(t)
            height, width = picture.shape[:2]
            fitter = fitters.setdefault(
                (height, width), Fitter(width, height, int(Colorspace.ITU709))
            )
            before = planes(fitter.from_rgb(picture))
            after = self.draw(before, t, length)
            # What draws nothing must not cost the chroma its detail.
            return picture if after is before else fitter.rgb(frame_from_planes(after))

        return clip.transform(filtered)
