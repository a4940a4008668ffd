"""Where the shots of a film begin and end, from pictures that are shown once, in order.

Cuts come from PySceneDetect's adaptive detector at two settings: its own, and a keener one for
cuts in the midst of movement, which must also change the picture's composition for good (a flash
does not). What no such detector sees is found afterwards in a small grey signature of every frame:
dissolves, and passages without picture (black, white, any even colour) with the fades around them.
Those passages belong to no shot.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
from scenedetect import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from segue.envs.film.dissolves import dissolves
from segue.envs.film.features import Picture, deviation
from segue.envs.film.signatures import PIXELS, Signatures, Span, correlation, signature_of

SHORTEST = Fraction(1, 2)
"""Seconds of the shortest shot; see `joined`."""

EVEN = 4.0
"""Standard deviation of luma (0-255) below which a frame holds no picture."""

ALIKE = 0.8
"""Correlation of two signatures above which they show the same thing."""

_KEEN_RATIO = 1.8
_KEEN_CHANGE = 30.0
_KEEN_ALIKE = 0.5
_SURE_ALIKE = 0.9
_REPEATED = 0.5
_MOST_REPEATS = 3


@dataclass(frozen=True)
class Evidence:
    """What the frames of a film, or of a stretch of it, tell about its shots.

    Attributes
    ----------
    signatures : ndarray (frames, pixels) uint8
        Grey signature of each frame.
    spreads : ndarray (frames,) float64
        Standard deviation of each frame's luma, 0-255.
    sure, keen : ndarray (cuts,) int64
        Cuts that the detector found at its own setting and at the keener one: numbers of frames
        in the film.
    """

    signatures: Signatures
    spreads: npt.NDArray[np.float64]
    sure: npt.NDArray[np.int64]
    keen: npt.NDArray[np.int64]


class ShotDetector:
    """Collects evidence by `show`, frame after frame.

    Parameters
    ----------
    rate : Fraction
        Frames per second.
    first : int
        Number of the first frame that will be shown.
    """

    def __init__(self, rate: Fraction, first: int = 0) -> None:
        self._rate = rate
        self._first = first
        # Every cut is wanted here; `joined` judges short shots once both their ends are known.
        self._sure = AdaptiveDetector(min_scene_len=1)
        self._keen = AdaptiveDetector(
            adaptive_threshold=_KEEN_RATIO, min_content_val=_KEEN_CHANGE, min_scene_len=1
        )
        self._sure_cuts: list[int] = []
        self._keen_cuts: list[int] = []
        self._signatures: list[Picture] = []
        self._spreads: list[float] = []
        self._repeats = 0

    def show(self, index: int, picture: Picture, luma: Picture) -> None:
        """Take in frame `index` (each one more than the last), in BGR and in grey."""
        signature = signature_of(luma)
        self._spreads.append(deviation(luma))
        # Footage of 8 pictures a second inside a file of 24 repeats each twice, and beside two
        # frames without change every third would look like a cut. Longer stills are shown.
        if self._signatures and self._repeats < _MOST_REPEATS:
            change = float(cv2.norm(signature, self._signatures[-1], cv2.NORM_L1)) / signature.size
            self._repeats = self._repeats + 1 if change < _REPEATED else 0
        else:
            self._repeats = 0
        self._signatures.append(signature)
        if not self._repeats:
            now = FrameTimecode(index, self._rate)
            self._sure_cuts += [cut.frame_num for cut in self._sure.process_frame(now, picture)]
            self._keen_cuts += [cut.frame_num for cut in self._keen.process_frame(now, picture)]

    def evidence(self, owned: Span) -> Evidence:
        """Return what was found out about the frames of a span, all of them shown."""
        rows = slice(owned[0] - self._first, owned[1] - self._first)
        return Evidence(
            np.array(self._signatures[rows], np.uint8).reshape(-1, PIXELS),
            np.array(self._spreads[rows], np.float64),
            _inside(self._sure_cuts, owned),
            _inside(self._keen_cuts, owned),
        )


def find_shots(evidence: Evidence, rate: Fraction) -> list[Span]:
    """Spans of the shots of a whole film in order, disjoint, each at least `SHORTEST` long.

    Parameters
    ----------
    evidence : Evidence
        Of every frame from 0 on.
    rate : Fraction
        Frames per second.
    """
    signatures, spreads = evidence.signatures, evidence.spreads
    cuts = changes_of_scene(evidence.sure.tolist(), signatures, reach=1, most_alike=_SURE_ALIKE)
    cuts += changes_of_scene(evidence.keen.tolist(), signatures, reach=3, most_alike=_KEEN_ALIKE)
    between = spans_between(cuts, len(signatures))
    gaps = even_passages(spreads, rate)
    for span in between:
        gaps += dissolves(signatures, spreads, span, rate)
    return joined(without(between, gaps), signatures, rate)


def _inside(cuts: list[int], span: Span) -> npt.NDArray[np.int64]:
    return np.array([cut for cut in cuts if span[0] <= cut < span[1]], np.int64)


def changes_of_scene(
    cuts: Iterable[int], signatures: Signatures, *, reach: int, most_alike: float
) -> list[int]:
    """Cuts with different pictures on their two sides.

    Parameters
    ----------
    cuts : iterable of int
        First frames of what may be new shots.
    signatures : ndarray (frames, pixels) uint8
        Grey signature of each frame.
    reach : int
        How many frames of each side are compared, each with each.
    most_alike : float
        Largest correlation that any two of them may have.
    """
    kept = []
    for cut in cuts:
        before = signatures[max(cut - reach, 0) : cut].astype(np.float32)
        after = signatures[cut : cut + reach].astype(np.float32)
        pairs = (np.repeat(before, len(after), axis=0), np.tile(after, (len(before), 1)))
        if len(pairs[0]) and correlation(*pairs).max() < most_alike:
            kept.append(cut)
    return kept


def spans_between(cuts: Iterable[int], count: int) -> list[Span]:
    """Spans from each cut to the next over `count` frames."""
    edges = [0, *sorted(cut for cut in set(cuts) if 0 < cut < count), count]
    return list(pairwise(edges))


def even_passages(spreads: npt.NDArray[np.float64], rate: Fraction) -> list[Span]:
    """Passages without picture, grown by the fades that lead into and out of them.

    Parameters
    ----------
    spreads : ndarray (frames,) float64
        Standard deviation of each frame's luma, 0-255.
    rate : Fraction
        Frames per second.

    Returns
    -------
    list of Span
        Runs of frames below `EVEN`; a fade is the run beside it, of at most two seconds, in which
        the spread keeps rising away from it by more than 1 % a frame.
    """
    even = np.concatenate([[False], spreads < EVEN, [False]])
    edges = np.flatnonzero(even[1:] != even[:-1])
    longest = int(2 * rate)
    passages = []
    for start, end in edges.reshape(-1, 2).tolist():
        first, last = start, end
        while (
            first > 1 and start - first < longest and spreads[first - 2] > 1.01 * spreads[first - 1]
        ):
            first -= 1
        while (
            last < len(spreads) - 1
            and last - end < longest
            and spreads[last + 1] > 1.01 * spreads[last]
        ):
            last += 1
        passages.append((first, last))
    return passages


def without(spans: Iterable[Span], gaps: Iterable[Span]) -> list[Span]:
    """Spans with the gaps cut out of them."""
    pieces = list(spans)
    for begin, end in gaps:
        cut = []
        for start, stop in pieces:
            if end <= start or begin >= stop:
                cut.append((start, stop))
                continue
            cut += [piece for piece in ((start, begin), (end, stop)) if piece[0] < piece[1]]
        pieces = cut
    return sorted(pieces)


def joined(spans: list[Span], signatures: Signatures, rate: Fraction) -> list[Span]:
    """Spans without those shorter than `SHORTEST`.

    A short span between two that show the same thing is a flash: the three become one shot. Any
    other short span is dropped and leaves a gap.
    """
    shortest = SHORTEST * rate
    kept: list[Span] = []
    flash: Span | None = None
    for start, stop in spans:
        if stop - start < shortest:
            flash = (flash[0] if flash and flash[1] == start else start, stop)
            continue
        if kept and flash and kept[-1][1] == flash[0] and flash[1] == start:
            sides = signatures[[kept[-1][1] - 1, start]].astype(np.float32)
            if flash[1] - flash[0] < shortest and correlation(sides[:1], sides[1:])[0] > ALIKE:
                start = kept.pop()[0]
        kept.append((start, stop))
        flash = None
    return kept
