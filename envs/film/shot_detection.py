"""Where the shots of a film begin and end, from pictures that are shown once, in order.

Cuts come from PySceneDetect's adaptive detector at two settings: its own, and a keener one for
cuts in the midst of movement, which must also change the picture's composition for good (a flash
does not). What no such detector sees is found afterwards in a small grey signature of every frame:
dissolves, and passages without picture (black, white, any even colour) with the fades around them.
Those passages belong to no shot.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
from scenedetect import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from segue.envs.film.features import Picture

Signatures = npt.NDArray[np.uint8]
Span = tuple[int, int]
"""First frame and the frame after the last."""

SHORTEST = Fraction(1, 2)
"""Seconds of the shortest shot; see `joined`."""

SIGNATURE = (16, 9)
"""Width and height of the grey signature."""

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
_DISSOLVE_HALVES = (0.25, 0.5, 1.0)
_DISSOLVE_CHANGE = 14.0
_DISSOLVE_RESIDUE = 0.2
_DISSOLVE_ALIKE = 0.5
_DISSOLVE_SPREAD = 0.9
_BLOCK = 4096


class ShotDetector:
    """Collects frames by `show`, then tells the shots by `shots`."""

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
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
        """Take in frame `index` (0, 1, 2, ...), in BGR and in grey."""
        signature = cv2.resize(luma, SIGNATURE, interpolation=cv2.INTER_AREA)
        self._spreads.append(float(luma.std()))
        # Footage of 8 pictures a second inside a file of 24 repeats each twice, and beside two
        # frames without change every third would look like a cut. Longer stills are shown.
        if self._signatures and self._repeats < _MOST_REPEATS:
            change = float(cv2.norm(signature, self._signatures[-1], cv2.NORM_L1)) / signature.size
            self._repeats = self._repeats + 1 if change < _REPEATED else 0
        else:
            self._repeats = 0
        self._signatures.append(np.asarray(signature, dtype=np.uint8))
        if not self._repeats:
            now = FrameTimecode(index, self._rate)
            self._sure_cuts += [cut.frame_num for cut in self._sure.process_frame(now, picture)]
            self._keen_cuts += [cut.frame_num for cut in self._keen.process_frame(now, picture)]

    @property
    def count(self) -> int:
        """Frames shown so far."""
        return len(self._signatures)

    def shots(self) -> list[Span]:
        """Spans of the shots in order, disjoint, each at least `SHORTEST` long."""
        signatures = np.array(self._signatures).reshape(self.count, -1)
        cuts = changes_of_scene(self._sure_cuts, signatures, reach=1, most_alike=_SURE_ALIKE)
        cuts += changes_of_scene(self._keen_cuts, signatures, reach=3, most_alike=_KEEN_ALIKE)
        between = spans_between(cuts, self.count)
        spreads = np.array(self._spreads)
        gaps = even_passages(spreads, self._rate)
        for span in between:
            gaps += dissolves(signatures, spreads, span, self._rate)
        return joined(without(between, gaps), signatures, self._rate)


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
        if len(pairs[0]) and _correlation(*pairs).max() < most_alike:
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


def dissolves(
    signatures: Signatures, spreads: npt.NDArray[np.float64], span: Span, rate: Fraction
) -> list[Span]:
    """Dissolves inside a span, which holds no cut.

    Half-way through a dissolve the picture is the mean of those before and after it, while those
    two differ, and the two overlaid make it flatter than either. Movement within one cell of the
    signature averages likewise but flattens nothing. Tried over half a second, one and two.

    Parameters
    ----------
    signatures : ndarray (frames, pixels) uint8
        Grey signature of each frame.
    spreads : ndarray (frames,) float64
        Standard deviation of each frame's luma.
    span : Span
        Where to look.
    rate : Fraction
        Frames per second.

    Returns
    -------
    list of Span
        From where a twentieth of the new picture shows to where a twentieth of the old is left.
    """
    found: list[Span] = []
    for seconds in _DISSOLVE_HALVES:
        half = max(round(seconds * rate), 2)
        for start in range(span[0], span[1] - 2 * half, _BLOCK):
            block = signatures[start : min(start + _BLOCK + 2 * half, span[1])].astype(np.float32)
            likeness = _dissolve_likeness(block, half)
            spread = spreads[start : start + len(block)]
            ends = np.hypot(spread[: -2 * half], spread[2 * half :]) / np.sqrt(2)
            likeness[spread[half:-half] > _DISSOLVE_SPREAD * ends] = 1.0
            for centre in _dips(likeness, half):
                first, last = _mixed(block[centre : centre + 2 * half + 1])
                passage = (start + centre + first, start + centre + last)
                if all(passage[0] >= end or passage[1] <= begin for begin, end in found):
                    found.append(passage)
    return sorted(found)


def _dissolve_likeness(block: npt.NDArray[np.float32], half: int) -> npt.NDArray[np.float32]:
    """Distance of each middle picture from its ends' mean, relative to theirs; 1 where no case."""
    before, middle, after = block[: -2 * half], block[half:-half], block[2 * half :]
    change = np.abs(after - before).mean(axis=1)
    residue = np.abs(middle - (before + after) / 2).mean(axis=1)
    possible = (change > _DISSOLVE_CHANGE) & (_correlation(before, after) < _DISSOLVE_ALIKE)
    ratio = np.where(possible, residue / np.maximum(change, 1e-6), 1.0)
    return np.asarray(ratio, dtype=np.float32)


def _dips(likeness: npt.NDArray[np.float32], half: int) -> list[int]:
    """Places of the deepest dips below the threshold, no two nearer than `half`."""
    dips: list[int] = []
    for place in np.argsort(likeness, kind="stable").tolist():
        if likeness[place] > _DISSOLVE_RESIDUE:
            break
        if all(abs(place - other) > half for other in dips):
            dips.append(place)
    return dips


def _mixed(window: npt.NDArray[np.float32]) -> Span:
    """Span inside a window in which between 5 and 95 % of its last picture shows."""
    change = window[-1] - window[0]
    share = ((window - window[0]) * change).sum(axis=1) / max(float((change**2).sum()), 1e-6)
    mixed = np.flatnonzero((share > 0.05) & (share < 0.95))
    return int(mixed[0]), int(mixed[-1]) + 1


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
            if flash[1] - flash[0] < shortest and _correlation(sides[:1], sides[1:])[0] > ALIKE:
                start = kept.pop()[0]
        kept.append((start, stop))
        flash = None
    return kept


def _correlation(
    left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Pearson correlation row by row; 0 where a row is even."""
    left = left - left.mean(axis=1, keepdims=True)
    right = right - right.mean(axis=1, keepdims=True)
    scale = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.asarray((left * right).sum(axis=1) / np.maximum(scale, 1e-6), dtype=np.float32)
