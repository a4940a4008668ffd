"""A finished edit beside its sources, and what one would look like if it were cut from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from segue.envs.film.finished_alignment import KNOWN, ZOOMS, Run, View, ratios_of
from segue.envs.film.finished_frames import Stills
from segue.envs.film.finished_refinement import fitted, gains, zooms
from segue.envs.film.finished_windows import WINDOW, Box, Floats, descriptors, picture_area, windows

SAME_SHAPE = 0.04
"""Difference of aspect ratios up to which two pictures count as one shape."""

BLACK = 10
"""Luma (full range) that no pixel of a black frame reaches."""


@dataclass(frozen=True)
class Framing:
    """Which parts of the two pictures are compared."""

    source: int
    edit_box: Box
    source_box: Box
    mirrored: bool


class Match:
    """A finished edit beside its sources, while it is being worked out."""

    def __init__(self, edit: Stills, sources: Sequence[Stills]) -> None:
        self.edit = edit
        self.sources = sources
        self.light = edit.luma.reshape(edit.frames, -1).mean(axis=1)
        self.black = edit.luma.reshape(edit.frames, -1).max(axis=1) < BLACK
        self.area = picture_area(edit)
        _, self.weight = descriptors(edit.luma, self.area)
        self.framings = [
            Framing(number, *boxes, mirrored)
            for number, source in enumerate(sources)
            for boxes in _box_pairs(edit, self.area, source)
            for mirrored in (False, True)
        ]
        self._described: dict[tuple[int, Box], npt.NDArray[np.float16]] = {}
        self.views = [self._view(one) for one in self.framings]

    def _view(self, framing: Framing) -> View:
        edit, source = self.edit.luma, self.sources[framing.source]
        box, mirrored = framing.edit_box, framing.mirrored
        if (framing.source, framing.source_box) not in self._described:
            frames, _ = descriptors(source.luma, framing.source_box)
            self._described[framing.source, framing.source_box] = frames
        shown, *reduced = (
            descriptors(edit, box.zoomed(1.0 / zoom), mirrored=mirrored)[0]
            for zoom in (1.0, *ZOOMS)
        )
        return View(
            framing.source,
            shown,
            tuple(reduced),
            self._described[framing.source, framing.source_box],
            ratios_of(source.rate, self.edit.rate),
            mirrored,
        )

    def likeness(self, run: Run) -> float:
        """Mean similarity over the frames of a run, those with more detail counting more."""
        part = self.weight[run.start : run.stop]
        if run.view < 0 or part.sum() <= 0:
            return 0.0
        return float(gains(self.views[run.view], run, self.weight).sum() / part.sum()) + KNOWN

    def take_usual_speeds(self, runs: Sequence[Run]) -> bool:
        """Take frame for frame for the normal speed of sources that fit better so.

        A film of 24 frames a second is shown in 25 either in its own time or, as PAL transfers
        are, frame for frame; pieces that move little cannot tell, all together can.

        Returns
        -------
        bool
            True if a source's normal speed has changed.
        """
        lead = [0.0] * len(self.sources)
        for run in runs:
            if run.view >= 0:
                view = self.views[run.view]
                own, frames = (
                    gains(view, fitted(run, view, self.weight, (ratio,)), self.weight).sum()
                    for ratio in (view.ratios[0], Fraction(1))
                )
                lead[view.source] += float(frames - own)
        for number, view in enumerate(self.views):
            if lead[view.source] > 0:
                ratios = tuple(dict.fromkeys((Fraction(1), *view.ratios)))
                self.views[number] = replace(view, ratios=ratios)
        return max(lead) > 0

    def shown(self, frames: npt.NDArray[np.int64]) -> Floats:
        """Frames of the edit, (n, *WINDOW)."""
        return windows(self.edit.luma[frames], self.area)

    def supposed(self, run: Run, frames: npt.NDArray[np.int64]) -> Floats:
        """What a run would show on frames of the edit, (n, *WINDOW); held where its source ends.

        Enlarged as the run is there, or at its nearer end.
        """
        one = self.framings[run.view]
        luma = self.sources[one.source].luma
        places = np.clip(run.places(frames), 0, len(luma) - 1)
        scales = zooms(self.views[run.view], run)
        scales = scales[np.clip(frames - run.start, 0, len(scales) - 1)]
        out = np.empty((len(frames), *WINDOW), np.float32)
        for scale in np.unique(scales):
            box = one.source_box.zoomed(float(scale)).seen_through(one.edit_box, self.area)
            rows = scales == scale
            out[rows] = windows(luma[places[rows]], box, mirrored=one.mirrored)
        return out


def _box_pairs(edit: Stills, area: Box, source: Stills) -> list[tuple[Box, Box]]:
    """Parts of edit and source to compare: whole, and where shapes differ fitted and cropped."""
    whole = picture_area(source)
    pairs = [(area, whole)]
    share = whole.aspect(source) / area.aspect(edit)
    if abs(share - 1.0) > SAME_SHAPE:
        # A wider source stands between bars, or loses its sides; a narrower one likewise.
        pairs += [(area.narrowed(share), whole), (area, whole.narrowed(1.0 / share))]
    return pairs
