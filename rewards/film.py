"""What a cut is judged by.

Every term is weighted by `CutView.share`, the part of the film that the piece fills, so that the
return is a mean over the film's time and neither many nor few cuts are paid for as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.film_view import (
    BLACK_AND_WHITE,
    COLOUR_BOOST,
    CUT,
    DISSOLVE,
    FADE_IN,
    FADE_OUT,
    FADE_THROUGH_BLACK,
    MIRROR,
    NONE,
    SLOW_MOTION,
    ZOOM_IN,
    CutView,
)
from segue.rewards.shaping import bell


@dataclass(frozen=True)
class Sync:
    """Cuts fall where the music asks for them: the strength of the beat under the cut.

    Every cut is on a beat by the grid of the task; this tells strong beats from weak ones. The
    first piece is not cut to. Source: beat-synchronous editing by convention; the measure is the
    metrical weight of Lerdahl & Jackendoff (1983).
    """

    name: ClassVar[str] = "sync"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        return np.asarray(view.share * np.where(view.first, 0.0, view.strength))


@dataclass(frozen=True)
class Pacing:
    """Lengths are log-normal about a length that falls with the energy of the music.

    `bell` of the log of length over target; the target goes from `calm` seconds at energy 0 to
    `lively` at energy 1, geometrically. Source: log-normal shot lengths, Cutting et al. (2010);
    shorter shots under more activity, Cutting et al. (2011).
    """

    calm: float = 4.0
    lively: float = 1.2
    width: float = 0.5
    name: ClassVar[str] = "pacing"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        target = np.log(self.calm) + view.energy * np.log(self.lively / self.calm)
        return np.asarray(view.share * bell(np.log(view.seconds) - target, self.width))


@dataclass(frozen=True)
class Continuity:
    """The eye stays where it was: salient detail and direction of motion match across the cut.

    Half `bell` of the distance of the salient centroids (width `reach`), half the agreement of
    the two motions, ``(1 + a . b) / 2`` of the vectors as they are, so that still pictures count
    as neutral. Source: eye trace, Murch, *In the Blink of an Eye* (1995).
    """

    reach: float = 0.5
    name: ClassVar[str] = "continuity"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        # The bell of a distance is the product of the bells of its components.
        aside = bell(view.centroid_x - view.last_centroid_x, self.reach)
        above = bell(view.centroid_y - view.last_centroid_y, self.reach)
        dot = view.motion_x * view.last_motion_x + view.motion_y * view.last_motion_y
        agreement = 0.5 + 0.5 * np.clip(dot, -1.0, 1.0)
        value = 0.5 * aside * above + 0.5 * agreement
        return np.asarray(view.share * np.where(view.first, 0.0, value))


@dataclass(frozen=True)
class JumpCut:
    """A plain cut between two pictures of the same set-up jumps: -1 above `alike`, else 0.

    Source: 30-degree rule; colour similarity stands in for the unknown angle.
    """

    alike: float = 0.96
    name: ClassVar[str] = "jump_cut"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        jumps = ~view.first & (view.transition == CUT) & (view.similarity > self.alike)
        return np.asarray(view.share * np.where(jumps, -1.0, 0.0))


@dataclass(frozen=True)
class Diversity:
    """Neighbouring pieces differ: ``1 - cos`` of their colour histograms.

    Source: the dissimilarity of Zhou et al. (2018), DSN, between neighbours.
    """

    name: ClassVar[str] = "diversity"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        return np.asarray(view.share * np.where(view.first, 0.0, 1.0 - view.similarity))


@dataclass(frozen=True)
class Quality:
    """Sharp and well exposed: half sharpness, half `bell` of brightness about .5."""

    width: float = 0.2
    name: ClassVar[str] = "quality"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        exposure = bell(view.brightness - 0.5, self.width)
        return np.asarray(view.share * (0.5 * view.sharpness + 0.5 * exposure))


@dataclass(frozen=True)
class Energy:
    """The picture moves as the music does: `bell` of motion minus loudness.

    A proxy for the match of arousal between picture and music.
    """

    width: float = 0.3
    name: ClassVar[str] = "energy"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        return np.asarray(view.share * bell(view.motion - view.energy, self.width))


@dataclass(frozen=True)
class Order:
    """The story goes forward: 1 less the step for a step forward in the film, 0 backward."""

    name: ClassVar[str] = "order"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        step = view.position - view.last_position
        value = np.where(step > 0, 1.0 - step, 0.0)
        return np.asarray(view.share * np.where(view.first, 0.0, value))


@dataclass(frozen=True)
class TransitionFit:
    """The transition suits the place.

    A cut is worth .6 anywhere. A dissolve is worth up to 1 at the start of a phrase under calm
    music and .2 inside one; a fade through black up to 1 at the start of a phrase between
    pictures that differ, 0 inside one; a wipe what the picture moves to the side, up to 1.
    Source: conventions of continuity editing (Bordwell & Thompson, *Film Art*).
    """

    phrase: float = 0.95
    name: ClassVar[str] = "transition_fit"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        opens = np.where(view.strength >= self.phrase, 1.0, 0.0)
        dissolve = 0.2 + opens * (0.8 - 0.4 * view.energy)
        fade = opens * (1.0 - view.similarity)
        wipe = np.abs(view.motion_x)
        value = np.where(
            view.transition == CUT,
            0.6,
            np.where(
                view.transition == DISSOLVE,
                dissolve,
                np.where(view.transition == FADE_THROUGH_BLACK, fade, wipe),
            ),
        )
        return np.asarray(view.share * value)


@dataclass(frozen=True)
class EffectFit:
    """The effect suits the picture, the music and the place.

    None is worth .6 anywhere. Slow motion: what moves under calm music. Colour boost: what is
    pale. Black and white: what has little colour already. Zoom: what stands still, up to .9.
    Mirror: .5, its use is continuity. Fade in: 1 on the first piece, fade out: 1 on the piece
    that fills the film, else 0. Source: convention.
    """

    name: ClassVar[str] = "effect_fit"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        worth: dict[int, Any] = {
            NONE: 0.6,
            SLOW_MOTION: view.motion * (1.0 - view.energy),
            COLOUR_BOOST: bell(view.saturation - 0.15, 0.08),
            BLACK_AND_WHITE: bell(view.saturation, 0.06),
            ZOOM_IN: 0.9 * bell(view.motion, 0.15),
            MIRROR: 0.5,
            FADE_IN: np.where(view.first, 1.0, 0.0),
            FADE_OUT: np.where(view.fills, 1.0, 0.0),
        }
        fits = [worth[effect] for effect in range(len(worth))]
        # Effects registered by others come last, and count as none.
        known = np.where(view.effect < len(fits), view.effect, NONE)
        return np.asarray(view.share * np.choose(known, fits))


@dataclass(frozen=True)
class Duration:
    """The film is filled: minus the part left empty (overrun is masked)."""

    name: ClassVar[str] = "duration"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        return np.asarray(-view.unfilled, dtype=np.float64)


@dataclass(frozen=True)
class Legality:
    """-1 for an action of which some part was illegal (and has been replaced), else 0."""

    name: ClassVar[str] = "legality"
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 0.0

    def __call__(self, view: CutView) -> FloatArray:
        """Value per element."""
        return np.where(view.illegal, -1.0, 0.0)


MONTAGE: WeightedSum[CutView] = WeightedSum(
    (
        (Sync(), 1.0),
        (Pacing(), 1.0),
        (Continuity(), 1.0),
        (JumpCut(), 1.0),
        (Diversity(), 0.5),
        (Quality(), 0.5),
        (Energy(), 0.8),
        (Order(), 0.5),
        (TransitionFit(), 1.0),
        (EffectFit(), 1.0),
        (Duration(), 3.0),
        (Legality(), 0.1),
    )
)
"""The reward of `segue/Montage-v0`."""
